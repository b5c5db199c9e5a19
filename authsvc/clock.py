"""The time, asked in one place, so that tests can stop it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Protocol


class Clock(Protocol):
    def now(self) -> datetime:
        """The current instant, aware, in UTC."""


class SystemClock:
    """The machine's clock, in the whole milliseconds that the store keeps: an instant read back equals the one written."""

    def now(self) -> datetime:
        now = datetime.now(UTC)
        return now.replace(microsecond=now.microsecond // 1000 * 1000)


class FrozenClock:
    """A clock that stands still until it is told to advance."""

    def __init__(self, at: datetime) -> None:
        self._at = at

    def now(self) -> datetime:
        return self._at

    def advance(self, by: timedelta) -> None:
        self._at += by


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


def to_millis(at: datetime) -> int:
    """An instant as it is stored: whole milliseconds since 1970 (UTC), cut off as `rfc3339` cuts them off."""
    return (at - _EPOCH) // _MILLISECOND


def from_millis(millis: int) -> datetime:
    return _EPOCH + millis * _MILLISECOND


@lru_cache(maxsize=256)
def rfc3339(at: datetime) -> str:
    """An instant as it is shown: RFC 3339, UTC, milliseconds, `Z`. One request shows the same few many times."""
    ours = at if at.tzinfo is UTC else at.astimezone(UTC)
    return f"{ours.isoformat(timespec='milliseconds')[:-6]}Z"
