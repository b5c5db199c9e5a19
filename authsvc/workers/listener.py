"""The socket file of the biometric workers: reachable by the service's own user, and by nobody else."""

from __future__ import annotations

import os
import socket
import stat
import struct
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from authsvc.errors import ConfigurationError

BACKLOG = 128

# What the kernel lets a socket address hold, less the terminating zero.
_LONGEST_PATH = 107
_CREDENTIALS = struct.Struct("3i")


@contextmanager
def listening(path: Path) -> Iterator[socket.socket]:
    """A listening socket at `path` (mode 0600, its folder 0700), removed at the end.

    Replaces what a crashed server left there. Raises ConfigurationError when another one is serving, the folder is open to
    others, or the path is too long.
    """
    _prepare_folder(path.parent)
    # Bound beside its place and moved there, so that nobody finds it before it has its mode and listens.
    beside = path.with_name(f"{path.name}.{os.getpid()}")
    if len(os.fsencode(beside)) > _LONGEST_PATH:
        raise ConfigurationError(f"the socket path `{path}` is too long; at most about 95 bytes are possible")
    if _is_served(path):
        raise ConfigurationError(f"another process serves `{path}` already")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        beside.unlink(missing_ok=True)
        listener.bind(os.fspath(beside))
        beside.chmod(0o600)
        listener.listen(BACKLOG)
        beside.rename(path)
        ours = path.stat().st_ino
        try:
            yield listener
        finally:
            _remove(path, ours)


def is_own_user(connection: socket.socket) -> bool:
    """Whether the process at the other end runs as the same user as this one."""
    raw = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    _, uid, _ = _CREDENTIALS.unpack(raw)
    return bool(uid == os.geteuid())


def _prepare_folder(folder: Path) -> None:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    status = folder.stat()
    if status.st_uid != os.geteuid() or stat.S_IMODE(status.st_mode) & 0o077:
        raise ConfigurationError(
            f"the folder `{folder}` must belong to the service's user and have mode 0700"
        )


def _is_served(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(1)
        try:
            probe.connect(os.fspath(path))
        except (FileNotFoundError, ConnectionRefusedError):
            return False
        except OSError:
            return True
        return True


def _remove(path: Path, inode: int) -> None:
    """Remove the socket file, unless a successor has put its own there."""
    with suppress(FileNotFoundError):
        if path.stat().st_ino == inode:
            path.unlink()
