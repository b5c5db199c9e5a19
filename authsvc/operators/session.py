"""A session of an operator: kept on the server, over after a quarter of an hour of silence, and after a working day at most."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from authsvc.domain.operator import Operator

IDLE = timedelta(minutes=15)
LONGEST = timedelta(hours=8)
LONGEST_BEARER = timedelta(hours=1)
TOUCH_EVERY = timedelta(seconds=30)
"""How often being seen is written down: a session lives by this much less than it could."""


class SessionKind(StrEnum):
    """What carries the session. Neither is accepted in the other's place."""

    BROWSER = "browser"
    """A cookie, with a form's key for every change."""

    BEARER = "bearer"
    """`Authorization: Operator os_…`, for a program; an hour at most, whether it is used or not."""


class Means(StrEnum):
    """What was proven at the sign-in, both of them two factors."""

    DEVICE_KEY = "device-key"
    APP = "app-and-sign-in-key"


@dataclass(frozen=True, slots=True)
class Session:
    """`operator` is who the store says they are at this moment, so a role that was taken away is gone at once."""

    id: str
    kind: SessionKind
    operator: Operator
    means: Means
    mac: bytes
    created_at: datetime
    seen_at: datetime
    expires_at: datetime
    ended_at: datetime | None = None

    def is_good(self, now: datetime) -> bool:
        idle = self.kind is SessionKind.BROWSER and now >= self.seen_at + IDLE
        return self.ended_at is None and now < self.expires_at and not idle
