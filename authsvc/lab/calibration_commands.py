"""`authsvc lab calibrate face`: a face matcher's thresholds from your own people, on the command line."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from authsvc.biometric.det import DetFile
from authsvc.lab.face_commands import face_data, manifest_file, model_option, name_option, named_after
from authsvc.lab.options import echo, engine_options, output_file, people_options, today
from authsvc.lab.people import read_groups
from authsvc.lab.reading import percent

Json = dict[str, Any]  # Any: a report


@click.command("face")
@people_options
@model_option
@name_option
@click.option("--population", help="A sentence on who these people are; it is written beside each threshold.")
@click.option(
    "--target", "targets", multiple=True, help="Such as `1 in 10000`; repeat. Default: the usual three."
)
@click.option(
    "--worst-group",
    "groups_file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="CSV: person, and a column for each grouping. Each group meets the target by itself; the worst sets the threshold.",
)
@click.option(
    "--out",
    type=output_file,
    help="Write the manifest with the new operating points, its DET curves and scores beside it.",
)
@click.option(
    "--scores",
    "scores_file",
    type=output_file,
    help="Write the histogram that drift is measured against; by default beside the manifest.",
)
@engine_options
def calibrate_face(
    folder: Path,
    name: str | None,
    population: str | None,
    targets: tuple[str, ...],
    groups_file: Path | None,
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

    data = face_data(folder, **options)
    data_set = DataSet(name or named_after(folder), population or "the people of this data set", today())
    groups = read_groups(groups_file) if groups_file else {}
    found = calibrated(data, targets or TARGETS, data_set, groups)
    written = str(out) if out and found.serves else None
    if out and found.serves:
        text = manifest_file(options["manifests"], data.manifest).read_text(encoding="utf-8")
        out.write_text(with_points(text, found.points), encoding="utf-8")
        curves = DetFile(model=data.manifest.id, model_digest=data.manifest.digest, curves=found.curves)
        out.with_name(f"{data.manifest.id}.det.json").write_text(curves.to_text(), encoding="utf-8")
        scores_file = scores_file or out.with_name(f"{data.manifest.id}.scores.json")
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
    echo(as_json, document, _calibration_lines(document))
    if not found.serves:
        raise SystemExit(1)


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
