"""The time, asked in one place, so that tests can stop it."""

from __future__ import annotations

import time
from collections.abc import Callable
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


FOLLOWED = timedelta(seconds=5)
"""How far a machine's clock may be set right, all told, while a process lives, without being doubted."""

_AT_ONCE = timedelta(milliseconds=50)


def _uptime_ns() -> int:
    """Nanoseconds that nobody sets; on Linux those count too in which the machine slept."""
    return time.clock_gettime_ns(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


class SteadyClock:
    """The machine's clock for as long as nobody sets it: it does not follow a jump, neither forward nor backward.

    A step forward would open locks and make right codes wrong. Being slewed is no jump: what nobody sets is slewed alike.
    Forked processes inherit where it began; whoever starts anew believes the machine's clock.
    """

    def __init__(
        self, wall: Callable[[], int] = time.time_ns, uptime: Callable[[], int] = _uptime_ns
    ) -> None:
        self._wall, self._uptime = wall, uptime
        self._apart = wall() - uptime()

    def now(self) -> datetime:
        steady, wall = self._uptime() + self._apart, self._wall()
        return _EPOCH + (wall if abs(wall - steady) <= _FOLLOWED_NS else steady) // 1_000_000 * _MILLISECOND

    def jumped(self) -> timedelta:
        """How far the machine's clock is ahead of this one (behind it, below zero); nothing while it is followed."""
        while True:
            steady, wall, again = self._uptime(), self._wall(), self._uptime()
            # A process that was stopped between two looks would see a jump where there was a pause.
            if timedelta(microseconds=(again - steady) // 1000) <= _AT_ONCE:
                break
        apart = timedelta(microseconds=(wall - steady - self._apart) // 1000)
        return apart if abs(apart) > FOLLOWED else timedelta()


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
_FOLLOWED_NS = int(FOLLOWED.total_seconds() * 1_000_000_000)


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
