"""`authsvc lab degradations`: what spoiled pictures do to the face check, on the command line."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from authsvc.errors import InvalidRequest
from authsvc.lab.face_commands import face_matcher, heading, model_option
from authsvc.lab.options import echo, engine_options, model_folder, people_options
from authsvc.lab.people import read_people
from authsvc.lab.reading import counted, percent


@click.command("degradations")
@people_options
@model_option
@click.option("--target", default="1 in 10000", show_default=True, help="The target FMR, for one frame.")
@engine_options
def degradations_command(
    folder: Path,
    exclude: tuple[str, ...],
    model: str | None,
    target: str,
    manifests: Path,
    data_dir: Path,
    model_dir: Path | None,
    processes: int,
    as_json: bool,
) -> None:
    """Spoil photographs in fourteen ways: FTA and FNMR of each, one frame against templates of others."""
    from authsvc.face.build import DEFAULT_MODEL
    from authsvc.lab.degradations import degraded, report

    manifest = face_matcher(manifests, model or DEFAULT_MODEL)
    threshold = manifest.threshold_for(target, frames=1)
    people = read_people(folder, exclude=exclude)
    outcomes = degraded(people, manifest, model_folder(data_dir, model_dir), processes=processes)
    found = report(outcomes, threshold)
    if not found["n_persons"]:
        raise InvalidRequest(f"nobody in `{folder.name}` has more photographs than a template takes")
    echo(as_json, {**heading(folder, manifest, target), **found}, _lines(found))


def _lines(found: dict[str, Any]) -> Iterator[str]:  # Any: a report
    yield f"{found['n_persons']} people, one frame a probe, threshold {found['threshold']}"
    for name, row in found["degradations"].items():
        yield f"{name:20} FTA {percent(row, 'fta')} ({counted(row['fta_hints'])}), FNMR {percent(row, 'fnmr')}"
