"""Databases of this version, for tests that are about something else: migrated once in a process, then copied."""

from __future__ import annotations

import tempfile
from functools import cache
from pathlib import Path

from authsvc.config import Settings
from authsvc.keys.keyring import KeyRing
from authsvc.storage.sqlite import new_file
from authsvc.storage.upgrade import database_url, upgrade


def prepare(settings: Settings) -> Settings:
    """Give settings a key ring and an empty schema of this version where there is none yet, as a first start does."""
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    if not settings.keyring.exists():
        KeyRing.create(settings.keyring)
    if not settings.database_url and not settings.database_file.exists():
        new_file(settings.database_file)
        settings.database_file.write_bytes(_migrated())
    # Quick where the copy is what it should be; a server's database may be empty.
    upgrade(database_url(settings))
    return settings


@cache
def _migrated() -> bytes:
    with tempfile.TemporaryDirectory(prefix="authsvc-schema-") as folder:
        file = Path(folder) / "empty.db"
        upgrade(f"sqlite:///{file}")
        return file.read_bytes()
