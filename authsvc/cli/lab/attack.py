"""`authsvc lab attack`: show a corpus to a service, and report how many of its attacks get through.

The service runs already and is asked over HTTP, or it is one in this process, which is quicker and decides the same.
"""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from authsvc.biometric.words import Modality, Template
from authsvc.cli.lab.in_process import InProcess, in_process
from authsvc.config import read_settings
from authsvc.errors import InvalidRequest
from authsvc.lab import options
from authsvc.lab.drill.captures import hints_of
from authsvc.lab.drill.people import Opened, Person, answered, expect
from authsvc.lab.drill.service import Answer, Service
from authsvc.lab.gate import standing_in_the_way
from authsvc.lab.options import commit, echo, output_file, today
from authsvc.lab.reading import percent
from authsvc.lab.replaying import NotEnrolled

if TYPE_CHECKING:
    from authsvc.lab.corpus import Corpus
    from authsvc.lab.replaying import Enroll, Shown

Json = dict[str, Any]  # Any: a report

ENROLLED_WITH = 3
"""Photographs of one person."""

MOST_ROWS = 15
"""Read until five are taken: one that is misheard, or like another, is asked again."""

_FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)
_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command("attack")
@click.option(
    "--service",
    "url",
    help="A running service, on this machine unless --anywhere; by default one in this process.",
)
@click.option("--api-key-file", type=_FILE, help="Its key for a client of the lab's own.")
@click.option("--anywhere", is_flag=True, help="The service may be beyond this machine.")
@click.option(
    "--sample",
    "place",
    type=click.Path(exists=True, path_type=Path),
    required=True,
    help="A manifest, or a folder laid out as subject/label/sample.",
)
@click.option(
    "--enrolled",
    type=_FOLDER,
    help="What each subject is enrolled with: photographs, which of running services only one of development takes, or single "
    "digits; without it subjects are its users.",
)
@click.option(
    "--modality",
    type=click.Choice([each.value for each in Modality]),
    default=Modality.FACE.value,
    show_default=True,
    help="Which samples of the corpus are shown.",
)
@click.option(
    "--locale", default="en", show_default=True, help="In which language digits are asked: en or zh-CN."
)
@click.option(
    "--unsafe-no-pad",
    is_flag=True,
    help="The service in this process takes photographs for people, as in development: figures of the matcher alone.",
)
@click.option("--model-dir", type=_FOLDER, help="The prepared weight files, for the service in this process.")
@click.option(
    "--layer",
    "layers",
    multiple=True,
    help="Change each capture before it is sent; repeat to put layers on each other.",
)
@click.option(
    "--keep",
    type=click.Path(dir_okay=False, path_type=Path),
    required=True,
    help="Where each result is kept; a run goes on from it.",
)
@click.option("--at-once", type=click.IntRange(1, 16), default=2, show_default=True)
@options.max_iapar
@click.option("--out", type=output_file, help="Keep the report here, as JSON.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object, for machines.")
def attack_command(
    url: str | None,
    api_key_file: Path | None,
    anywhere: bool,
    place: Path,
    enrolled: Path | None,
    modality: str,
    locale: str,
    unsafe_no_pad: bool,
    model_dir: Path | None,
    layers: tuple[str, ...],
    keep: Path,
    at_once: int,
    max_iapar: float | None,
    out: Path | None,
    as_json: bool,
) -> None:
    """Show every sample to a service as an attacker would, the right code beside it: IAPAR of each species."""
    from authsvc.lab.corpus import read_corpus

    corpus, shown_as = read_corpus(place), Modality(modality)
    with _reached(url, api_key_file, anywhere, enrolled, shown_as, unsafe_no_pad, model_dir) as service:
        enroll = enroller(service, enrolled, shown_as, locale)
        shown = shown_all(corpus, enroll, keep, modality=shown_as, layers=layers, at_once=at_once)
        found = replayed(service, corpus, layers, shown, shown_as)
    faults = standing_in_the_way(found, max_iapar, None)
    if out is not None:
        out.write_text(json.dumps(found, ensure_ascii=False, indent=1), encoding="utf-8")
    echo(as_json, found, (*_lines(found), *(f"not met: {each}" for each in faults)))
    if faults:
        raise SystemExit(1)


def shown_all(
    corpus: Corpus,
    enroll: Enroll,
    keep: Path,
    *,
    modality: Modality = Modality.FACE,
    layers: Sequence[str] = (),
    at_once: int = 2,
) -> tuple[Shown, ...]:
    """Every sample of that modality with what became of it, and a bar that says how far it is."""
    from authsvc.lab.replaying import replay

    with click.progressbar(
        replay(corpus, enroll, keep, modality=modality, layers=layers, at_once=at_once),
        length=len(corpus.of(modality)),
        label="samples",
        file=sys.stderr,
        hidden=not sys.stderr.isatty(),
    ) as bar:
        return tuple(bar)


def replayed(
    service: Service,
    corpus: Corpus,
    layers: Sequence[str],
    shown: Iterable[Shown],
    modality: Modality = Modality.FACE,
) -> Json:
    """The report of a replay, with everything that it rests on."""
    from authsvc.lab.replaying import report

    return {
        "service": "in this process" if isinstance(service, InProcess) else service.url,
        "data_set": corpus.name,
        "data_set_digest": corpus.digest,
        "licence": corpus.licence,
        "layers": list(layers),
        modality.value: service.ask("GET", "/readyz").json.get(modality.value),
        "commit": commit(),
        "date": today(),
        **report(shown),
    }


