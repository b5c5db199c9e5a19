"""What is done now and then: closing what has expired, forgetting what need not be kept."""

from __future__ import annotations

from authsvc.domain.store import Transaction
from authsvc.services.base import Service


class Housekeeping(Service):
    def sweep(self) -> None:
        """Called now and then by one thread of each process."""
        now = self._clock.now()

        def unit(tx: Transaction) -> None:
            self._stepup.expire(tx, now)
            tx.answers.forget_expired(now)
            tx.spent.forget_expired(now)
            tx.overviews.forget_expired(now)
            tx.tickets.forget_expired(now)

        self._ledger.transact(unit)
