"""What a page of a long list costs: `nice -n 15 .venv/bin/python benchmarks/lists.py --rows 1000000 --json`.

Users, devices and events, in an embedded database and in PostgreSQL where that is installed: the first page, the last one, and
one of which no row is wanted, beside the same in a table of a twentieth. CPU seconds of this process for the embedded database,
of the clock for PostgreSQL, which works in a process of its own; the median of several looks. The ratio is what must stay near
one; below 400 000 rows the shorter list is shorter than what one page looks through.
"""

from __future__ import annotations

import json
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import click

from authsvc.bootstrap.running import Wired
from authsvc.bootstrap.wiring import wire
from authsvc.config import Settings
from authsvc.domain.roll import Mark, Wanted
from authsvc.events import Event
from authsvc.keys.keyring import KeyRing
from authsvc.storage.bound import DEVICES, USERS
from authsvc.storage.transaction import StoreTransaction
from authsvc.storage.upgrade import database_url, upgrade
from authsvc.subject import Subject
from tests.support.postgres import PostgresServer, postgres_program

LOOKS = 15
START = 1_700_000_000_000
BATCH = 500
MISSING = {"users": "frozen", "devices": "revoked", "events": "subject:locked"}
OLDEST: dict[str, Mark] = {
    "users": (START + 60, "", ""),
    "devices": (START + 60, "", "", ""),
    "events": (60,),
}


def fill(wired: Wired, rows: int) -> None:
    """As many users, each with a device and an event; every row with its MAC, which a list checks."""
    for first in range(0, rows, BATCH):
        numbers = range(first, min(first + BATCH, rows))

        def write(tx: StoreTransaction, numbers: range = numbers) -> None:
            tx.rows.add_all(USERS, [_user(number) for number in numbers])
            tx.rows.add_all(DEVICES, [_device(number) for number in numbers])
            tx.published += [
                Event("subject:enrolled", Subject("shop", _name(n)), _at(wired), {}) for n in numbers
            ]

        wired.store.ledger.transact(write)  # type: ignore[arg-type]  # It is the store's own transaction.


def _at(wired: Wired) -> Any:  # Any: the clock's instant.
    return wired.store.clock.now()


def _name(number: int) -> str:
    return f"u_{number:09}"


def _user(number: int) -> dict[str, object]:
    return {
        "client": "shop",
        "user_id": _name(number),
        "status": "active",
        "factors": "otp",
        "locale": "zh-CN",
        "verify_always": 0,
        "low_value_count": 0,
        "low_value_sum": 0,
        "attempts": "{}",
        "sealing_key": bytes(60),
        "created_at": START + number,
        "standing": "{}",
        "receipts_after": None,
        "version": 1,
    }


def _device(number: int) -> dict[str, object]:
    return {
        "client": "shop",
        "user_id": _name(number),
        "device_id": f"dev_{number:09}",
        "name": "手机",
        "state": "active",
        "secret_mac": bytes(32),
        "created_at": START + number,
        "trusted_from": START + number,
        "seen_at": None,
        "version": 1,
    }


def median_of(look: Callable[[], object], clock: Callable[[], float]) -> float:
    taken = []
    for _ in range(LOOKS):
        before = clock()
        look()
        taken.append(clock() - before)
    return statistics.median(taken)


def measured(folder: Path, url: str, rows: int) -> dict[str, float]:
    folder.mkdir()
    settings = Settings(data_dir=folder, unsafe_no_pad=True, database_url=url)
    KeyRing.create(settings.keyring)
    upgrade(database_url(settings))
    wired = wire(settings)
    fill(wired, rows)
    clock = time.perf_counter if url else time.process_time
    figures = {
        f"{name}_{kind}": median_of(look, clock)
        for name in OLDEST
        for kind, look in _looks(wired, name).items()
    }
    wired.close()
    return figures


def _looks(wired: Wired, name: str) -> dict[str, Callable[[], object]]:
    def page(wanted: Wanted, after: Mark | None = None) -> Any:  # Any: the roll of the store.
        found = wired.store.ledger.read(lambda tx: getattr(tx.rolls, name)(wanted, after, 50))
        assert wanted.state or len(found.rows) == 50, "a page is not full"
        return found

    return {
        "first": lambda: page(Wanted()),
        "last": lambda: page(Wanted(), OLDEST[name]),
        "nothing_wanted": lambda: page(Wanted(state=MISSING[name])),
    }


def stores(folder: Path, stack: ExitStack) -> Iterator[tuple[str, Callable[[], str]]]:
    """Each store's name, and a new database of it by its URL."""
    yield "sqlite", str
    postgres, initdb = postgres_program("postgres"), postgres_program("initdb")
    if postgres is None or initdb is None:
        click.echo("postgresql: not installed, not measured")
        return
    folder.chmod(0o711)
    (folder / "servers").mkdir(mode=0o711)
    server = stack.enter_context(PostgresServer.create(postgres, initdb, folder / "servers"))
    yield "postgresql", lambda: server.url(server.create_database())


@click.command()
@click.option("--rows", type=click.IntRange(min=2_000), default=1_000_000, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="End with one JSON line.")
def main(rows: int, as_json: bool) -> None:
    """Measure a long list and a short one, and print both."""
    found = {}
    with tempfile.TemporaryDirectory(prefix="authsvc-lists-") as name, ExitStack() as stack:
        for store, new_database in stores(Path(name), stack):
            few, many = (
                measured(Path(name) / f"{store}-{count}", new_database(), count)
                for count in (rows // 20, rows)
            )
            ratios = {each: many[each] / few[each] for each in many}
            found[store] = {"few": few, "many": many, "ratios": ratios}
            for each, ratio in ratios.items():
                print(
                    f"{store} {each}: {few[each] * 1000:.2f} ms of {rows // 20} rows, "
                    f"{many[each] * 1000:.2f} ms of {rows}, {ratio:.2f} times"
                )
    if as_json:
        print(json.dumps({"rows": rows, **found}))


if __name__ == "__main__":
    main()
