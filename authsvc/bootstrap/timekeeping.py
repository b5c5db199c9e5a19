"""Does the machine's clock tell the time? Watched against what nobody can set, the database's clock, and the audit's last head.

For readiness and metrics. What jumps is not followed (`SteadyClock`); here it is said.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import datetime, timedelta

from authsvc.bootstrap.opening import StoreLedger
from authsvc.clock import FOLLOWED, Clock, SteadyClock
from authsvc.events import Tally
from authsvc.storage.transaction import StoreTransaction
from authsvc.web.gauge import Gauge

_log = logging.getLogger(__name__)


class ClockWatch:
    """Of one process. `look` and `compare` are chores; what they last found stands in `warnings`."""

    def __init__(self, clock: Clock, ledger: StoreLedger, tally: Tally, *, has_database_clock: bool) -> None:
        self._clock = clock
        self._ledger = ledger
        self._tally = tally
        self._has_database_clock = has_database_clock
        self._jumped = timedelta()
        self._ahead_of_database: timedelta | None = None
        self._behind_audit = timedelta()

    def look(self) -> None:
        """At what nobody can set. A jump is logged and counted once, and its end is logged."""
        if not isinstance(self._clock, SteadyClock):
            return
        before, self._jumped = self._jumped, self._clock.jumped()
        if self._jumped and not before:
            direction = "forward" if self._jumped > timedelta() else "backward"
            self._tally.clock_jumped(direction)
            _log.error(
                "the machine's clock jumped %s by %d seconds and is not followed; set it right, or restart if it is right now",
                direction,
                abs(self._jumped.total_seconds()),
            )
        elif before and not self._jumped:
            _log.warning("the machine's clock is right again")

    def compare(self) -> None:
        """With the database's clock, where that is another machine's, and with what was signed last."""

        def query(tx: StoreTransaction) -> tuple[datetime | None, datetime | None]:
            return tx.readiness.clock() if self._has_database_clock else None, tx.audit.last_signed_at()

        database, signed = self._ledger.read(query)
        now = self._clock.now()
        self._ahead_of_database = None if database is None else now - database
        self._behind_audit = timedelta() if signed is None else max(timedelta(), signed - now)

    def warnings(self) -> Iterator[str]:
        if self._jumped:
            yield "clock-jumped"
        if self._ahead_of_database is not None and abs(self._ahead_of_database) > FOLLOWED:
            yield "clock-unlike-database"
        if self._behind_audit > FOLLOWED:
            yield "clock-behind-audit"

    def gauges(self) -> Iterator[Gauge]:
        text = "How far the machine's clock has jumped, which the service does not follow"
        yield Gauge("clock_jump_seconds", text, self._jumped.total_seconds())
        if self._ahead_of_database is not None:
            text = "How far the service's clock is ahead of the database's"
            yield Gauge("clock_ahead_of_database_seconds", text, self._ahead_of_database.total_seconds())
