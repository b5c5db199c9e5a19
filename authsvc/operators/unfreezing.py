"""An account is unfrozen by two operators: one asks and says why, another one, signed in as well, confirms or refuses."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from authsvc.errors import ChallengeClosed, NotPermitted
from authsvc.subject import Subject

REQUEST_LIFE = timedelta(hours=24)


class RequestState(StrEnum):
    OPEN = "open"
    CONFIRMED = "confirmed"
    REFUSED = "refused"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class UnfreezeRequest:
    """`asked_by` and `answered_by` are operators' ids."""

    id: str
    subject: Subject
    reason: str
    asked_by: str
    asked_at: datetime
    expires_at: datetime
    state: RequestState = RequestState.OPEN
    answered_by: str | None = None

    def must_be_open(self, now: datetime) -> UnfreezeRequest:
        """This request; raises ChallengeClosed once it was answered or its day is over."""
        if self.state is not RequestState.OPEN or now >= self.expires_at:
            raise ChallengeClosed("the request was answered or has expired")
        return self

    def is_about(self, frozen_at: datetime | None) -> bool:
        """Whether the account was not frozen again, or erased, since this was asked."""
        return frozen_at is None or frozen_at <= self.asked_at

    def must_be_anothers(self, operator_id: str) -> UnfreezeRequest:
        """This request; raises NotPermitted for whoever asked."""
        if operator_id == self.asked_by:
            raise NotPermitted("it takes another person than the one who asked")
        return self
