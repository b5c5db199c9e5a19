"""Broken rows that were met: kept until they are reported, since whoever meets one is about to roll back."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterable
from datetime import datetime, timedelta

from authsvc.audit.chain import entry
from authsvc.clock import Clock
from authsvc.events import Event
from authsvc.storage.bound import Broken
from authsvc.storage.transaction import StoreTransaction
from authsvc.subject import Subject

TAG = "attack:record:broken"
AGAIN_AFTER = timedelta(hours=1)
MOST = 1000
"""Rows of which one process remembers that it reported them."""

_log = logging.getLogger(__name__)


class Noticed:
    """Each row once an hour and process, so that a payer who tries again floods nobody."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._told: dict[Broken, datetime] = {}
        self._waiting: list[Broken] = []
        self._lock = threading.Lock()

    def __call__(self, broken: Broken) -> None:
        now = self._clock.now()
        with self._lock:
            last = self._told.get(broken)
            if last is not None and now - last < AGAIN_AFTER:
                return
            if len(self._told) >= MOST:
                self._told.clear()
            self._told[broken] = now
            self._waiting.append(broken)
        _log.error("row `%s` of table `%s` is broken: %s", broken.row, broken.table, broken.fault)

    def take(self) -> tuple[Broken, ...]:
        """What is still to be reported; reported again later where that fails."""
        with self._lock:
            waiting, self._waiting = tuple(self._waiting), []
        return waiting

    def give_back(self, waiting: tuple[Broken, ...]) -> None:
        with self._lock:
            self._waiting = [*waiting, *self._waiting]


def tell(tx: StoreTransaction, waiting: Iterable[Broken], now: datetime) -> None:
    """An audit line for each, and an event for the backend whose user it is about."""
    for broken in waiting:
        owner = None
        if broken.client is not None and broken.user is not None:
            owner = Subject(broken.client, broken.user)
            tx.publish(Event(TAG, owner, now, {"table": broken.table, "fault": broken.fault}))
        row = f"{broken.table}:{broken.row}"
        tx.record(entry("authsvc", "record.broken", owner, row, broken.fault, now))
