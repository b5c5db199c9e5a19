"""What the supervisor and its web processes know of each other: when each loop last turned, how many connections each has,
and that the end is near.

Memory that is shared by the fork: one number for each process, so no lock is needed, and a process that hangs cannot hold it.
"""

from __future__ import annotations

import mmap
import struct
import time

_NUMBER = struct.Struct("d")
_FRESH_S = 0.5
"""Whose loop has turned within this time would take a connection that is left to it."""


class Pulse:
    """Made before the processes are forked; `number` counts them from 0."""

    def __init__(self, processes: int) -> None:
        self._processes = processes
        self._shared = mmap.mmap(-1, _NUMBER.size * (2 * processes + 1))

    def beat(self, number: int, connections: int) -> None:
        self._write(number, time.monotonic())
        self.carry(number, connections)

    def begin(self, number: int) -> None:
        """A life begins; until its first beat it is still getting ready."""
        self._write(number, 0.0)

    def carry(self, number: int, connections: int) -> None:
        """So many connections this process has."""
        self._write(self._processes + 1 + number, connections)

    def another_carries_less(self, number: int) -> bool:
        """Whether a process that is awake has fewer connections than this one."""
        own = self._carried(number)
        return any(
            self._carried(other) < own and 0 < self.silence(other) < _FRESH_S
            for other in range(self._processes)
            if other != number
        )

    def _carried(self, number: int) -> float:
        return self._read(self._processes + 1 + number)

    def silence(self, number: int) -> float:
        """Seconds since the last beat; none before the first."""
        at = self._read(number)
        return time.monotonic() - at if at else 0.0

    def all_beat(self) -> bool:
        return all(self._read(number) for number in range(self._processes))

    def leave(self) -> None:
        """Whoever balances load should send nobody here any more."""
        self._write(self._processes, 1.0)

    @property
    def is_leaving(self) -> bool:
        return self._read(self._processes) > 0

    def _read(self, number: int) -> float:
        found: float = _NUMBER.unpack_from(self._shared, number * _NUMBER.size)[0]
        return found

    def _write(self, number: int, value: float) -> None:
        _NUMBER.pack_into(self._shared, number * _NUMBER.size, value)
