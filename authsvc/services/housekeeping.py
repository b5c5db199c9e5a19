"""What is done now and then: closing what has expired, forgetting what need not be kept.

In pieces, each a unit of its own: payments are written between them, and a chore that fails holds up no other.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial

from authsvc.domain.store import Transaction
from authsvc.errors import AuthsvcError
from authsvc.services.base import Service
from authsvc.stepup import learning
from authsvc.stepup.flow import EXPIRED_AT_ONCE

PIECE = 200
MOST_PIECES = 25
"""Of one chore in one turn: what is left waits for the next, ten seconds later."""

Chore = Callable[[Transaction, datetime], int]

_log = logging.getLogger(__name__)


class Housekeeping(Service):
    def chores(self) -> Mapping[str, Callable[[], str | None]]:
        """Each by its name; one returns `behind` where its pieces were not enough."""
        chores: dict[str, tuple[Chore, int]] = {
            "closing challenges": (self._stepup.expire, EXPIRED_AT_ONCE),
            "forgetting answers": (lambda tx, now: tx.answers.forget_expired(now, PIECE), PIECE),
            "forgetting nonces": (lambda tx, now: tx.spent.forget_expired(now, PIECE), PIECE),
            "forgetting overviews": (lambda tx, now: tx.overviews.forget_expired(now, PIECE), PIECE),
            "learning habits": (lambda tx, now: learning.learn_due(tx, now, PIECE), PIECE),
            "forgetting lessons": (lambda tx, now: tx.habits.forget_expired(now, PIECE), PIECE),
            "forgetting decisions": (
                lambda tx, now: tx.decisions.forget(now - self._parts.keep_decisions, PIECE),
                PIECE,
            ),
            "forgetting events": (
                lambda tx, now: tx.events.forget(now - self._parts.keep_events, PIECE),
                PIECE,
            ),
            "forgetting tickets": (lambda tx, now: tx.tickets.forget_expired(now, PIECE), PIECE),
        }
        return {name: partial(self._do, name, *chore) for name, chore in chores.items()}

    def sweep(self) -> None:
        """All of them in turn; for whoever has no other use of them."""
        for name, chore in self.chores().items():
            try:
                chore()
            except AuthsvcError as error:
                _log.warning("%s failed: %s", name, error.detail)

    def _do(self, name: str, chore: Chore, piece: int) -> str | None:
        now = self._clock.now()
        for _ in range(MOST_PIECES):
            if self._ledger.transact(lambda tx: chore(tx, now)) < piece:
                return None
        _log.warning("%s is behind: more than %d are due", name, MOST_PIECES * piece)
        return "behind"
