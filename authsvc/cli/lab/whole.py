"""`authsvc lab all`: everything that a data folder can show, in one run, as JSON and as one page."""

from __future__ import annotations

import hashlib
import json
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from authsvc import __version__
from authsvc.biometric.manifest import Manifest, manifest_folder, read_manifests
from authsvc.cli.lab.attack import ENROLLED_WITH, enrolling, replayed, shown_all, with_face
from authsvc.cli.lab.in_process import in_process
from authsvc.errors import ModelUnusable
from authsvc.lab import options
from authsvc.lab.figures import figures
from authsvc.lab.gate import standing_in_the_way
from authsvc.lab.options import commit, echo, engine_options, model_folder, output_file, today
from authsvc.lab.whole_page import page
from authsvc.policy import loading

if TYPE_CHECKING:
    from authsvc.lab.corpus import Corpus
    from authsvc.lab.people import Person
    from authsvc.lab.replaying import Shown

Json = dict[str, Any]  # Any: a report

TARGET = "1 in 10000"
LAYERS: tuple[tuple[str, ...], ...] = ((), ("print",), ("screen",))
MOST_OF_ONE = 1
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
    people = read_people(folder / "faces", exclude=exclude)
    face, det = _faces(people, known, models, processes)
    run = {**_about(folder, people), "face": face, "face_det": det}
    run |= _pad(_listed(folder, attacks), folder, people, known, models, processes)
    run |= {"chain": _chain(people, models), **_heard(folder, voices, models, processes)}
    run |= {
        "figures": figures(run),
        "warnings": list(_warnings(run)),
        "gate": _gate(run, max_iapar, max_bpcer),
    }
    run["models"] = _used(run, known)
    run["seconds"] = round(time.monotonic() - began)
    out.write_text(json.dumps(run, ensure_ascii=False, indent=1), encoding="utf-8")
    html.write_text(page(run), encoding="utf-8")
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


def _listed(folder: Path, attacks: Path | None) -> Path | None:
    beside = folder / "attacks.csv"
    return attacks or (beside if beside.is_file() else None)


def _pad(
    listed: Path | None,
    folder: Path,
    people: Sequence[Person],
    known: dict[str, Manifest],
    models: Path,
    processes: int,
) -> Json:
    if listed is None:
        return {"pad": None, "no_pad": "no manifest of attacks and live people was given"}
    try:
        return {"pad": _tried(listed, folder, people, known, models, processes)}
    except ModelUnusable as error:
        return {"pad": None, "no_pad": error.detail}


def _tried(
    listed: Path,
    folder: Path,
    people: Sequence[Person],
    known: dict[str, Manifest],
    models: Path,
    processes: int,
) -> Json:
    from authsvc.biometric.words import Modality
    from authsvc.face.build import DEFAULT_MODEL, PASSIVE_MODEL, passive_form
    from authsvc.lab.corpus import read_corpus
    from authsvc.lab.iso30107 import report
    from authsvc.lab.pad import Bench, enrolled, try_all

    corpus, matcher, passive = read_corpus(listed, folder), known[DEFAULT_MODEL], known[PASSIVE_MODEL]
    templates = enrolled(tuple(people), matcher, models, processes=processes)
    bench = Bench(passive, matcher, models, templates, TARGET)
    tried = try_all(corpus.of(Modality.FACE), bench, processes=processes)
    found = report([one.presentation for one in tried], passive_form(passive).bona_fide)
    about = {"data_set": corpus.name, "data_set_digest": corpus.digest, "licence": corpus.licence}
    return {"detector": passive.id, "model_digest": passive.digest, **about, **found}


def _chain(people: Sequence[Person], models: Path) -> Json:
    """Photographs of everybody who has one to spare, as they are and in layers, against a service with liveness on."""
    corpus, named = _photographs(people), {person.name: person for person in people}

    def own(subject: str) -> Sequence[bytes]:
        return [file.read_bytes() for file in named[subject].files[:ENROLLED_WITH]]

    with in_process(models, unsafe_no_pad=False) as service, tempfile.TemporaryDirectory() as kept:
        enroll = enrolling(lambda subject: with_face(service, own(subject)))
        shown = [
            _named(each, layers)
            for layers in LAYERS
            for each in shown_all(
                corpus, enroll, Path(kept) / "".join(("kept", *layers)), layers=layers, at_once=4
            )
        ]
        return replayed(service, corpus, (), shown)


def _named(shown: Shown, layers: Sequence[str]) -> Shown:
    name = "+".join((str(shown.species), *layers))
    return replace(shown, key=f"{name} {shown.key}", species=name)


def _photographs(people: Sequence[Person]) -> Corpus:
    from authsvc.lab.corpus import Corpus, Sample

    spare = [
        (file, person.name)
        for person in people
        for file in person.files[ENROLLED_WITH : ENROLLED_WITH + MOST_OF_ONE]
    ]
    names = "\n".join(f"{name}/{file.name}" for file, name in spare)
    digest = f"sha256:{hashlib.sha256(names.encode()).hexdigest()}"
    return Corpus("faces", tuple(Sample(file, "photograph", name) for file, name in spare), "", digest)


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
    """The models that the figures are of, those by which the chain judged liveness among them."""
    digests = [run["face"]["model_digest"], (run["pad"] or {}).get("model_digest")]
    digests += run["chain"]["face"]["liveness_models"]
    digests += [each["model_digest"] for each in run["voices"]]
    return [{"id": each.id, "digest": each.digest} for each in known.values() if each.digest in digests]


def _warnings(run: Json) -> Iterator[str]:
    yield from run["face"]["warnings"]
    if run["pad"] is None:
        yield f"APCER and BPCER: {run['no_pad']}"
    yield "bona fide rejections by the whole chain: photographs answer no gestures, so none was tried"
    if not run["voices"]:
        yield "voices: no folder of speakers was given"


def _gate(run: Json, max_iapar: float | None, max_bpcer: float | None) -> Json | None:
    if max_iapar is None and max_bpcer is None:
        return None
    faults = [f"the whole chain: {each}" for each in standing_in_the_way(run["chain"], max_iapar, None)]
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
