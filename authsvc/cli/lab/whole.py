"""`authsvc lab all`: everything that a data folder can show, in one run, as JSON and as one page."""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from authsvc import __version__
from authsvc.biometric.manifest import Manifest, manifest_folder, read_manifests
from authsvc.cli.lab.chains import (
    Group,
    can_synthesise,
    face_chain,
    face_groups,
    kept_in,
    voice_chain,
    voice_groups,
)
from authsvc.errors import ModelUnusable
from authsvc.lab import options
from authsvc.lab.figures import figures
from authsvc.lab.gate import standing_in_the_way
from authsvc.lab.options import commit, echo, engine_options, model_folder, output_file, today
from authsvc.lab.whole_page import page
from authsvc.policy import loading

if TYPE_CHECKING:
    from authsvc.lab.corpus import Corpus
    from authsvc.lab.page_pictures import Picture
    from authsvc.lab.people import Person

Json = dict[str, Any]  # Any: a report

TARGET = "1 in 10000"
READINGS = 10


@click.command("all")
@click.option(
    "--dir",
    "folder",
    required=True,
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="`faces` with a folder for each person, and what else the options name.",
)
@click.option("--exclude", multiple=True, metavar="NAME", help="Leave a folder of `faces` out; repeat.")
@click.option(
    "--attacks",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A manifest of attacks and live people, its paths relative to --dir; by default `attacks.csv` in it.",
)
@click.option("--voices", multiple=True, metavar="FOLDER", help="Folders of speakers within --dir; repeat.")
@click.option("--out", required=True, type=output_file, help="The report, as JSON.")
@click.option("--html", required=True, type=output_file, help="The report as one page.")
@click.option(
    "--keep",
    type=click.Path(file_okay=False, path_type=Path),
    help="A folder where each result of the whole chain is kept; a run that was killed goes on from it.",
)
@click.option(
    "--thumbnails", is_flag=True, help="Put small pictures of the faces that were shown on the page."
)
@click.option("--spectrograms", is_flag=True, help="Put pictures of the voices that were played on the page.")
@options.max_iapar
@options.max_bpcer
@engine_options
def all_command(
    folder: Path,
    exclude: tuple[str, ...],
    attacks: Path | None,
    voices: tuple[str, ...],
    out: Path,
    html: Path,
    keep: Path | None,
    thumbnails: bool,
    spectrograms: bool,
    max_iapar: float | None,
    max_bpcer: float | None,
    manifests: Path,
    data_dir: Path,
    model_dir: Path | None,
    processes: int,
    as_json: bool,
) -> None:
    """Measure faces, attacks, the whole chain and voices of a folder, and write the report of all."""
    from authsvc.lab.people import read_people

    began = time.monotonic()
    models, known = model_folder(data_dir, model_dir), _known(manifests)
    people, listed = read_people(folder / "faces", exclude=exclude), _listed(folder, attacks)
    face, det = _faces(people, known, models, processes)
    run = {**_about(folder, people), "face": face, "face_det": det}
    run |= _pad(listed, people, known, models, processes)
    with ExitStack() as stack:
        chains, shown = _chains(stack, kept_in(stack, keep), folder, people, listed, voices, models)
        run |= {**chains, **_heard(folder, voices, models, processes)}
        pictures = _pictures(shown, listed, thumbnails=thumbnails, spectrograms=spectrograms)
    run |= {
        "figures": figures(run),
        "warnings": list(_warnings(run)),
        "gate": _gate(run, max_iapar, max_bpcer),
    }
    run["models"] = _used(run, known)
    run["seconds"] = round(time.monotonic() - began)
    out.write_text(json.dumps(run, ensure_ascii=False, indent=1), encoding="utf-8")
    _written(html, page(run, pictures))
    echo(as_json, run, _lines(run))
    if run["gate"] and run["gate"]["faults"]:
        raise SystemExit(1)


def _known(manifests: Path) -> dict[str, Manifest]:
    return {each.id: each for each in read_manifests(manifests)}


