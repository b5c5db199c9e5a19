"""Where the processes of one host count: files in memory, one set for each process, with all their room taken beforehand.

The metrics library maps its files, and a mapped page that cannot be had when it is first touched ends the process (SIGBUS).
So the files lie by default in memory and not beside the database, and no page is mapped before it was taken. Where that
fails a process counts for itself alone: a metric never costs a start or an answer.
"""

from __future__ import annotations

import fcntl
import logging
import os
import shutil
import stat
from dataclasses import dataclass
from pathlib import Path

_log = logging.getLogger(__name__)

ROOM = 2 * 1024 * 1024
"""Bytes of each file: several times what every label in use takes, so that the library never has to let one grow."""

_KINDS = ("counter", "histogram")
_MOST = 256


@dataclass(frozen=True, slots=True)
class CountingPlace:
    """This process's own files, `<kind>_<name>.db`, and the lock that keeps them its own for as long as it lives.

    Whoever takes the place of a process that ended counts on where that one stopped.
    """

    directory: Path
    name: str
    lock: int

    @classmethod
    def claim(cls, directory: Path) -> CountingPlace | None:
        """The first free place in a directory that is ours; None, and a warning, where none can be had."""
        try:
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            _refuse_unless_ours(directory)
            place = cls(directory, *_free(directory))
            for kind in _KINDS:
                _take_room(directory / f"{kind}_{place.name}.db")
        except OSError as error:
            _log.warning(
                "nothing can be counted in `%s` (%s): this process counts for itself alone",
                directory,
                error.strerror,
            )
            return None
        return place


def fresh_directory(directory: Path) -> Path:
    """An empty directory to count in, where one can be had; for whoever starts the web processes, before they start."""
    shutil.rmtree(directory, ignore_errors=True)
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        _log.warning("`%s`, to count in, cannot be made: %s", directory, error.strerror)
    return directory


def _refuse_unless_ours(directory: Path) -> None:
    status = directory.lstat()
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.geteuid():
        raise OSError(0, "it belongs to somebody else")


def _free(directory: Path) -> tuple[str, int]:
    for number in range(1, _MOST):
        lock = os.open(directory / f"place-{number}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(lock)
            continue
        return str(number), lock
    raise OSError(0, "too many processes count here")


def _take_room(path: Path) -> None:
    file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        os.posix_fallocate(file, 0, ROOM)
    finally:
        os.close(file)
