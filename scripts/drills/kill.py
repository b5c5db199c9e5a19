"""Kill the service fifty times under load, and hold what it had answered against it: `python scripts/drills/kill.py --json`.

Ends with 1 when an answer was lost, something was accepted twice or the audit log does not verify.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import tempfile
import time
from collections import Counter
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path

_CHECKOUT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(_CHECKOUT))

from tests.guarantees.storm import KILLS, Payers, judge, kill  # noqa: E402  # The checkout is on the path only now.
from tests.support.live import LiveService  # noqa: E402
from tests.support.stores import stores  # noqa: E402


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=50)
    parser.add_argument("--networked", action="store_true", help="on PostgreSQL and Redis instead of SQLite")
    parser.add_argument("--payers", type=int, default=4)
    parser.add_argument("--models", type=Path, default=_CHECKOUT / "var" / "models")
    parser.add_argument("--json", action="store_true", help="end with one JSON line")
    options = parser.parse_args()
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="authsvc-drill-") as folder, ExitStack() as stack:
        # PostgreSQL gives up root, and must be able to pass through.
        Path(folder).chmod(0o711)
        live = stack.enter_context(service(Path(folder), options, stack))
        payers = Payers(live, options.payers)
        killed: Counter[str] = Counter()
        with payers.paying():
            for number in range(options.rounds):
                time.sleep(random.uniform(0.2, 1.5))
                what = random.choice(KILLS)
                kill(live, what)
                killed[what] += 1
                print(f"{number + 1:>3}  {what:18}  {len(payers.payments)} payments so far", flush=True)
        verdict = judge(payers)
    found = {"rounds": options.rounds, "killed": dict(killed), **asdict(verdict), "good": verdict.is_good}
    found |= {"store": "postgresql+redis" if options.networked else "sqlite"}
    found |= {"seconds": round(time.monotonic() - began)}
    print(
        json.dumps(found)
        if options.json
        else "\n".join(f"{name:>14}  {value}" for name, value in found.items())
    )
    if not verdict.is_good:
        raise SystemExit(1)


def service(folder: Path, options: argparse.Namespace, stack: ExitStack) -> LiveService:
    """The service to be killed, and the servers that it leans on, which are not."""
    if not options.networked:
        return LiveService(folder, options.models)
    database_url, redis_url = stack.enter_context(stores(folder))
    return LiveService(folder, options.models, database_url=database_url, redis_url=redis_url)


if __name__ == "__main__":
    main()
