"""`authsvc lab face`, `lab calibrate face` and `lab degradations`: faces of a folder of people, on the command line."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from authsvc.biometric import Modality
from authsvc.clock import SystemClock
from authsvc.errors import ModelUnusable
from authsvc.lab.options import answer, engine_options, model_folder, people_options
from authsvc.lab.people import read_groups, read_people
from authsvc.lab.reading import counted, percent
from authsvc.manifest import Manifest, read_manifest, read_manifests

# Engines and arrays are loaded by the commands that need them, so that `--help` is quick.
if TYPE_CHECKING:
    from authsvc.lab.face import FaceData

Json = dict[str, Any]  # Any: a report

model_option = click.option(
    "--model", help="The id of a matcher's manifest; by default the service's own matcher."
)
_name = click.option("--name", help="What to call the data set; by default as its folder.")
_output = click.Path(dir_okay=False, writable=True, path_type=Path)


@click.command("face")
@people_options
@model_option
@_name
@click.option("--svg", type=_output, help="Draw the DET curves into this file.")
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
    data = _data(folder, gated=not without_quality_gate, **options)
    kinds = measured(data)
    found = {
        "data_set": name or folder.resolve().name,
        "date": _today(),
        "quality_gate": not without_quality_gate,
        **report(data, kinds, groups),
    }
    if svg:
        svg.write_text(det(data, kinds, found["data_set"]), encoding="utf-8")
    answer(as_json, found, _face_lines(found))


@click.command("face")
@people_options
@model_option
@_name
@click.option("--population", help="A sentence on who these people are; it is written beside each threshold.")
@click.option(
    "--target", "targets", multiple=True, help="Such as `1 in 10000`; repeat. Default: the usual three."
)
@click.option("--out", type=_output, help="Write the manifest with the new operating points.")
@click.option(
    "--scores", "scores_file", type=_output, help="Write the histogram that drift is measured against."
)
@engine_options
def calibrate_face(
    folder: Path,
    name: str | None,
    population: str | None,
    targets: tuple[str, ...],
    out: Path | None,
    scores_file: Path | None,
    as_json: bool,
    **options: Any,
) -> None:
    """Set a face matcher's thresholds on your own people, with templates and probes as in production.

    Exit code 1, and nothing written, when there are too few people for any target.
    """
    from authsvc.lab.face_calibration import calibrated
    from authsvc.lab.manifest_file import with_points
    from authsvc.lab.operating_points import TARGETS, DataSet

    data = _data(folder, gated=True, **options)
    data_set = DataSet(name or folder.resolve().name, population or "the people of this data set", _today())
    found = calibrated(data, targets or TARGETS, data_set)
    written = str(out) if out and found.serves else None
    if out and found.serves:
        text = manifest_file(options["manifests"], data.manifest).read_text(encoding="utf-8")
        out.write_text(with_points(text, found.points), encoding="utf-8")
    if scores_file and found.serves:
        scores_file.write_text(json.dumps(found.scores) + "\n", encoding="utf-8")
    document = {
        "model": data.manifest.id,
        "model_digest": data.manifest.digest,
        "data_set": data_set.name,
        "date": data_set.date,
        "n_persons": len(data.people),
        "n_samples": sum(len(person.files) for person in data.people),
        **found.to_json(),
        "written": written,
    }
    answer(as_json, document, _calibration_lines(document))
    if not found.serves:
        raise SystemExit(1)


def _data(
    folder: Path,
    *,
    exclude: tuple[str, ...],
    model: str | None,
    manifests: Path,
    data_dir: Path,
    model_dir: Path | None,
    processes: int,
    gated: bool,
) -> FaceData:
    from authsvc.face.build import DEFAULT_MODEL
    from authsvc.lab.face import FaceData
    from authsvc.lab.face_samples import look_at

    manifest = face_matcher(manifests, model or DEFAULT_MODEL)
    people = read_people(folder, exclude=exclude)
    looked = look_at(people, manifest, model_folder(data_dir, model_dir), gated=gated, processes=processes)
    return FaceData(manifest, people, looked)


def face_matcher(manifests: Path, model: str) -> Manifest:
    """The manifest of that id; raises ModelUnusable when there is none, or it is of something else."""
    for manifest in read_manifests(manifests):
        if (manifest.id, manifest.modality, manifest.role) == (model, Modality.FACE, "matcher"):
            return manifest
    raise ModelUnusable(f"no manifest of a face matcher calls itself `{model}`")


def manifest_file(manifests: Path, manifest: Manifest) -> Path:
    return next(file for file in sorted(manifests.glob("*.toml")) if read_manifest(file).id == manifest.id)


def _today() -> str:
    return SystemClock().now().date().isoformat()


def _face_lines(found: Json) -> Iterator[str]:
    yield f"{found['engine']}, model {found['model']} {found['model_digest']}"
    yield f"{found['data_set']}: {found['n_persons']} people, {found['n_samples']} photographs, {found['unreadable']} unreadable"
    yield f"FTA {percent(found, 'fta')}: {counted(found['fta_hints'])}"
    yield f"FTA at enrolment {percent(found, 'enrolment_fta')}: {counted(found['enrolment_fta_hints'])}"
    for kind in found["kinds"]:
        pairs = f"{kind['genuine_pairs']} genuine, {kind['impostor_pairs']} impostor pairs"
        yield f"k={kind['samples']}, m={kind['frames']}: EER {percent(kind, 'eer')}, {pairs}"
    for target in found["targets"]:
        yield (
            f"{target['target_fmr']} (k={target['samples']}, m={target['frames']}), threshold {target['threshold']}: "
            f"FMR {percent(target, 'fmr')}, FNMR {percent(target, 'fnmr')}"
        )
    for row in found["groups"]:
        yield (
            f"{row['grouping']} {row['group']} ({row['n_persons']} people), {row['target_fmr']}: "
            f"FMR {percent(row, 'fmr')} {row['fmr_verdict']}, FNMR {percent(row, 'fnmr')} {row['fnmr_verdict']}"
        )
    yield from (f"warning: {warning}" for warning in found["warnings"])


def _calibration_lines(found: Json) -> Iterator[str]:
    yield f"{found['model']} on {found['data_set']}: {found['n_persons']} people, {found['n_samples']} photographs"
    for point in found["operating_points"]:
        yield (
            f"{point['target_fmr']} (k={point['samples']}, m={point['frames']}): threshold {point['threshold']}, "
            f"FMR {percent(point, 'fmr')}, FNMR {percent(point, 'fnmr')}, {point['people']} people"
        )
    for check in found["cross_checked"]:
        yield (
            f"  set on half, tried on the others, {check['target_fmr']} (k={check['samples']}, m={check['frames']}): "
            f"{check['threshold']}, FMR {percent(check, 'fmr')}, FNMR {percent(check, 'fnmr')}"
        )
    for refusal in found["refused"]:
        yield (
            f"refused: {refusal['target_fmr']} (k={refusal['samples']}, m={refusal['frames']}): {refusal['reason']}"
        )
    yield f"written: {found['written']}" if found["written"] else "no manifest was written"