def _about(folder: Path, people: Sequence[Person]) -> Json:
    from authsvc.lab.face_commands import named_after

    names = "\n".join(f"{person.name}/{file.name}" for person in people for file in person.files)
    installed = loading.shipped()
    return {
        "data_set": named_after(folder),
        "data_set_digest": f"sha256:{hashlib.sha256(names.encode()).hexdigest()}",
        "policy": f"{installed.id} {installed.version} {installed.digest}",
        "version": __version__,
        "commit": commit(),
        "date": today(),
    }


def _faces(
    people: Sequence[Person], known: dict[str, Manifest], models: Path, processes: int
) -> tuple[Json, str]:
    from authsvc.face.build import DEFAULT_MODEL
    from authsvc.lab.face import FaceData, det, measured, report
    from authsvc.lab.face_samples import look_at

    matcher = known[DEFAULT_MODEL]
    data = FaceData(matcher, tuple(people), look_at(tuple(people), matcher, models, processes=processes))
    kinds = measured(data)
    return {"data_set": "faces", **report(data, kinds, {})}, det(data, kinds, "faces")


def _written(html: Path, text: str) -> None:
    """For its owner alone: it may hold people's pictures."""
    with os.fdopen(
        os.open(html, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8"
    ) as file:
        os.fchmod(file.fileno(), 0o600)
        file.write(text)


def _listed(folder: Path, attacks: Path | None) -> Corpus | None:
    from authsvc.lab.corpus import read_corpus

    beside = folder / "attacks.csv"
    chosen = attacks or (beside if beside.is_file() else None)
    return None if chosen is None else read_corpus(chosen, folder)


def _pad(
    listed: Corpus | None, people: Sequence[Person], known: dict[str, Manifest], models: Path, processes: int
) -> Json:
    if listed is None:
        return {"pad": None, "no_pad": "no manifest of attacks and live people was given"}
    try:
        return {"pad": _tried(listed, people, known, models, processes)}
    except ModelUnusable as error:
        return {"pad": None, "no_pad": error.detail}


def _tried(
    corpus: Corpus, people: Sequence[Person], known: dict[str, Manifest], models: Path, processes: int
) -> Json:
    from authsvc.biometric.words import Modality
    from authsvc.face.build import DEFAULT_MODEL, PASSIVE_MODEL, passive_form
    from authsvc.lab.iso30107 import report
    from authsvc.lab.pad import Bench, enrolled, try_all

    matcher, passive = known[DEFAULT_MODEL], known[PASSIVE_MODEL]
    templates = enrolled(tuple(people), matcher, models, processes=processes)
    bench = Bench(passive, matcher, models, templates, TARGET)
    tried = try_all(corpus.of(Modality.FACE), bench, processes=processes)
    found = report([one.presentation for one in tried], passive_form(passive).bona_fide)
    about = {"data_set": corpus.name, "data_set_digest": corpus.digest, "licence": corpus.licence}
    return {"detector": passive.id, "model_digest": passive.digest, **about, **found}


def _chains(
    stack: ExitStack,
    keep: Path,
    folder: Path,
    people: Sequence[Person],
    listed: Corpus | None,
    voices: Sequence[str],
    models: Path,
) -> tuple[Json, tuple[Group, ...]]:
    """What becomes of faces and of voices before a whole service, and what was shown to it."""
    faces = face_groups(people, listed)
    run: Json = {"chain": face_chain(people, faces, models, keep), "voice_chains": []}
    shown = list(faces)
    for number, each in enumerate(voices):
        made = kept_in(stack, None)
        groups = voice_groups(folder / each, made)
        place = kept_in(stack, keep / f"voices-{number:02}")
        if groups:
            found = voice_chain(folder / each, made, groups, models, place)
            run["voice_chains"].append({**found, "data": Path(each).name})
        shown += groups
    return run, tuple(shown)


def _pictures(
    groups: Sequence[Group], listed: Corpus | None, *, thumbnails: bool, spectrograms: bool
) -> tuple[Picture, ...]:
    from authsvc.biometric.words import Modality
    from authsvc.lab.corpus import BONA_FIDE
    from authsvc.lab.page_pictures import Shown, pictures_of

    wanted = {Modality.FACE: thumbnails, Modality.VOICE: spectrograms}
    tried = [Shown(each.species or BONA_FIDE, each) for each in (() if listed is None else listed.samples)]
    tried += [
        Shown("+".join((each.species or BONA_FIDE, *group.layers)), each, group.layers)
        for group in groups
        for each in group.corpus.samples
    ]
    return pictures_of(each for each in tried if wanted[each.sample.modality])


def _heard(folder: Path, voices: Sequence[str], models: Path, processes: int) -> Json:
    """Speakers told apart in each folder, and digits heard where recordings of single digits are there."""
    measured = [_voices(folder / each, models, processes) for each in voices]
    spoken = [_prompts(folder / each, models) for each in voices]
    return {"voices": measured, "prompts": [each for each in spoken if each is not None]}


def _voices(folder: Path, models: Path, processes: int) -> Json:
    from authsvc.lab.voice import Plan, measure_voices
    from authsvc.lab.voice_listening import Installed
    from authsvc.voice.build import DEFAULT_MODEL

    manifest = _known(manifest_folder())[DEFAULT_MODEL]
    plan = Plan(manifest.fusion.samples, 5, processes=processes)
    return {**measure_voices(folder, manifest, Installed(models, manifest), plan)}


def _prompts(folder: Path, models: Path) -> Json | None:
    from authsvc.lab.prompt import measure_prompts
    from authsvc.lab.voice_commands import language_of
    from authsvc.lab.voice_corpus import speakers, takes_of
    from authsvc.voice.build import ears, limits_of

    if not any(len(takes_of(own)) == 10 for own in speakers(folder).values()):
        return None
    known = _known(manifest_folder())
    listening = ears(models, known)
    listening.load()
    spoken_by = language_of(folder)
    return {**measure_prompts(folder, listening, limits_of(known), spoken_by, strings=READINGS)}


def _used(run: Json, known: dict[str, Manifest]) -> list[Json]:
    """The models that the figures are of, those by which the chains judged liveness among them, each with its thresholds."""
    digests = [run["face"]["model_digest"], (run["pad"] or {}).get("model_digest")]
    digests += [each["model_digest"] for each in run["voices"]]
    calibrations = [
        each
        for chain in (run["chain"]["face"], *(one["voice"] for one in run["voice_chains"]))
        for each in chain["calibrations"]
    ]
    return [
        {"id": each.id, "digest": each.digest, "calibration": each.calibration_digest}
        for each in known.values()
        if each.digest in digests or each.calibration_digest in calibrations
    ]


def _warnings(run: Json) -> Iterator[str]:
    yield from run["face"]["warnings"]
    if run["pad"] is None:
        yield f"APCER and BPCER: {run['no_pad']}"
    if not run["chain"]["bona_fide"]["presentations"]:
        yield "bona fide rejections by the whole chain: photographs answer no gestures, so none was tried"
    if run["voices"] and not run["voice_chains"]:
        yield "voices before the whole chain: nobody has two takes of each digit"
    if run["voice_chains"] and not can_synthesise():
        yield "a machine's voice before the whole chain: it needs the extra `voice-lab`"
    if not run["voices"]:
        yield "voices: no folder of speakers was given"


def _gate(run: Json, max_iapar: float | None, max_bpcer: float | None) -> Json | None:
    if max_iapar is None and max_bpcer is None:
        return None
    faults = [
        f"the whole chain: {each}"
        for chain in (run["chain"], *run["voice_chains"])
        for each in standing_in_the_way(chain, max_iapar, None)
    ]
    if run["pad"] is None:
        faults += ["BPCER is not shown: no live person was tried"] if max_bpcer is not None else []
    else:
        faults += standing_in_the_way(run["pad"], max_iapar, max_bpcer)
    return {"max_iapar": max_iapar, "max_bpcer": max_bpcer, "faults": faults}


def _lines(run: Json) -> Iterable[str]:
    for row in run["figures"]:
        said = (
            "not shown"
            if row["value"] is None
            else f"{row['value']:.2%} ({row['errors']} of {row['trials']})"
        )
        yield f"{row['part']:<7} {row['group']:<34} {row['rate']:<13} {said}"
    yield from (f"not met: {each}" for each in (run["gate"] or {}).get("faults", ()))
    yield f"{run['seconds']} s"
