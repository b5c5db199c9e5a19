"""The machine, as the doctor sees it: its clock, its room, its limits. A test puts another one in its place."""

from __future__ import annotations

import ctypes
import resource
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from shutil import disk_usage

from authsvc.clock import Clock, SystemClock

_TIMEX_BYTES = 512
"""More than `struct timex` has anywhere; all zero, it changes nothing (adjtimex(2))."""
_UNSYNCHRONISED = 5


def clock_is_kept() -> bool | None:
    """Whether the kernel says that somebody keeps the clock right (NTP); None where it says nothing."""
    if sys.platform != "linux":
        return None
    state: int = ctypes.CDLL(None, use_errno=True).adjtimex(ctypes.create_string_buffer(_TIMEX_BYTES))
    return None if state < 0 else state != _UNSYNCHRONISED


def most_files() -> int:
    """How many files a process may have open at most; -1 is no bound."""
    return resource.getrlimit(resource.RLIMIT_NOFILE)[1]


def free_bytes(folder: Path) -> int:
    return disk_usage(folder).free


@dataclass(frozen=True, slots=True)
class Surroundings:
    clock: Clock = field(default_factory=SystemClock)
    clock_is_kept: Callable[[], bool | None] = clock_is_kept
    most_files: Callable[[], int] = most_files
    free_bytes: Callable[[Path], int] = free_bytes
