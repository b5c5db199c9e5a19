"""`authsvc backup` and `authsvc restore`: the database in one moment, its keys apart, and the way back."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from authsvc.bootstrap.alone import alone_in
from authsvc.bootstrap.backup.restoring import restore_backup
from authsvc.bootstrap.backup.taking import copy_keys, take_backup
from authsvc.cli.operate import as_json_option, opened_store, say, with_settings
from authsvc.clock import rfc3339
from authsvc.config import read_settings
from authsvc.errors import ConfigurationError

_FOLDER = click.Path(file_okay=False, path_type=Path)


@click.command()
@click.option("--to", "target", type=_FOLDER, help="Where backups lie, instead of AUTHSVC_BACKUP_DIR.")
@click.option(
    "--keys-to", type=_FOLDER, help="Copy key ring, heads and what was taken away into this folder."
)
@with_settings
@as_json_option
def backup(target: Path | None, keys_to: Path | None, as_json: bool, **options: Any) -> None:
    """Copy the whole database in one moment, while the service runs, with a label that says which moment."""
    settings = read_settings(**options)
    folder = target or settings.backup_dir
    if folder is None:
        raise ConfigurationError("nobody says where to put it: `--to FOLDER`, or AUTHSVC_BACKUP_DIR")
    # First, so that the copied keys open whatever the backup holds; a key that is made in between is younger than both.
    keys = () if keys_to is None else copy_keys(settings, keys_to, folder)
    with opened_store(**options) as store:
        taken = take_backup(settings, store, folder)
    label = taken.label
    facts = {"backup": str(taken.folder), "taken_at": rfc3339(label.taken_at), "bytes": label.size}
    facts |= {"schema": label.schema_revision, "sha256": label.sha256, "event": label.event}
    say(as_json, {**facts, "keys": [str(path) for path in keys]})


@click.command()
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--reason", required=True, help="Why, for the log: what happened, who decided.")
@click.option(
    "--taken-away",
    "files",
    multiple=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="`taken-away.log` of another host that served; once for each.",
)
@with_settings
@as_json_option
def restore(folder: Path, reason: str, files: tuple[Path, ...], as_json: bool, **options: Any) -> None:
    """Bring a backup back, with the service stopped; says what it has forgotten, and takes away again what was taken."""
    settings = read_settings(**options)
    settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    with alone_in(settings.data_dir):
        done = restore_backup(settings, folder, reason, files).to_json()
    if as_json:
        click.echo(json.dumps(done))
        return
    for name, value in done.items():
        click.echo(f"{name:>17}  {value if isinstance(value, str) else json.dumps(value)}")
    click.echo("repeat what came after it from your copy of the event feed before you open the doors")
