"""How long a backup and the way back take, on both databases: `.venv/bin/python benchmarks/backup.py --decisions 5000 --json`.

People enroll and payments are decided; then a backup is taken while two threads go on deciding, and brought back elsewhere with
all that a restore checks. Seconds of each, the size of the backup, and the slowest payment meanwhile.
"""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
import threading
import time
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from authsvc.bootstrap.backup.restoring import restore_backup
from authsvc.bootstrap.backup.taking import copy_keys, take_backup
from authsvc.config import Settings
from tests.support.postgres import PostgresServer, postgres_program
from tests.support.service import Bench, embedded


@click.command()
@click.option("--decisions", type=click.IntRange(10, 10**7), default=5_000, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="End with one JSON line.")
def main(decisions: int, as_json: bool) -> None:
    """Both databases, one after the other."""
    found: dict[str, dict[str, Any]] = {}
    with tempfile.TemporaryDirectory(prefix="authsvc-backup-") as name, ExitStack() as stack:
        Path(name).chmod(0o711)
        for kind, (here, there) in places(Path(name), stack).items():
            found[kind] = measured(here, there, Path(name) / kind, decisions)
            if not as_json:
                click.echo(f"{kind:12} {found[kind]}")
    if as_json:
        click.echo(json.dumps({"decisions": decisions, **found}))


def places(folder: Path, stack: ExitStack) -> dict[str, tuple[Settings, Settings]]:
    pairs = {"sqlite": (embedded(folder / "a"), embedded(folder / "b"))}
    postgres, initdb = postgres_program("postgres"), postgres_program("initdb")
    if postgres is None or initdb is None:
        return pairs
    (folder / "servers").mkdir(mode=0o711)
    server = stack.enter_context(PostgresServer.create(postgres, initdb, folder / "servers"))
    urls = [server.url(server.create_database()) for _ in range(2)]
    networked = (
        replace(embedded(folder / name), database_url=url) for name, url in zip("cd", urls, strict=True)
    )
    first, second = networked
    return {**pairs, "postgresql": (first, second)}


def measured(here: Settings, there: Settings, folder: Path, decisions: int) -> dict[str, Any]:
    bench = Bench(here)
    for number in range(20):
        bench.enroll(f"u_{number}", face=None)
    for number in range(decisions):
        bench.decide(bench.payment(user=f"u_{number % 20}"))
    stop, slowest = threading.Event(), [0.0]

    def pay() -> None:
        while not stop.is_set():
            began = time.perf_counter()
            bench.decide(bench.payment(user="u_1"))
            slowest[0] = max(slowest[0], time.perf_counter() - began)

    threads = [threading.Thread(target=pay) for _ in range(2)]
    for each in threads:
        each.start()
    began = time.perf_counter()
    taken = take_backup(here, bench.wired.store, folder / "backups")
    backup_s = time.perf_counter() - began
    stop.set()
    for each in threads:
        each.join()
    bench.wired.store.audit.take_checkpoint()
    bench.close()
    copy_keys(here, folder / "keys", folder / "backups")
    shutil.copytree(folder / "keys", there.data_dir)
    began = time.perf_counter()
    restored = restore_backup(there, taken.folder, "a measurement")
    return {
        "mib": round(taken.label.size / 2**20, 1),
        "backup_s": round(backup_s, 2),
        "restore_s": round(time.perf_counter() - began, 2),
        "slowest_payment_ms": round(slowest[0] * 1000),
        "lines_forgotten": sum(
            int(str(each["remembered"])) - int(str(each["found"])) for each in restored.chains
        ),
    }


if __name__ == "__main__":
    main()
