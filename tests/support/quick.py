"""Where the tests' files lie: in memory where there is room, since a store waits for its disk several times a payment."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import psutil

ROOM = 4 * 2**30
"""Bytes: several times what a run of everything leaves."""


MEMORY = Path("/dev/shm")  # noqa: S108  # Linux's file system in memory; names in it are pytest's.


def use_memory(folder: Path = MEMORY, room: int = ROOM) -> None:
    """Temporary files of this run and of what it starts lie there; whoever set TMPDIR has chosen, and keeps it."""
    if "TMPDIR" not in os.environ and has_room(folder, room):
        os.environ["TMPDIR"] = str(folder)
        tempfile.tempdir = None


def has_room(folder: Path, room: int) -> bool:
    """Whether files may be written and programs run there, and there is memory for them: a container has next to none."""
    if not os.access(folder, os.W_OK | os.X_OK):
        return False
    there = os.statvfs(folder)
    free = min(there.f_bavail * there.f_frsize, psutil.virtual_memory().available)
    return not there.f_flag & os.ST_NOEXEC and free > room
