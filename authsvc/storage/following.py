"""Which rows should there be? The audit says of each transaction which MACs it brought and which it took away.

A MAC alone cannot show that its row was removed, or put back as it once was: an old row has a good old MAC. So the MACs that are
in the database must be those of the log, each as often as it was brought less as often as it was taken away. In which order that
was, and by which process, does not matter, and nobody learns from the log whose rows they were.
"""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Self

from authsvc.audit.chain import ROWS_WRITTEN, Entry, Link, entry
from authsvc.storage.rows import Moved

SHOWN = 12
"""Bytes of a MAC that stand in the log."""

Balance = Counter[str]
"""How often each MAC should be there."""

_MOST_PENDING = 50_000
_MADE = """
PRAGMA journal_mode = OFF;
PRAGMA cache_size = -32768;
CREATE TABLE stray (mac TEXT PRIMARY KEY, times INTEGER NOT NULL, chain TEXT NOT NULL, seq INTEGER NOT NULL) WITHOUT ROWID;
BEGIN;
"""
_MOVED = """INSERT INTO stray VALUES (?, ?, ?, ?) ON CONFLICT (mac)
DO UPDATE SET times = times + excluded.times, chain = excluded.chain, seq = excluded.seq"""
_EVEN = "DELETE FROM stray WHERE mac = ? AND times = 0"
_TAKEN = """INSERT INTO stray VALUES (?, -1, '', 0) ON CONFLICT (mac)
DO UPDATE SET times = times - 1 RETURNING times"""
_LEFT = "SELECT mac, times, chain, seq FROM stray WHERE times <> 0 ORDER BY mac"


@dataclass(frozen=True, slots=True)
class Place:
    """A line of the log."""

    chain: str
    seq: int


def line_of(moved: Moved, now: datetime) -> Entry:
    brought, taken = Balance(map(shown, moved.added)), Balance(map(shown, moved.removed))
    return correction(brought - taken, taken - brought, now)


def correction(brought: Balance, taken: Balance, now: datetime) -> Entry:
    """The line that says so."""
    said = {"brought": sorted(brought.elements()), "taken": sorted(taken.elements())}
    return entry("authsvc", ROWS_WRITTEN, None, "rows", "bound", now, **said)


def shown(mac: bytes) -> str:
    return mac[-SHOWN:].hex()


class Strays:
    """What the log says of the rows that are there, short of what is there: nothing, in a database that nobody touched.

    As many MACs as there are rows wait here for theirs, in a file of their own, so that a million of them need no more memory.
    """

    def __init__(self) -> None:
        # A database without a name: SQLite keeps it on the disk beyond its cache, and nothing of it when it is closed.
        self._file = sqlite3.connect("", isolation_level=None)
        self._file.executescript(_MADE)
        self._pending: dict[str, tuple[int, Place]] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def follow(self, links: Iterable[Link]) -> None:
        """Read the whole log: what was brought should be there, what was taken away should not."""
        for link in links:
            for mac, times in moves(link):
                so_far, _ = self._pending.get(mac, (0, None))
                self._pending[mac] = (so_far + times, Place(link.chain, link.seq))
            if len(self._pending) > _MOST_PENDING:
                self._write()
        self._write()

    def take(self, mac: str) -> bool:
        """A row has this MAC; whether the log says so."""
        ((times,),) = self._file.execute(_TAKEN, (mac,)).fetchall()
        return bool(times >= 0)

    def left(self) -> Iterator[tuple[str, int, Place]]:
        """Each MAC with how many rows are missing, less than none where the log does not know them, and the line that said so."""
        for mac, times, chain, seq in self._file.execute(_LEFT):
            yield mac, times, Place(chain, seq)

    def _write(self) -> None:
        """What is even is forgotten, so that a long log costs no more than there are rows."""
        moved = [(mac, times, at.chain, at.seq) for mac, (times, at) in self._pending.items() if times]
        self._file.executemany(_MOVED, moved)
        self._file.executemany(_EVEN, [(mac,) for mac, *_ in moved])
        self._pending.clear()


def moves(link: Link) -> Iterator[tuple[str, int]]:
    """The MACs that a line says were brought (1) and taken away (-1)."""
    if f'"{ROWS_WRITTEN}"' not in link.body:
        return
    body = json.loads(link.body)
    if body["action"] == ROWS_WRITTEN:
        yield from ((mac, 1) for mac in body["details"]["brought"])
        yield from ((mac, -1) for mac in body["details"]["taken"])
