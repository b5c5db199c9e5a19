"""A database of an old release under this one: `scripts/drills/leap.py --before COMMIT --json`, on SQLite and on PostgreSQL.

The old program serves, enrolls a payer and releases a payment. The database is upgraded and adopted, and under this program that
receipt is consumed once, the same payer proves another payment with the same app, and the audit log verifies. Ends with 1 when
anything of that fails.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

_CHECKOUT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(_CHECKOUT))

from scripts.drills.upgrade import Host, command, made, schema  # noqa: E402  # The checkout is on the path only now.
from tests.guarantees.people import Challenge, Person, Shop, expect  # noqa: E402
from tests.support.live import LiveService  # noqa: E402
from tests.support.stores import stores  # noqa: E402


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--before", required=True, help="the commit of the old release")
    parser.add_argument("--models", type=Path, default=_CHECKOUT / "var" / "models")
    parser.add_argument("--json", action="store_true", help="end with one JSON line")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="authsvc-drill-") as name, ExitStack() as stack:
        folder = Path(name)
        folder.chmod(0o711)
        before = stack.enter_context(checked_out(options.before, folder / "before"))
        database_url, redis_url = stack.enter_context(stores(folder))
        common = {"AUTHSVC_MODEL_DIR": str(options.models), "AUTHSVC_WORKERS": "1", "AUTHSVC_VOICE": "0"}
        networked = {"AUTHSVC_DATABASE_URL": database_url, "AUTHSVC_REDIS_URL": redis_url}
        found = {
            "sqlite": leap(made(folder / "embedded"), before, common),
            "postgresql": leap(made(folder / "networked"), before, common | networked),
        }
    print(
        json.dumps(found)
        if options.json
        else "\n".join(f"{key:>10}  {value}" for key, value in found.items())
    )


@contextmanager
def checked_out(commit: str, folder: Path) -> Iterator[Path]:
    git = ("git", "-C", str(_CHECKOUT), "worktree")
    subprocess.run([*git, "add", "-q", "--detach", str(folder), commit], check=True)
    try:
        yield folder
    finally:
        subprocess.run([*git, "remove", "--force", str(folder)], check=True)


def leap(folder: Path, before: Path, settings: Mapping[str, str]) -> dict[str, Any]:
    host = Host(folder, before, settings)
    run(before, host, "keyring", "create")
    run(before, host, "db", "upgrade")
    key = json.loads(run(before, host, "keys", "create", "--client", "shop", "--json"))["api_key"]
    with host:
        shop = Shop(cast(LiveService, Backend(host, key)))
        old = schema([host])
        person = Person(shop)
        payment = shop.payment(person)
        receipt, used = proven(shop, person, payment), person.code()
        host.stop()
        run(_CHECKOUT, host, "db", "upgrade")
        adopted = json.loads(run(_CHECKOUT, host, "db", "adopt", "--json"))["adopted"]
        host.run(_CHECKOUT)
        statuses = [shop.consume(receipt, payment).status for _ in range(2)]
        later = shop.payment(person)
        statuses.append(shop.consume(proven(shop, person, later, used), later).status)
    audit = json.loads(run(_CHECKOUT, host, "audit", "verify", "--json"))
    if statuses != [200, 409, 200] or not audit["sound"]:
        raise SystemExit(f"{statuses}, audit: {audit}")
    return {"before": old, "adopted rows": adopted, "consumed": statuses, "audit sound": audit["sound"]}


class Backend(SimpleNamespace):
    """What `Shop` asks of a running service, over whichever program the host runs now."""

    def __init__(self, host: Host, api_key: str) -> None:
        super().__init__(api_key=api_key)
        self._host = host

    def ask(self, *call: Any, **named: Any) -> Any:
        return LiveService.ask(cast(LiveService, self._host), *call, **named)


def proven(shop: Shop, person: Person, payment: Mapping[str, Any], used: str = "") -> str:
    """The receipt of a payment that the payer proved with their app, which is waited for until it shows another code."""
    challenge: Challenge = shop.challenge(payment)
    while (code := person.code()) == used:
        time.sleep(0.5)
    expect(challenge.try_code(code), 200)
    return str(shop.decision(challenge.decision_id)["receipt"])


def run(checkout: Path, host: Host, *words: str) -> bytes:
    return subprocess.run(command(checkout, host.settings, *words), check=True, stdout=subprocess.PIPE).stdout


if __name__ == "__main__":
    os.umask(0o077)
    main()
