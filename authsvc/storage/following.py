"""Which rows should there be? The audit says of each transaction which MACs it brought and which it took away.

A MAC alone cannot show that its row was removed, or put back as it once was: an old row has a good old MAC. So the MACs that are
in the database must be those of the log, each as often as it was brought less as often as it was taken away. In which order that
was, and by which process, does not matter, and nobody learns from the log whose rows they were.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from authsvc.audit.chain import Entry, Link, entry
from authsvc.storage.rows import Moved

ACTION = "rows.written"
SHOWN = 12
"""Bytes of a MAC that stand in the log."""

Balance = Counter[str]
"""How often each MAC should be there."""


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
    return entry("authsvc", ACTION, None, "rows", "bound", now, **said)


def shown(mac: bytes) -> str:
    return mac[-SHOWN:].hex()


def balance_of(links: Iterable[Link]) -> tuple[Balance, dict[str, Place]]:
    """What should be there, and which line said so last."""
    balance, places = Balance(), dict[str, Place]()
    for link in links:
        if f'"{ACTION}"' not in link.body:
            continue
        body = json.loads(link.body)
        if body["action"] != ACTION:
            continue
        place = Place(link.chain, link.seq)
        for mac in body["details"]["brought"]:
            _count(balance, places, mac, 1, place)
        for mac in body["details"]["taken"]:
            _count(balance, places, mac, -1, place)
    return balance, places


def _count(balance: Balance, places: dict[str, Place], mac: str, times: int, place: Place) -> None:
    """What is even is forgotten, so that a long log costs no more than there are rows."""
    balance[mac] += times
    if balance[mac]:
        places[mac] = place
    else:
        del balance[mac]
        places.pop(mac, None)
