"""A registered device: what it may do now, and what may happen to it next."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from authsvc.errors import InvalidRequest
from authsvc.subject import Subject

LONGEST_NAME = 64


class DeviceState(StrEnum):
    ACTIVE = "active"
    SUSPENDED = "suspended"
    REVOKED = "revoked"


# A revoked device stays on record, so that its id is never used again.
TRANSITIONS = {
    DeviceState.ACTIVE: {DeviceState.SUSPENDED, DeviceState.REVOKED},
    DeviceState.SUSPENDED: {DeviceState.ACTIVE, DeviceState.REVOKED},
    DeviceState.REVOKED: set[DeviceState](),
}


@dataclass(frozen=True, slots=True)
class Device:
    """`trusted_from` ends the probation; `secret_mac` is the keyed HMAC of the secret that only the phone has.

    `synced` says whether a live key of the device may leave it; None where it has no key. `aaguid` is the model that its key
    names, which proves nothing unless it is `attested`.
    """

    subject: Subject
    id: str
    name: str
    state: DeviceState
    secret_mac: bytes
    created_at: datetime
    trusted_from: datetime
    seen_at: datetime | None = None
    synced: bool | None = None
    attested: bool = False
    aaguid: str | None = None
    version: int = 0

    def renamed(self, name: str) -> Device:
        return replace(self, name=label(name))

    def suspended(self) -> Device:
        return self._become(DeviceState.SUSPENDED)

    def reinstated(self) -> Device:
        return self._become(DeviceState.ACTIVE)

    def revoked(self) -> Device:
        return self._become(DeviceState.REVOKED)

    def seen(self, now: datetime) -> Device:
        return replace(self, seen_at=now)

    def _become(self, state: DeviceState) -> Device:
        if state is self.state:
            return self
        if state not in TRANSITIONS[self.state]:
            raise InvalidRequest(f"a {self.state} device cannot become {state}")
        return replace(self, state=state)


def label(name: str) -> str:
    """A device's name as a person typed it, trimmed; raises InvalidRequest when nothing is left or it is too long."""
    trimmed = " ".join(name.split())
    if not 1 <= len(trimmed) <= LONGEST_NAME:
        raise InvalidRequest(f"a device name has 1 to {LONGEST_NAME} characters")
    return trimmed
