"""Is there a backup, and how old is the newest?"""

from __future__ import annotations

from datetime import timedelta

from authsvc.bootstrap.backup.label import newest_label
from authsvc.bootstrap.doctor.finding import Findings, doubtful, wrong
from authsvc.bootstrap.doctor.surroundings import Surroundings
from authsvc.config import Settings

OLDEST = timedelta(hours=26)
"""A nightly backup, and two hours for it."""


def look_at_backups(settings: Settings, around: Surroundings) -> Findings:
    if settings.backup_dir is None:
        yield doubtful(
            "backups-unknown",
            "nobody says where backups lie",
            "set AUTHSVC_BACKUP_DIR, and run `authsvc backup` every night",
        )
        return
    newest = newest_label(settings.backup_dir)
    if newest is None:
        yield wrong(
            "backup-missing", f"there is no backup in `{settings.backup_dir}`", "run `authsvc backup`"
        )
    elif around.clock.now() - newest.taken_at > OLDEST:
        hours = (around.clock.now() - newest.taken_at) / timedelta(hours=1)
        yield wrong(
            "backup-old",
            f"the newest backup is {hours:.0f} hours old",
            "look why the timer of `authsvc backup` does not run",
        )
