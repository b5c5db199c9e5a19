"""A file that only its owner may read: how secret keys rest on disk.

Read through one descriptor and judged by it, so that nothing can be swapped in between; written to a new file that
takes the old one's place at once, so that a power cut leaves the one or the other.
"""

from __future__ import annotations

import fcntl
import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from authsvc.errors import ConfigurationError

_MOUNTED = "..data"
_GROUP_AND_OTHERS, _OTHERS = 0o077, 0o037

Stamp = tuple[int, int, int]
"""Inode, time of change in ns, and size: differs as soon as the file was replaced."""


def read_private(path: Path) -> tuple[bytes, Stamp]:
    """The content and its stamp; raises ConfigurationError for a link, and for what others may read or own.

    Of links those of a mounted secret are followed, which the cluster changes all at once.
    """
    mounted = is_mounted(path)
    follow = 0 if mounted else os.O_NOFOLLOW
    try:
        descriptor = os.open(path, os.O_RDONLY | follow | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        reason = "is a symbolic link" if path.is_symlink() else f"cannot be read: {error.strerror}"
        raise ConfigurationError(f"`{path}` {reason}") from None
    with os.fdopen(descriptor, "rb") as file:
        status = os.fstat(file.fileno())
        _refuse_unless_private(path, status, _OTHERS if mounted else _GROUP_AND_OTHERS)
        return file.read(), _stamp(status)


def stamp(path: Path) -> Stamp | None:
    """The stamp of the file as it is now, or None while it is not there."""
    try:
        return _stamp(path.stat() if is_mounted(path) else os.lstat(path))
    except FileNotFoundError:
        return None


def is_mounted(path: Path) -> bool:
    """Whether this is a key of a secret that Kubernetes mounts: a link through `..data`, in a folder where nobody but root
    or us could make one.

    Such a file belongs to root and, by `fsGroup`, to a group of ours, which may read it.
    """
    try:
        if str(path.readlink()) != f"{_MOUNTED}/{path.name}":
            return False
        folder = path.parent.stat()
        owner, target = path.lstat().st_uid, path.stat()
    except OSError:
        return False
    trusted = (os.geteuid(), 0)
    sticky = bool(folder.st_mode & stat.S_ISVTX)
    nobody_else = folder.st_uid in trusted and owner in trusted and (sticky or not folder.st_mode & 0o022)
    groups = (os.getegid(), *os.getgroups())
    return nobody_else and (not target.st_mode & 0o040 or target.st_gid in groups)


def write_private(path: Path, content: bytes, *, replace: bool) -> Stamp:
    """Write with mode 0600, durably and at once; raises ConfigurationError when the file may not be replaced or made."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        _write_new(draft, content)
        _move(draft, path, replace=replace)
        return _stamp(os.lstat(path))
    except FileExistsError:
        raise ConfigurationError(f"`{path}` exists already and is not overwritten") from None
    except OSError as error:
        raise ConfigurationError(f"`{path}` cannot be written: {error.strerror}") from None
    finally:
        draft.unlink(missing_ok=True)


@contextmanager
def sole_writer(path: Path) -> Iterator[None]:
    """While this lasts, nobody else who asks changes files in the folder of `path`.

    The folder is locked and not the file, because the file is replaced.
    """
    descriptor = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _refuse_unless_private(path: Path, status: os.stat_result, forbidden: int) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise ConfigurationError(f"`{path}` is not a regular file")
    if status.st_uid not in (os.geteuid(), 0):
        raise ConfigurationError(f"`{path}` belongs to another user")
    if status.st_mode & forbidden:
        mode = stat.S_IMODE(status.st_mode)
        raise ConfigurationError(f"`{path}` has mode {mode:04o}; only its owner may have access (0600)")


def _write_new(path: Path, content: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _move(draft: Path, path: Path, *, replace: bool) -> None:
    if replace:
        draft.replace(path)
    else:
        # A hard link is refused when the name is taken; looking first would leave a gap.
        path.hardlink_to(draft)
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _stamp(status: os.stat_result) -> Stamp:
    return status.st_ino, status.st_mtime_ns, status.st_size
