"""What a page of a long list costs: `nice -n 15 .venv/bin/python benchmarks/lists.py --rows 1000000 --json`.

Events in an embedded database: the first page, the last one, and one of which no row is wanted, beside the same in a table of a
twentieth. CPU seconds of this process, the median of several looks; the ratio is what must stay near one.
"""

from __future__ import annotations

import json
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from authsvc.bootstrap.wiring import wire
from authsvc.config import Settings
from authsvc.domain.roll import Mark, Wanted
from authsvc.keys.keyring import KeyRing
from authsvc.storage.upgrade import database_url, upgrade

LOOKS = 15
START = 1_700_000_000_000


def fill(path: Path, rows: int) -> None:
    """Events of as many users; a list of events costs what a list of users does, but for the check of each row's MAC."""
    with sqlite3.connect(path) as raw:
        raw.executemany(
            "INSERT INTO events (client, user_id, tag, data, at) VALUES ('shop', ?, 'subject:enrolled', '{}', ?)",
            ((f"u_{number}", START + number) for number in range(rows)),
        )


def median_of(look: Callable[[], object]) -> float:
    taken = []
    for _ in range(LOOKS):
        before = time.process_time()
        look()
        taken.append(time.process_time() - before)
    return statistics.median(taken)


def measured(rows: int) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(data_dir=Path(folder), unsafe_no_pad=True)
        KeyRing.create(settings.keyring)
        upgrade(database_url(settings))
        fill(settings.database_file, rows)
        wired = wire(settings)

        def page(wanted: Wanted, after: Mark | None = None) -> Any:  # Any: the roll of the store.
            return wired.store.ledger.read(lambda tx: tx.rolls.events(wanted, after, 50))

        figures = {
            "first": median_of(lambda: page(Wanted())),
            "last": median_of(lambda: page(Wanted(), (60,))),
            "nothing_wanted": median_of(lambda: page(Wanted(state="subject:locked"))),
        }
        wired.close()
    return figures


@click.command()
@click.option("--rows", type=click.IntRange(min=1_000), default=1_000_000, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="End with one JSON line.")
def main(rows: int, as_json: bool) -> None:
    """Measure a long list and a short one, and print both."""
    few, many = measured(rows // 20), measured(rows)
    ratios = {name: many[name] / few[name] for name in many}
    for name, ratio in ratios.items():
        print(
            f"{name}: {few[name] * 1000:.2f} ms of {rows // 20} rows, {many[name] * 1000:.2f} ms of {rows}, {ratio:.2f} times"
        )
    if as_json:
        print(json.dumps({"rows": rows, "few": few, "many": many, "ratios": ratios}))


if __name__ == "__main__":
    main()
