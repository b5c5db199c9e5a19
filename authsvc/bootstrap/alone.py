"""One service in one data directory: a second would share its embedded stores, its socket and its chains unasked."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from authsvc.errors import ConfigurationError

PATIENCE_S = 1.0


@contextmanager
def alone_in(folder: Path) -> Iterator[None]:
    """While this lasts, and while one of this process's children lives, nobody else serves from `folder`.

    Raises ConfigurationError that names the process which has it.
    """
    path = folder / "serving.lock"
    try:
        lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise ConfigurationError(f"`{path}` cannot be written: {error.strerror}") from None
    if not _locked_within(PATIENCE_S, lock):
        holder = os.pread(lock, 20, 0).decode(errors="replace").strip() or "unknown"
        os.close(lock)
        raise ConfigurationError(
            f"a service is running in `{folder}` already (process {holder}): stop it, or name another data directory"
        )
    try:
        _write_holder(lock)
        yield
    finally:
        os.close(lock)


def _locked_within(seconds: float, lock: int) -> bool:
    """The children of a service that was killed take a moment to die."""
    deadline = time.monotonic() + seconds
    while True:
        with suppress(BlockingIOError):
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        if time.monotonic() >= deadline:
            return False
        time.sleep(0.05)


def _write_holder(lock: int) -> None:
    # Who holds it is a help for people; a full disk must not keep the service from starting.
    with suppress(OSError):
        os.ftruncate(lock, 0)
        os.pwrite(lock, str(os.getpid()).encode(), 0)
