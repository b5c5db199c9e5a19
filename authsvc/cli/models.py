"""`authsvc models …`: weight files, and who must enroll again after a change of them."""

from __future__ import annotations

import json
from pathlib import Path

import click

from authsvc.biometric.manifest import manifest_folder, read_manifests
from authsvc.biometric.model_store.commands import models
from authsvc.biometric.model_store.migration import Enrolled, Migration, migration
from authsvc.biometric.words import Modality
from authsvc.config import read_settings
from authsvc.lab.comparison_commands import compare_command

__all__ = ["models"]

VOICE_MODEL = "ge2e-resemblyzer-v1"

models.add_command(compare_command)

_FOLDER = click.Path(file_okay=False, path_type=Path)


@models.command("migrate")
@click.option("--data-dir", type=_FOLDER, help="Where database and keys are.")
@click.option("--database-url", help="PostgreSQL instead of the embedded SQLite.")
@click.option("--model-dir", type=_FOLDER, help="The weight files.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object, for machines.")
def migrate(data_dir: Path | None, database_url: str | None, model_dir: Path | None, as_json: bool) -> None:
    """Which models the stored templates were made by, and who must enroll again; exits with 1 when somebody must."""
    from authsvc.bootstrap.opening import (
        open_store,  # Preparing weights, the usual call of this group, needs no database.
    )

    settings = read_settings(data_dir=data_dir, database_url=database_url, model_dir=model_dir)
    store = open_store(settings)
    try:
        stored = store.ledger.read(lambda tx: tx.templates.models())
    finally:
        store.close()
    enrolled = [Enrolled(subject, modality, model) for subject, modality, model in stored]
    current = {Modality.FACE: settings.face_model, Modality.VOICE: VOICE_MODEL}
    found = migration(enrolled, read_manifests(manifest_folder()), settings.models, current)
    click.echo(json.dumps(found.to_json()) if as_json else "\n".join(_lines(found)))
    if found.lost:
        raise SystemExit(1)


def _lines(found: Migration) -> list[str]:
    used = [
        f"{use.modality.value:6} {use.manifest or use.model[:23]:24} {use.standing.value:8} {use.templates} templates"
        for use in found.models
    ]
    lost = [
        f"must enroll again: {each.subject.client}/{each.subject.user} ({each.modality})"
        for each in found.lost
    ]
    return [*used, *lost] or ["no templates are stored"]
