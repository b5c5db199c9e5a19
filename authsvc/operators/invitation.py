"""An invitation: whoever opens it first, within two days, registers what that operator signs in with from then on."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

INVITATION_LIFE = timedelta(hours=48)


@dataclass(frozen=True, slots=True)
class Invitation:
    id: str
    operator_id: str
    mac: bytes
    expires_at: datetime
    used_at: datetime | None = None

    def is_good(self, now: datetime) -> bool:
        return self.used_at is None and now < self.expires_at
