"""`authsvc lab face`: the shipped thresholds on a folder of people, on the command line."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from authsvc.biometric.manifest import Manifest, read_manifest, read_manifests
from authsvc.biometric.words import Modality
from authsvc.errors import ModelUnusable
from authsvc.lab.options import echo, engine_options, model_folder, output_file, people_options, today
from authsvc.lab.people import read_groups, read_people
from authsvc.lab.reading import counted, percent

# Engines and arrays are loaded by the commands that need them, so that `--help` is quick.
if TYPE_CHECKING:
    from authsvc.lab.face import FaceData

Json = dict[str, Any]  # Any: a report

model_option = click.option(
    "--model", help="The id of a matcher's manifest; by default the service's own matcher."
)
name_option = click.option("--name", help="What to call the data set; by default as its folder.")


@click.command("face")
@people_options
@model_option
@name_option
@click.option("--svg", type=output_file, help="Draw the DET curves into this file.")
@click.option(
    "--groups",
    "groups_file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="CSV: person, and a column for each grouping.",
)
@click.option("--without-quality-gate", is_flag=True, help="Compare every face that is found.")
@engine_options
def face_command(
    folder: Path,
    name: str | None,
    svg: Path | None,
    groups_file: Path | None,
    as_json: bool,
    without_quality_gate: bool,
    **options: Any,
) -> None:
    """Try the shipped thresholds on a folder of people: FTA, EER, FMR and FNMR with 95 % intervals."""
    from authsvc.lab.face import det, measured, report

    groups = read_groups(groups_file) if groups_file else {}
    data = replace(face_data(folder, **options), gated=not without_quality_gate)
    kinds = measured(data)
    found = {
        "data_set": name or named_after(folder),
        "date": today(),
        "quality_gate": not without_quality_gate,
        **report(data, kinds, groups),
    }
    if svg:
        svg.write_text(det(data, kinds, found["data_set"]), encoding="utf-8")
    echo(as_json, found, _face_lines(found))


def face_data(
    folder: Path,
    *,
    exclude: tuple[str, ...],
    model: str | None,
    manifests: Path,
    data_dir: Path,
    model_dir: Path | None,
    processes: int,
) -> FaceData:
    from authsvc.face.build import DEFAULT_MODEL
    from authsvc.lab.face import FaceData
    from authsvc.lab.face_samples import look_at

    manifest = face_matcher(manifests, model or DEFAULT_MODEL)
    people = read_people(folder, exclude=exclude)
    if people[0].files[0].relative_to(folder).parts[0] != people[0].name:
        click.echo(f"people are the folders farther down, such as `{people[0].name}`", err=True)
    looked = look_at(people, manifest, model_folder(data_dir, model_dir), processes=processes)
    return FaceData(manifest, people, looked)


def face_matcher(manifests: Path, model: str) -> Manifest:
    """The manifest of that id; raises ModelUnusable when there is none, or it is of something else."""
    for manifest in read_manifests(manifests):
        if (manifest.id, manifest.modality, manifest.role) == (model, Modality.FACE, "matcher"):
            return manifest
    raise ModelUnusable(f"no manifest of a face matcher calls itself `{model}`")


def manifest_file(manifests: Path, manifest: Manifest) -> Path:
    """The file in which a manifest stands."""
    return next(file for file in sorted(manifests.glob("*.toml")) if read_manifest(file).id == manifest.id)


def heading(folder: Path, manifest: Manifest, target: str) -> Json:
    """What a report says of itself: on whom, when, with which network, at which target."""
    return {
        "data_set": named_after(folder),
        "date": today(),
        "model": manifest.id,
        "model_digest": manifest.digest,
        "target_fmr": target,
    }


def named_after(folder: Path) -> str:
    """The folder's name, also where its bytes are no text."""
    return os.fsencode(folder.resolve().name).decode("utf-8", "replace")


def _face_lines(found: Json) -> Iterator[str]:
    yield f"{found['engine']}, model {found['model']} {found['model_digest']}"
    yield f"{found['data_set']}: {found['n_persons']} people, {found['n_samples']} photographs, {found['unreadable']} unreadable"
    yield f"FTA {percent(found, 'fta')}: {counted(found['fta_hints'])}"
    yield f"FTA at enrollment {percent(found, 'enrolment_fta')}: {counted(found['enrolment_fta_hints'])}"
    for kind in found["kinds"]:
        pairs = f"{kind['genuine_pairs']} genuine, {kind['impostor_pairs']} impostor pairs"
        yield f"k={kind['samples']}, m={kind['frames']}: EER {percent(kind, 'eer')}, {pairs}"
    yield from map(_target_line, found["targets"])
    if "without_quality_gate" in found:
        yield "every face that was found:"
        every = found["without_quality_gate"]
        yield f"  FTA {percent(every, 'fta')}, EER {percent(every, 'eer')}"
        yield from (f"  {line}" for line in map(_target_line, every["targets"]))
    for row in found["groups"]:
        yield (
            f"{row['grouping']} {row['group']} ({row['n_persons']} people), {row['target_fmr']}: "
            f"FMR {percent(row, 'fmr')} {row['fmr_verdict']}, FNMR {percent(row, 'fnmr')} {row['fnmr_verdict']}"
        )
    yield from (f"warning: {warning}" for warning in found["warnings"])


def _target_line(target: Json) -> str:
    return (
        f"{target['target_fmr']} (k={target['samples']}, m={target['frames']}), threshold {target['threshold']}: "
        f"FMR {percent(target, 'fmr')}, FNMR {percent(target, 'fnmr')}"
    )
