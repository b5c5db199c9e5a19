"""`authsvc lab pad`: presentation attacks of known species against the passive detector, on the command line."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from authsvc import __version__
from authsvc.biometric.manifest import Manifest, read_manifests
from authsvc.biometric.words import Modality
from authsvc.errors import ModelUnusable
from authsvc.lab import options
from authsvc.lab.gate import standing_in_the_way
from authsvc.lab.options import commit, echo, engine_options, model_folder, output_file, today
from authsvc.lab.pad_page import page
from authsvc.lab.people import read_people
from authsvc.lab.reading import percent

Json = dict[str, Any]  # Any: a report


list_option = click.option(
    "--manifest",
    "list_file",
    required=True,
    type=click.Path(exists=True, path_type=Path),
    help="CSV, JSON, JSON Lines or a folder: path, label (bona_fide or a species), subject.",
)


detector_option = click.option(
    "--detector",
    help="The id of a passive detector's manifest; by default the one that the service looks for.",
)


@click.command("pad")
@list_option
@detector_option
@click.option(
    "--enrolled",
    "enrolled_folder",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="A folder for each subject with photographs to enroll, for IAPAR.",
)
@click.option(
    "--target", default="1 in 10000", show_default=True, help="The matcher's target FMR, for IAPAR."
)
@click.option("--out", type=output_file, help="Keep the report here, as JSON.")
@click.option("--html", type=output_file, help="The report as one page.")
@options.max_iapar
@options.max_bpcer
@engine_options
def pad_command(
    list_file: Path,
    detector: str | None,
    enrolled_folder: Path | None,
    target: str,
    out: Path | None,
    html: Path | None,
    max_iapar: float | None,
    max_bpcer: float | None,
    manifests: Path,
    data_dir: Path,
    model_dir: Path | None,
    processes: int,
    as_json: bool,
) -> None:
    """Show attacks and live people to the passive detector: APCER by species, BPCER, non-responses, with intervals."""
    from authsvc.face.build import passive_form
    from authsvc.lab.corpus import read_corpus
    from authsvc.lab.iso30107 import report
    from authsvc.lab.pad import Bench, enrolled, try_all

    passive, matcher = detector_and_matcher(manifests, detector)
    folder = model_folder(data_dir, model_dir)
    corpus = read_corpus(list_file)
    listed = corpus.of(Modality.FACE)
    people = read_people(enrolled_folder) if enrolled_folder else ()
    templates = enrolled(people, matcher, folder, processes=processes) if people else {}
    tried = try_all(listed, Bench(passive, matcher, folder, templates, target), processes=processes)
    found = {
        "detector": passive.id,
        "model_digest": passive.digest,
        "matcher": matcher.id,
        "matcher_digest": matcher.digest,
        "data_set": corpus.name,
        "data_set_digest": corpus.digest,
        "licence": corpus.licence,
        "date": today(),
        "version": __version__,
        "commit": commit(),
        "n_subjects": len({one.subject for one in listed}),
        "calibrated_species": {each.species: each.threshold for each in passive.attack_species},
        **report([one.presentation for one in tried], passive_form(passive).bona_fide),
        "sent_back": [
            {"path": one.path.name, "hints": list(trial.hints)}
            for one, trial in zip(listed, tried, strict=True)
            if trial.hints
        ],
    }
    faults = standing_in_the_way(found, max_iapar, max_bpcer)
    if max_iapar is not None or max_bpcer is not None:
        found["gate"] = {"max_iapar": max_iapar, "max_bpcer": max_bpcer, "faults": list(faults)}
    if out is not None:
        out.write_text(json.dumps(found, ensure_ascii=False, indent=1), encoding="utf-8")
    if html is not None:
        html.write_text(page(found), encoding="utf-8")
    echo(as_json, found, (*_lines(found), *(f"not met: {each}" for each in faults)))
    if faults:
        raise SystemExit(1)


def detector_and_matcher(manifests: Path, detector: str | None = None) -> tuple[Manifest, Manifest]:
    """The passive detector's manifest and the matcher's; raises ModelUnusable where one is missing."""
    from authsvc.face.build import DEFAULT_MODEL, PASSIVE_MODEL

    known = {manifest.id: manifest for manifest in read_manifests(manifests)}
    named = detector or PASSIVE_MODEL
    if not {DEFAULT_MODEL, named} <= set(known):
        raise ModelUnusable(f"the manifests `{DEFAULT_MODEL}` and `{named}` are needed")
    return known[named], known[DEFAULT_MODEL]


def _lines(found: Json) -> Iterator[str]:
    yield f"{found['detector']} {found['model_digest']}, threshold {found['threshold']}"
    yield f"{found['n_presentations']} presentations, {found['n_subjects']} subjects"
    if found["worst_species"] is not None:
        yield (
            f"worst species: {found['worst_species']}, APCER {found['worst_apcer']:.3%}, "
            f"at most {found['worst_apcer_upper_bound']:.3%}"
        )
    for species, row in found["species"].items():
        yield (
            f"{species} ({row['presentations']} presentations, {row['subjects']} subjects): APCER {percent(row, 'apcer')}, "
            f"IAPAR {percent(row, 'iapar')}, {_refusals(row)}"
        )
    live = found["bona_fide"]
    yield (
        f"bona fide ({live['presentations']} presentations, {live['subjects']} subjects): BPCER {percent(live, 'bpcer')}, "
        f"{_refusals(live)}"
    )
    for row in found["bpcer_at_apcer"]:
        yield f"BPCER at APCER {row['apcer']:.0%}: {row.get('reason') or percent(row, 'bpcer')}"
    for one in found["sent_back"]:
        yield f"the quality gate would have sent back {one['path']}: {', '.join(one['hints'])}"


def _refusals(row: Json) -> str:
    return f"non-response {percent(row, 'non_response')}, refused by quality {percent(row, 'refused_by_quality')}"
