"""Takes a backup while the service runs: the database in one moment, and the keys apart from it."""

from __future__ import annotations

import os
import secrets
import shutil
from dataclasses import dataclass
from pathlib import Path

from authsvc import __version__
from authsvc.audit import remembered, taken_away
from authsvc.audit.chain import entry
from authsvc.biometric.weights import sha256_of
from authsvc.bootstrap import command_line
from authsvc.bootstrap.backup.label import Label, labelled, write_label
from authsvc.bootstrap.opening import Store
from authsvc.config import Settings
from authsvc.errors import ConfigurationError
from authsvc.storage.copies import copy_sqlite, dump_postgres


@dataclass(frozen=True, slots=True)
class Taken:
    folder: Path
    label: Label


def take_backup(settings: Settings, store: Store, target: Path) -> Taken:
    """A new folder in `target`, whole or not there at all."""
    now = store.clock.now()
    name = f"authsvc-{now:%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}"
    target.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = target / f".{name}"
    draft.mkdir(mode=0o700)
    try:
        label = _copied(settings, store, draft, name)
        write_label(draft, label)
        _make_durable(draft)
        draft.rename(target / name)
    except BaseException:
        shutil.rmtree(draft, ignore_errors=True)
        raise
    _make_durable(target)
    line = entry(
        command_line.actor(), "backup.take", None, name, "taken", store.clock.now(), sha256=label.sha256
    )
    store.ledger.transact(lambda tx: tx.record(line))
    return Taken(target / name, label)


def _copied(settings: Settings, store: Store, draft: Path, name: str) -> Label:
    # Before the copy: whatever is taken away from people from now on is looked at again after a restore.
    at = store.clock.now()
    if settings.database_url:
        kind, file = "postgresql", draft / "database.dump"
        schema, heads, event = dump_postgres(settings.database_url, file)
    else:
        kind, file = "sqlite", draft / "database.sqlite"
        schema, heads, event = copy_sqlite(settings.database_file, file)
    return labelled(
        store.ring,
        name=name,
        taken_at=at,
        kind=kind,
        file=file.name,
        size=file.stat().st_size,
        sha256=sha256_of(file),
        schema_revision=schema,
        program=__version__,
        heads=tuple(heads),
        event=event,
    )


def copy_keys(settings: Settings, target: Path, backups: Path) -> tuple[Path, ...]:
    """The key ring, and what is kept beside it, into a folder that is not with the backups; raises ConfigurationError."""
    if target.resolve() == backups.resolve() or backups.resolve() in target.resolve().parents:
        raise ConfigurationError(
            f"`{target}` lies with the backups: whoever has both reads everything, so keep the keys apart"
        )
    target.mkdir(mode=0o700, parents=True, exist_ok=True)
    kept = [settings.keyring]
    kept += [settings.memory / name for name in (remembered.NAME, taken_away.NAME)]
    return tuple(_replaced(path, target / path.name) for path in kept if path.exists())


def _replaced(source: Path, target: Path) -> Path:
    """At once, with mode 0600, so that a power cut leaves the copy of before."""
    draft = target.with_name(f".{target.name}.{secrets.token_hex(4)}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(source.read_bytes())
        file.flush()
        os.fsync(file.fileno())
    draft.replace(target)
    return target


def _make_durable(folder: Path) -> None:
    for path in (*(each for each in folder.iterdir() if each.is_file()), folder):
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
