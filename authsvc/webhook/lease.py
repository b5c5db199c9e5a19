"""Which sender works: of all processes on all hosts one at a time, kept by writing a beat that the others watch.

Nobody's clock is compared with another's: whoever waits takes over when the beat has stood still for long enough by its own
clock, by one conditional write that names the beat it saw. The lease keeps the load single; that each attempt is made once
is decided for each by its claim.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

PATIENCE = 15.0
"""Seconds for which a beat must stand still before another sender takes over."""

BEAT_EVERY = 3.0

MARGIN = 3.0
"""A holder stops beginning anything so many seconds before others may take over."""


@dataclass(frozen=True, slots=True)
class Beat:
    """`holder` is empty once it has let go."""

    holder: str
    number: int


class Beats(Protocol):
    """The one row that all senders see."""

    def read(self) -> Beat | None: ...

    def write(self, holder: str, seen: Beat | None) -> bool:
        """Write the next beat if nobody has written since `seen`."""


class Lease:
    """One sender's view; for one thread, `is_held` for any."""

    def __init__(self, beats: Beats, holder: str, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._beats = beats
        self._holder = holder
        self._monotonic = monotonic
        self._seen: Beat | None = None
        self._seen_at = monotonic()
        self._written_at: float | None = None

    def is_held(self) -> bool:
        """Whether something new may be begun."""
        return self._written_at is not None and self._age(self._written_at) < PATIENCE - MARGIN

    def keep(self) -> bool:
        """Write a beat when it is time, or take over when another's stands still; whether the lease is held now."""
        if self.is_held() and self._written_at is not None and self._age(self._written_at) < BEAT_EVERY:
            return True
        began = self._monotonic()
        beat = self._beats.read()
        if self._may_write(beat) and self._beats.write(self._holder, beat):
            self._written_at = began
            return True
        self._written_at = None
        return False

    def release(self) -> None:
        """Let the next one begin at once."""
        beat = self._beats.read()
        self._written_at = None
        if beat is not None and beat.holder == self._holder:
            self._beats.write("", beat)

    def _may_write(self, beat: Beat | None) -> bool:
        if beat is None or beat.holder in ("", self._holder):
            return True
        if beat != self._seen:
            self._seen, self._seen_at = beat, self._monotonic()
            return False
        return self._age(self._seen_at) >= PATIENCE

    def _age(self, since: float) -> float:
        return self._monotonic() - since
