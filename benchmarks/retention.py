"""What does it cost the payments when a million decisions grow too old? `python benchmarks/retention.py --json`.

On a durable PostgreSQL and Redis: `--rows` of them, six years old, each a copy of one that the service made. First a service that
keeps them, then one with the default, whose chore forgets them in pieces; decisions are asked for on a schedule beside both.
Latencies count from when a request was due. Waits for locks are counted by looking ten times a second.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import psycopg

_CHECKOUT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(_CHECKOUT))

from benchmarks.decisions import Target, asking_as, closed_loop, running, servers  # noqa: E402  # As above.
from benchmarks.overload import open_loop, print_figures  # noqa: E402
from tests.support.ports import free_port  # noqa: E402

_COPY = """INSERT INTO decisions ({names}) SELECT {values} FROM
    (SELECT * FROM decisions ORDER BY created_at LIMIT 1) AS one, generate_series(1, %s) AS n"""
_REPLACED = {
    "id": "'dec_old' || n",
    "transaction_id": "'pay_old' || n",
    "user_id": "'u_old' || n %% 100000",
    "is_open": "NULL",
    "created_at": "created_at - 6 * 365 * 86400000::bigint + n",
}
_LOOK = """SELECT count(*) FILTER (WHERE wait_event_type = 'Lock'),
    coalesce(max(extract(epoch FROM clock_timestamp() - xact_start)), 0)
    FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() AND state <> 'idle'"""
LOADING_S = 20
FOR_EVER = {"AUTHSVC_KEEP_DECISIONS_DAYS": "36500", "AUTHSVC_KEEP_AUDIT_DAYS": "36500"}


@dataclass
class Looks:
    """What was seen in the database, look by look."""

    count: int = 0
    waiting: int = 0
    longest_s: float = 0.0
    stop: threading.Event = field(default_factory=threading.Event)

    def watch(self, url: str) -> None:
        with psycopg.connect(url, autocommit=True) as connection:
            while not self.stop.wait(0.1):
                [(waiting, longest)] = connection.execute(_LOOK).fetchall()
                self.count += 1
                self.waiting += waiting > 0
                self.longest_s = max(self.longest_s, float(longest))


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--json", action="store_true", help="end with one JSON line")
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--rate", type=float, default=20, help="decisions a second beside it")
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--models", type=Path, default=_CHECKOUT / "var" / "models")
    options = parser.parse_args()
    print_figures(measured(options), as_json=options.json)


def measured(options: argparse.Namespace) -> dict[str, float]:
    with tempfile.TemporaryDirectory(prefix="authsvc-bench-") as name, ExitStack() as stack:
        folder = Path(name) / "there"
        folder.mkdir()
        Path(name).chmod(0o711)
        extra, _ = servers(stack, folder)
        url = extra[extra.index("--database-url") + 1]
        found: dict[str, float] = {"rows": options.rows, "load_before": os.getloadavg()[0]}
        with _service(folder, options.models, extra, FOR_EVER) as port:
            key = (folder / "data" / "development-api-key").read_text().strip()
            asking = asking_as(f"http://127.0.0.1:{port}", key)
            target = Target("kept", port, psutil.Process(), asking)
            closed_loop(target, 50)
            began = time.monotonic()
            _grow_old(url, options.rows)
            found["seconds_to_fill"] = round(time.monotonic() - began)
            found |= _beside(target, url, options, "kept")
        with _service(folder, options.models, extra, {}) as port:
            target = Target("forgetting", port, psutil.Process(), asking)
            found |= _beside(target, url, options, "forgetting")
    found["ratio_of_p99"] = round(found["forgetting_p99_ms"] / found["kept_p99_ms"], 2)
    return found | {"load_after": os.getloadavg()[0]}


def _grow_old(url: str, rows: int) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        found = connection.execute(
            "SELECT column_name FROM information_schema.columns WHERE table_name = 'decisions'"
        ).fetchall()
        names = [name for (name,) in found]
        values = [_REPLACED.get(name, name) for name in names]
        connection.execute(_COPY.format(names=", ".join(names), values=", ".join(values)), (rows,))
        connection.execute("VACUUM ANALYZE decisions")


def _beside(target: Target, url: str, options: argparse.Namespace, stage: str) -> dict[str, float]:
    looks, before = Looks(), _left(url)
    watcher = threading.Thread(target=looks.watch, args=(url,))
    watcher.start()
    try:
        seen = open_loop(target, options.rate, options.seconds)
    finally:
        looks.stop.set()
        watcher.join()
    return {
        f"{stage}_p99_ms": seen.p99_ms(201),
        f"{stage}_failures": seen.failures(201),
        f"{stage}_forgotten_a_second": round((before - _left(url)) / options.seconds),
        f"{stage}_looks_at_a_lock": round(looks.waiting / max(looks.count, 1), 4),
        f"{stage}_longest_transaction_ms": round(1e3 * looks.longest_s),
    }


def _left(url: str) -> int:
    with psycopg.connect(url) as connection:
        [(count,)] = connection.execute("SELECT count(*) FROM decisions WHERE id LIKE 'dec_old%'").fetchall()
    return int(count)


@contextmanager
def _service(folder: Path, models: Path, extra: list[str], environment: dict[str, str]) -> Iterator[int]:
    """Its port, once its models are loaded."""
    port = free_port()
    command = ["env", *(f"{name}={value}" for name, value in environment.items())]
    command += [str(Path(sys.executable).parent / "authsvc"), "serve", "--development", "--port", str(port)]
    command += ["--data-dir", str(folder / "data"), "--model-dir", str(models), "--workers", "2", *extra]
    with running(command, port, "/readyz"):
        time.sleep(LOADING_S)
        yield port


if __name__ == "__main__":
    main()
