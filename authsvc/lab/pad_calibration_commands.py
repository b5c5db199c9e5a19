"""`authsvc lab calibrate pad`: a passive detector's thresholds from your own attacks, on the command line."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from authsvc.biometric.words import Modality
from authsvc.lab.face_commands import manifest_file
from authsvc.lab.options import echo, engine_options, model_folder, output_file, today
from authsvc.lab.pad_commands import detector_and_matcher, detector_option, list_option
from authsvc.lab.reading import percent

Json = dict[str, Any]  # Any: a report


@click.command("pad")
@list_option
@detector_option
@click.option(
    "--limit",
    type=click.FloatRange(0, 1, min_open=True, max_open=True),
    default=0.07,
    show_default=True,
    help="What the upper bound of each species' APCER must meet.",
)
@click.option(
    "--population", help="A sentence on people, cameras and attacks; it is written beside each threshold."
)
@click.option("--out", type=output_file, help="Write the detector's manifest with the new thresholds.")
@engine_options
def calibrate_pad(
    list_file: Path,
    detector: str | None,
    limit: float,
    population: str | None,
    out: Path | None,
    manifests: Path,
    data_dir: Path,
    model_dir: Path | None,
    processes: int,
    as_json: bool,
) -> None:
    """Set the passive detector's threshold for each species of attack; the strictest of them will decide.

    Exit code 1, and nothing written, unless every species of the list could be calibrated.
    """
    from authsvc.lab.corpus import read_corpus
    from authsvc.lab.manifest_file import with_species
    from authsvc.lab.operating_points import DataSet
    from authsvc.lab.pad import Bench, try_all
    from authsvc.lab.pad_calibration import calibrated

    passive, matcher = detector_and_matcher(manifests, detector)
    bench = Bench(passive, matcher, model_folder(data_dir, model_dir), {}, "1 in 10000")
    tried = try_all(read_corpus(list_file).of(Modality.FACE), bench, processes=processes)
    data_set = DataSet(list_file.name, population or "the presentations of this list", today())
    found = calibrated([one.presentation for one in tried], limit, data_set)
    if out and found.serves:
        text = manifest_file(manifests, passive).read_text(encoding="utf-8")
        out.write_text(with_species(text, found.species), encoding="utf-8")
    document = {
        "detector": passive.id,
        "model_digest": passive.digest,
        "data_set": data_set.name,
        "date": data_set.date,
        "apcer_limit": limit,
        **found.to_json(),
        "written": str(out) if out and found.serves else None,
    }
    echo(as_json, document, _lines(document))
    if not found.serves:
        raise SystemExit(1)


def _lines(found: Json) -> Iterator[str]:
    if found["decided_by"] is not None:
        yield f"{found['detector']}: threshold {found['threshold']}, decided by `{found['decided_by']}`"
    for row in found["species"]:
        yield (
            f"{row['species']} ({row['presentations']} presentations, {row['subjects']} subjects): threshold "
            f"{row['threshold']}, APCER {percent(row, 'apcer')}, BPCER {percent(row, 'bpcer')}"
        )
    yield from (f"refused: {each['species']}: {each['reason']}" for each in found["refused"])
    yield f"written: {found['written']}" if found["written"] else "no manifest was written"
