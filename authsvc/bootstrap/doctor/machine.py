"""Disk, limits and clock of the machine."""

from __future__ import annotations

import os
import stat
from datetime import timedelta
from pathlib import Path

from authsvc.bootstrap.doctor.finding import Findings, doubtful, wrong
from authsvc.bootstrap.doctor.surroundings import Surroundings
from authsvc.config import Settings

MIB = 1024 * 1024
LEAST_FILES = 1_256
"""A web process's clients, and what it opens besides."""

MOST_SKEW = timedelta(seconds=2)
"""A one-time code is good for a step of 30 s and the one before; whoever is two seconds off is not kept right."""


def look_at_folder(settings: Settings, around: Surroundings) -> Findings:
    folder = settings.data_dir
    if not folder.is_dir():
        yield wrong(
            "data-dir-missing", f"there is no `{folder}`", "make it, mode 0700, or set AUTHSVC_DATA_DIR"
        )
        return
    if stat.S_IMODE(folder.stat().st_mode) & 0o077:
        yield wrong(
            "data-dir-open", f"others may enter `{folder}`, which holds the database", f"chmod 0700 {folder}"
        )
    if not os.access(folder, os.W_OK | os.X_OK):
        yield wrong("data-dir-unwritable", f"`{folder}` cannot be written", "give it to the service's user")
    free = around.free_bytes(folder) // MIB
    if free < settings.free_space_mib:
        yield wrong(
            "free-space-low",
            f"{free} MiB are free in `{folder}`, {settings.free_space_mib} are wanted (AUTHSVC_FREE_SPACE_MIB)",
            "make room: a full disk refuses every payment; remove old backups and logs, or enlarge the volume",
        )
    if settings.audit_witness is not None and not _can_be_written(settings.audit_witness):
        yield wrong(
            "witness-unwritable",
            f"`{settings.audit_witness}` cannot be written, so no checkpoint is kept outside",
            "mount it, give it to the service's user, or name another file in AUTHSVC_AUDIT_WITNESS",
        )


def look_at_limits(settings: Settings, around: Surroundings) -> Findings:
    most = around.most_files()
    if 0 <= most < LEAST_FILES:
        yield wrong(
            "open-files",
            f"a process may open {most} files, and a web process wants {LEAST_FILES}",
            "raise the hard limit: `LimitNOFILE=4096` in the systemd unit, `ulimits` in compose",
        )


def look_at_clock(settings: Settings, around: Surroundings) -> Findings:
    if around.clock_is_kept() is False:
        yield doubtful(
            "clock-not-kept",
            "the kernel says that nobody keeps this machine's clock right",
            "run chrony or systemd-timesyncd: one-time codes and receipts are good for seconds",
        )


def _can_be_written(path: Path) -> bool:
    return os.access(path if path.exists() else path.parent, os.W_OK)
