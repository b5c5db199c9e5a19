"""A small disk of a drill's own, that fills, hangs, slows down and turns read-only as real ones do. Needs root.

An ext4 file system in a file, behind a loop device: what is done to it, the kernel does to whoever writes there.
"""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Self

SIZE = 1 << 30
PATIENCE_S = 120.0
THROTTLE = Path("/sys/fs/cgroup/blkio/blkio.throttle.write_iops_device")
"""Limits writes to one device for the whole machine; only the first version of cgroups has it at its root."""


class Disk:
    """An empty file system mounted on a folder, for as long as the block lasts."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._image = folder.with_suffix(".img")
        self._device = ""

    def __enter__(self) -> Self:
        with self._image.open("wb") as file:
            file.truncate(SIZE)
        _run("mkfs.ext4", "-q", "-m", "0", str(self._image))
        self._device = _run("losetup", "--find", "--show", str(self._image)).strip()
        self.mount()
        return self

    def __exit__(self, *_: object) -> None:
        subprocess.run(["umount", "--lazy", str(self.folder)], check=False)
        subprocess.run(["losetup", "--detach", self._device], check=False)
        self._image.unlink()

    def mount(self) -> None:
        _run("mount", self._device, str(self.folder))
        self.folder.chmod(0o711)

    def mend(self) -> None:
        """What a hand does about a disk that failed: nobody uses it any more, it is checked and mounted anew."""
        _run("umount", str(self.folder))
        deadline = time.monotonic() + PATIENCE_S
        # Whoever got a mount namespace of their own meanwhile, on this machine, has it mounted until they end.
        while (checked := self._check()).returncode & 8 and time.monotonic() < deadline:
            time.sleep(0.5)
        if checked.returncode > 1:
            raise OSError(f"the disk cannot be mended: {checked.stdout[-500:]} {checked.stderr[-500:]}")
        self.mount()

    def _check(self) -> subprocess.CompletedProcess[str]:
        """1 and 0 are well: there was something to mend, and it was mended, or there was nothing."""
        return subprocess.run(
            ["e2fsck", "-f", "-y", self._device], capture_output=True, text=True, check=False
        )

    @contextmanager
    def full(self) -> Iterator[None]:
        """Not a byte is left."""
        fill = self.folder / "fill"
        try:
            with fill.open("wb", buffering=0) as file:
                _take_everything(file.fileno(), os.fstatvfs(file.fileno()))
            yield
        finally:
            fill.unlink()

    @contextmanager
    def hanging(self) -> Iterator[None]:
        """Whoever writes waits, and nothing is said."""
        _run("fsfreeze", "--freeze", str(self.folder))
        try:
            yield
        finally:
            _run("fsfreeze", "--unfreeze", str(self.folder))

    @contextmanager
    def slow(self, writes_a_second: int) -> Iterator[None]:
        """The device takes so many writes a second; an fsync needs one or two of them."""
        number = Path(self._device).stat().st_rdev
        device = f"{os.major(number)}:{os.minor(number)}"
        THROTTLE.write_text(f"{device} {writes_a_second}")
        try:
            yield
        finally:
            THROTTLE.write_text(f"{device} 0")

    def turn_read_only(self) -> None:
        """As ext4 does upon an error of its device; open files too take nothing more, until it is mounted anew."""
        _run("mount", "-o", "remount,abort", str(self.folder))


def _take_everything(file: int, room: os.statvfs_result) -> None:
    size, step = 0, room.f_bavail * room.f_frsize
    while step >= room.f_frsize:
        try:
            os.posix_fallocate(file, size, step)
            size += step
        except OSError:
            step //= 2
    # What others gave back meanwhile.
    with suppress(OSError):
        while os.pwrite(file, bytes(4096), size):
            size += 4096
            time.sleep(0)


def _run(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout
