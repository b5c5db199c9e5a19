"""Which audit chain does this process write? A slot of this installation, held for as long as the process lives.

A restart takes a free slot and continues its chain, so the number of chains is that of processes at a time, not of starts.
"""

from __future__ import annotations

import fcntl
import os
import secrets
import weakref
from pathlib import Path

from authsvc.errors import ConfigurationError
from authsvc.keys.keyfile import write_private

MOST_SLOTS = 1024


class ChainSlot:
    """A chain's name, and the lock that makes this process its only writer."""

    def __init__(self, name: str, lock: int) -> None:
        self.name = name
        # Once: the number may be another file's by the time of a second call.
        self._unlock = weakref.finalize(self, os.close, lock)

    @classmethod
    def claim(cls, folder: Path) -> ChainSlot:
        """The first free slot of the installation whose state lies in `folder`."""
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        installation = _installation(folder / "installation")
        for number in range(1, MOST_SLOTS):
            lock = os.open(folder / f"chain-{number}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(lock)
                continue
            return cls(f"{installation}-{number}", lock)
        raise ConfigurationError(f"more than {MOST_SLOTS} processes write audit chains here")

    def release(self) -> None:
        """Let go of the chain; again, it does nothing."""
        self._unlock()


def _installation(path: Path) -> str:
    """A name that no other host writing to the same database has; made once."""
    if not path.exists():
        # Of several processes that start together, one names the installation; the others' files are refused.
        try:
            write_private(path, secrets.token_hex(4).encode(), replace=False)
        except ConfigurationError:
            if not path.exists():
                raise
    return path.read_text()