@contextmanager
def _reached(
    url: str | None,
    key_file: Path | None,
    anywhere: bool,
    enrolled: Path | None,
    modality: Modality,
    unsafe_no_pad: bool,
    model_dir: Path | None,
) -> Iterator[Service]:
    if url is None:
        if enrolled is None:
            raise click.UsageError("a service in this process knows nobody: it needs --enrolled")
        models = model_dir or read_settings().models
        with in_process(models, unsafe_no_pad=unsafe_no_pad, voice=modality is Modality.VOICE) as service:
            yield service
        return
    if key_file is None or unsafe_no_pad or model_dir is not None:
        raise click.UsageError(
            "a running service needs --api-key-file, and has models and settings of its own"
        )
    yield Service(url, key_file.read_text(encoding="ascii").strip(), anywhere=anywhere)


def enroller(
    service: Service, own: Path | None, modality: Modality = Modality.FACE, locale: str = "en"
) -> Enroll:
    """Subjects by the folders of that name; without a folder the subject is a user of that name already."""
    if own is None:
        return lambda subject: Person(service, subject, locale)
    if modality is Modality.VOICE:
        return enrolling(lambda subject: _with_voice(service, own / subject, locale))
    return enrolling(lambda subject: with_face(service, _frames(own / subject)))


def enrolling(enroll: Enroll) -> Enroll:
    """An account for each sample, since failures lock one and what was accepted is remembered; one that cannot be, once."""
    failures: dict[str, NotEnrolled] = {}
    gate = threading.Lock()

    def person(subject: str) -> Person:
        with gate:
            if subject in failures:
                raise failures[subject]
            try:
                return enroll(subject)
            except NotEnrolled as failure:
                failures[subject] = failure
                raise

    return person


def _frames(folder: Path) -> Sequence[bytes]:
    from authsvc.lab.clips import frames_of

    return frames_of(folder)[:ENROLLED_WITH] if folder.is_dir() else ()


def with_face(service: Service, frames: Sequence[bytes]) -> Person:
    """Somebody with an app, a phone and the face of these photographs; raises NotEnrolled."""
    if not frames:
        raise NotEnrolled("no photographs")
    made = Person(service)
    if isinstance(service, InProcess) and not service.takes_photographs:
        made.enroll("otp", "device")
        service.give_face(made.user, frames)
        return made
    opened, ticket = _agreed(made, "face")
    nonce = expect(opened.begin("face"), 200)["nonce"]
    taken = answered(opened.capture("face", nonce, frames))
    if not taken.is_good:
        raise NotEnrolled(hints_of(taken))
    made.enroll("otp", "device", ticket=ticket)
    return made


def _with_voice(service: Service, folder: Path, locale: str) -> Person:
    """Through the service's own enrollment, with the row of digits that it asks for each time."""
    if not folder.is_dir():
        raise NotEnrolled("no recordings")
    from authsvc.lab.voice_rows import Rows

    rows, made = Rows(folder), Person(service, locale=locale)
    opened, ticket = _agreed(made, "voice")
    said: Answer | None = None
    for _ in range(MOST_ROWS):
        begun = expect(opened.begin("voice"), 200)
        said = answered(opened.says("voice", begun["nonce"], rows.read(begun["digits"])))
        if said.is_good and not said.json["remaining"]:
            made.enroll("otp", "device", ticket=ticket)
            return made
    raise NotEnrolled("" if said is None else f"{said} {hints_of(said)}".strip())


def with_voice_of(service: InProcess, folder: Path, locale_of: Callable[[str], str], models: Path) -> Enroll:
    """Somebody with an app, a phone and the voice of the folder of that name; each voice is made once, for many accounts."""
    from authsvc.lab.drill_voices import voice_template
    from authsvc.lab.voice_rows import Rows
    from authsvc.voice.build import voice_service

    room = voice_service(models)
    room.load()

    @cache
    def template(subject: str) -> Template:
        try:
            return voice_template(room, Rows(folder / subject), locale_of(subject))
        except InvalidRequest as error:
            raise NotEnrolled(error.detail) from error

    def enroll(subject: str) -> Person:
        voice, made = template(subject), Person(service, locale=locale_of(subject))
        made.enroll("otp", "device")
        service.give_voice(made.user, voice)
        return made

    return enroll


def _agreed(made: Person, modality: str) -> tuple[Opened, Mapping[str, Any]]:
    """An enrollment, open and consented to; and its ticket."""
    ticket = expect(made.ticket(), 201)
    opened = Opened(made.service, f"/v1/enrollments/{ticket['id']}", f"Enrollment {ticket['token']}")
    agreed = expect(opened.begin("consent"), 200)
    consent = {"modalities": [modality], "text_version": agreed["text_version"]}
    expect(opened.put("consent", consent), 200)
    return opened, ticket


def _lines(found: Json) -> Iterator[str]:
    yield f"{found['n_samples']} samples of {found['data_set']}, shown to {found['service']}"
    yield f"failure to enroll {percent(found, 'fte')}"
    for species, row in found["species"].items():
        tried = f"{row['presentations']} of {row['subjects']} subjects"
        yield f"{species} ({tried}): IAPAR {percent(row, 'iapar')}, non-response {percent(row, 'non_response')}"
    live = found["bona_fide"]
    yield f"bona fide ({live['presentations']} of {live['subjects']} subjects): rejected {percent(live, 'rejected')}"
    yield from (f"{count:>6}  {answer}" for answer, count in found["answers"].items())
