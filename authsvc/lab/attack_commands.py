"""`authsvc lab attack`: show a corpus to a running service over HTTP, and report how many of its attacks get through."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import click

from authsvc.biometric.words import Modality
from authsvc.lab.drill.people import Opened, Person, expect
from authsvc.lab.drill.service import Service
from authsvc.lab.gate import standing_in_the_way
from authsvc.lab.options import commit, echo
from authsvc.lab.reading import percent

Json = dict[str, Any]  # Any: a report

ENROLLED_WITH = 3
"""Photographs of one person."""

_FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)
_KEPT = click.Path(dir_okay=False, path_type=Path)
_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command("attack")
@click.option("--service", "url", required=True, help="A running service, on this machine unless --anywhere.")
@click.option("--api-key-file", type=_FILE, required=True, help="Its key for a client of the lab's own.")
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
    help="Photographs to enroll each subject with, on a development service; else subjects are its users.",
)
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
@click.option(
    "--max-iapar",
    type=click.FloatRange(0, 1),
    help="Exit with 1 unless every species' IAPAR is shown to be below.",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object, for machines.")
def attack_command(
    url: str,
    api_key_file: Path,
    anywhere: bool,
    place: Path,
    enrolled: Path | None,
    layers: tuple[str, ...],
    keep: Path,
    at_once: int,
    max_iapar: float | None,
    as_json: bool,
) -> None:
    """Show every sample to a running service as an attacker would, the right code beside it: IAPAR of each species."""
    from authsvc.lab.corpus import read_corpus
    from authsvc.lab.layers import chosen
    from authsvc.lab.replaying import replay, report

    corpus = read_corpus(place)
    service = Service(url, api_key_file.read_text(encoding="ascii").strip(), anywhere=anywhere)
    shown, changes = [], chosen(layers)
    with click.progressbar(
        length=len(corpus.of(Modality.FACE)), label="samples", file=sys.stderr, hidden=not sys.stderr.isatty()
    ) as bar:
        for each in replay(corpus, _enroller(service, enrolled), keep, layers=changes, at_once=at_once):
            shown.append(each)
            bar.update(1)
    found = {
        "service": url,
        "data_set": corpus.name,
        "data_set_digest": corpus.digest,
        "licence": corpus.licence,
        "layers": list(layers),
        "face": service.ask("GET", "/readyz").json.get("face"),
        "commit": commit(),
        **report(shown),
    }
    faults = standing_in_the_way(found, max_iapar, None)
    echo(as_json, found, (*_lines(found), *(f"not met: {each}" for each in faults)))
    if faults:
        raise SystemExit(1)


def _enroller(service: Service, photographs: Path | None) -> Callable[[str], Person]:
    """Each subject once, whichever thread asks first; without photographs the subject is a user of that name already."""
    if photographs is None:
        return lambda subject: Person(service, subject)
    people: dict[str, Person] = {}
    gate = threading.Lock()

    def person(subject: str) -> Person:
        with gate:
            if subject not in people:
                people[subject] = _with_face(service, photographs / subject)
            return people[subject]

    return person


def _with_face(service: Service, folder: Path) -> Person:
    from authsvc.lab.clips import frames_of

    made = Person(service)
    ticket = expect(made.ticket(), 201)
    opened = Opened(service, f"/v1/enrollments/{ticket['id']}", f"Enrollment {ticket['token']}")
    agreed = expect(opened.begin("consent"), 200)
    expect(opened.put("consent", {"modalities": ["face"], "text_version": agreed["text_version"]}), 200)
    frames = frames_of(folder)[:ENROLLED_WITH]
    expect(opened.capture("face", expect(opened.begin("face"), 200)["nonce"], frames), 200)
    made.enroll("otp", "device", ticket=ticket)
    return made


def _lines(found: Json) -> Iterator[str]:
    yield f"{found['n_samples']} samples of {found['data_set']}, shown to {found['service']}"
    for species, row in found["species"].items():
        tried = f"{row['presentations']} of {row['subjects']} subjects"
        yield f"{species} ({tried}): IAPAR {percent(row, 'iapar')}, non-response {percent(row, 'non_response')}"
    live = found["bona_fide"]
    yield f"bona fide ({live['presentations']} of {live['subjects']} subjects): rejected {percent(live, 'rejected')}"
    yield from (f"{count:>6}  {answer}" for answer, count in found["answers"].items())
