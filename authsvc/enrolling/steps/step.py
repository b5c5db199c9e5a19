"""How a step of an enrollment presents itself. A new factor is one more file beside this one, and a line in `wiring`."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from authsvc.clock import rfc3339
from authsvc.domain.account import Account
from authsvc.domain.store import Transaction
from authsvc.domain.ticket import EnrollmentStep, Ticket
from authsvc.factor import Begun, Json, Submission, Unusable


@dataclass(frozen=True, slots=True)
class Taken:
    """Evidence that was good: `staged` waits, sealed, for `complete`; `sent` goes to the person now.

    Nothing is staged while more of the same is wanted first.
    """

    staged: Json | None
    sent: Json = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class When:
    """The moment of completion, and the one from which on what is enrolled counts without reserve."""

    now: datetime
    counts_from: datetime

    @property
    def waits(self) -> bool:
        return self.counts_from > self.now

    def event_data(self) -> Json:
        """As an event carries it."""
        return {"probation": self.waits, "counts_from": rfc3339(self.counts_from)}


class Step(Protocol):
    """`once` says that what was begun is used up by the first answer to it, good or bad."""

    def is_offered(self) -> bool:
        """Whether this can be enrolled here and now; a voice cannot while no worker has its models."""

    @property
    def step(self) -> EnrollmentStep: ...

    @property
    def once(self) -> bool: ...

    def begin(self, ticket: Ticket, now: datetime) -> Begun: ...

    def take(self, ticket: Ticket, begun: Json, submission: Submission, now: datetime) -> Taken | Unusable:
        """Raises InvalidRequest for what is no evidence of this kind, ChallengeFailed for what is wrong."""

    def apply(self, tx: Transaction, ticket: Ticket, account: Account, staged: Json, when: When) -> Account:
        """Make it count, in the transaction of the whole enrollment; returns the account as it is then."""
