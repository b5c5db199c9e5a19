"""A person's own look at their account: which devices and consents there are, and what can be tightened or removed.

The payment backend vouches that this person is signed in; nothing that is done through an overview makes anything weaker.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from authsvc.errors import ChallengeClosed
from authsvc.subject import Subject

OVERVIEW_LIFE = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Overview:
    """The backend's word that this very person is looking, for a quarter of an hour."""

    id: str
    subject: Subject
    locale: str
    return_url: str | None
    expires_at: datetime

    @property
    def opened_at(self) -> datetime:
        return self.expires_at - OVERVIEW_LIFE

    def must_be_open(self, now: datetime) -> Overview:
        """This overview; raises ChallengeClosed once its time is over."""
        if now >= self.expires_at:
            raise ChallengeClosed("the overview is over; open a new one")
        return self
