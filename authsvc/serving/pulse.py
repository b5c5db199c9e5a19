"""What the supervisor and its web processes know of each other: when each loop last turned, and that the end is near.

Memory that is shared by the fork: one number for each process, so no lock is needed, and a process that hangs cannot hold it.
"""

from __future__ import annotations

import mmap
import struct
import time

_NUMBER = struct.Struct("d")


class Pulse:
    """Made before the processes are forked; `number` counts them from 0."""

    def __init__(self, processes: int) -> None:
        self._processes = processes
        self._shared = mmap.mmap(-1, _NUMBER.size * (processes + 1))

    def beat(self, number: int) -> None:
        self._write(number, time.monotonic())

    def begin(self, number: int) -> None:
        """A life begins; until its first beat it is still getting ready."""
        self._write(number, 0.0)

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
