"""`authsvc lab blur`: what blur does to the face check, on the command line."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from authsvc.lab.face_commands import face_matcher, heading, model_option
from authsvc.lab.options import echo, engine_options, model_folder, people_options
from authsvc.lab.people import read_people
from authsvc.lab.reading import percent


@click.command("blur")
@people_options
@model_option
@click.option("--target", default="1 in 10000", show_default=True, help="The target FMR, for one frame.")
@engine_options
def blur_command(
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
    """Blur photographs to one sharpness after another: FNMR of probes, of templates and of both, 95 % intervals."""
    from authsvc.face.build import DEFAULT_MODEL
    from authsvc.face.quality import ENROLLMENT, VERIFICATION
    from authsvc.lab.blur import blurred_scores, report

    manifest = face_matcher(manifests, model or DEFAULT_MODEL)
    threshold = manifest.threshold_for(target, frames=1)
    people = read_people(folder, exclude=exclude)
    scores = blurred_scores(people, manifest, model_folder(data_dir, model_dir), processes=processes)
    found = {
        **heading(folder, manifest, target),
        "threshold": threshold,
        "n_persons": len(scores),
        "limits": {"enrollment": ENROLLMENT.sharpness, "verification": VERIFICATION.sharpness},
        "rows": report(scores, threshold),
    }
    echo(as_json, found, _lines(found))


def _lines(found: dict[str, Any]) -> Iterator[str]:  # Any: a report
    yield f"{found['n_persons']} people, one frame a probe, threshold {found['threshold']}; limits {found['limits']}"
    for row in found["rows"]:
        named = "as taken" if row["sharpness"] is None else f"{row['blurred']} at {row['sharpness']:g}"
        trials = row.get("fnmr_trials", 0)
        yield f"{named:16} FNMR {percent(row, 'fnmr')} of {trials}"
