"""Samples shown to a running service as an attacker would show them: over HTTP, through a challenge that asks for the face.

Each sample is one challenge of a person who has the subject's face enrolled, with the code given rightly, so that only the face
decides. What became of it is kept in a file as soon as it is known: a run that was killed goes on where it stood.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

from authsvc.biometric.words import Modality
from authsvc.errors import InvalidRequest
from authsvc.lab.clips import frames_of
from authsvc.lab.corpus import Corpus, Sample
from authsvc.lab.drill.captures import asked_for_face, gives_code, shows_face
from authsvc.lab.drill.people import Person
from authsvc.lab.iso30107 import Presentation, by_species, by_subject
from authsvc.lab.layers import Layer

Json = dict[str, Any]  # Any: a report

Enroll = Callable[[str], Person]
"""A person of the service who has the face of that subject; raises NotEnrolled."""


class NotEnrolled(Exception):
    """The subject's photographs make no template; says why."""


@dataclass(frozen=True, slots=True)
class Shown:
    """What one sample came to; `answer` is what refused it, `responded` whether the capture was taken for judgement.

    Without `enrolled` there was nobody to show it to.
    """

    key: str
    subject: str
    species: str | None
    accepted: bool
    responded: bool
    answer: str
    enrolled: bool = True


def replay(
    corpus: Corpus, enroll: Enroll, kept: Path, *, layers: Sequence[Layer] = (), at_once: int = 2
) -> Iterator[Shown]:
    """Show every sample that is not kept yet, and yield all of them; raises InvalidRequest for a file of another run."""
    names = "+".join(layer.name for layer in layers)
    known = _known(kept, f"{corpus.digest} {names}")
    waiting = [
        (f"{key:06d}", sample)
        for key, sample in enumerate(corpus.of(Modality.FACE))
        if f"{key:06d}" not in known
    ]
    yield from known.values()
    with ThreadPoolExecutor(at_once) as threads, kept.open("a", encoding="utf-8") as file:
        for shown in threads.map(partial(_show, enroll, tuple(layers)), waiting):
            file.write(json.dumps(asdict(shown), ensure_ascii=False) + "\n")
            file.flush()
            os.fsync(file.fileno())
            yield shown


def report(shown: Iterable[Shown]) -> Json:
    """IAPAR of each species, rejections of the bona fide by the whole chain, and non-responses, each with its interval.

    Of whom could not be enrolled nothing was tried: their failure is counted, and their samples are in no other rate.
    """
    whole = sorted(shown, key=lambda each: each.key)
    found = [each for each in whole if each.enrolled]
    presentations = [Presentation(each.subject, each.species, None, matched=each.accepted) for each in found]
    refused = {id(one): not each.responded for one, each in zip(presentations, found, strict=True)}
    attacks = by_species(presentations)
    rows = {name: _row(of_one, "iapar", refused, accepted=True) for name, of_one in attacks.items()}
    live = [one for one in presentations if one.species is None]
    worst = max(rows, key=lambda name: (rows[name]["iapar"], rows[name]["iapar_upper_bound"]), default=None)
    return {
        "n_samples": len(whole),
        **_failures_to_enroll(whole),
        "worst_species": worst,
        "species": rows,
        "bona_fide": _row(live, "rejected", refused, accepted=False),
        "answers": _counted(each.answer for each in whole),
    }


def _failures_to_enroll(shown: Sequence[Shown]) -> Json:
    enrolled = {each.subject: each.enrolled for each in shown}
    people = [Presentation(subject, None, None) for subject in enrolled]
    rate = by_subject(people, [not each for each in enrolled.values()])
    return {"fte": None} if rate is None else rate.to_json("fte")


def _row(of_one: Sequence[Presentation], name: str, refused: Mapping[int, bool], *, accepted: bool) -> Json:
    rate = by_subject(of_one, [one.matched is accepted for one in of_one])
    silent = by_subject(of_one, [refused[id(one)] for one in of_one])
    return {
        "presentations": len(of_one),
        "subjects": len({one.subject for one in of_one}),
        **({name: None} if rate is None else rate.to_json(name)),
        **({"non_response": None} if silent is None else silent.to_json("non_response")),
    }


def _counted(answers: Iterable[str]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for each in answers:
        counts[each] = counts.get(each, 0) + 1
    return dict(sorted(counts.items()))


def _show(enroll: Enroll, layers: tuple[Layer, ...], waiting: tuple[str, Sample]) -> Shown:
    key, sample = waiting
    try:
        owner = enroll(sample.subject)
    except NotEnrolled as error:
        return Shown(key, sample.subject, sample.species, False, False, f"not enrolled: {error}", False)
    pictures: Sequence[bytes] = frames_of(sample.path)
    for layer in layers:
        pictures = layer.change(pictures)
    asked = asked_for_face(owner)
    refused = shows_face(asked, pictures)
    gives_code(owner, asked)
    answer = asked.complete()
    said = refused or str(answer)
    return Shown(key, sample.subject, sample.species, answer.is_good, not refused, said)


def _known(kept: Path, run: str) -> dict[str, Shown]:
    """What a run has come to so far. Its first line names the run; a line that was cut off by a crash is left out."""
    mark = hashlib.sha256(run.encode()).hexdigest()
    if not kept.exists() or not kept.stat().st_size:
        kept.write_text(json.dumps({"run": mark}) + "\n", encoding="utf-8")
        return {}
    text = kept.read_text(encoding="utf-8")
    whole = text[: text.rfind("\n") + 1]
    first, *lines = whole.splitlines() or [""]
    if first != json.dumps({"run": mark}):
        raise InvalidRequest(f"`{kept.name}` keeps another run; name another file")
    if whole != text:
        kept.write_text(whole, encoding="utf-8")
    found = [Shown(**json.loads(line)) for line in lines]
    return {each.key: each for each in found}
