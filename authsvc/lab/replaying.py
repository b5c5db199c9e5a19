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
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from secrets import token_hex
from typing import Any

from authsvc.biometric.words import Modality
from authsvc.errors import InvalidRequest, Unavailable
from authsvc.lab.clips import Clip, clip_of
from authsvc.lab.corpus import Corpus, Sample
from authsvc.lab.drill import captures
from authsvc.lab.drill.captures import asked_for, gives_code, shows_face, speaks
from authsvc.lab.drill.drill import Busy, in_turns
from authsvc.lab.drill.people import Asked, Person, expect
from authsvc.lab.iso30107 import Presentation, by_species, by_subject
from authsvc.lab.layers import LAYERS, OTHER_NONCE, chosen, layered

Json = dict[str, Any]  # Any: a report

Enroll = Callable[[str], Person]
"""A person of the service who has the face, or the voice, of that subject; raises NotEnrolled."""

PAUSE_MS = 500
"""Of a clip, between two parts: about what passes on the service's clock, and always the same."""

SHORTEST_MS = 400
"""Of a clip, in one part."""


MOST_TURNS = 5


class NotEnrolled(Exception):
    """Of what there is of the subject no template can be made; says why."""


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
    corpus: Corpus,
    enroll: Enroll,
    kept: Path,
    *,
    modality: Modality = Modality.FACE,
    layers: Sequence[str] = (),
    at_once: int = 2,
) -> Iterator[Shown]:
    """Show every sample that is not kept yet, and yield all of them.

    Raises InvalidRequest for a file of another run, for a layer that the modality does not know, and for samples that none can
    be put on.
    """
    show = _FACES_AND_VOICES[modality](layers)
    # What was kept by name alone is of faces.
    of_what = "" if modality is Modality.FACE else f"{modality.value} "
    known = _known(kept, f"{corpus.digest} {of_what}{'+'.join(layers)}")
    waiting = [
        (f"{key:06d}", sample) for key, sample in enumerate(corpus.of(modality)) if f"{key:06d}" not in known
    ]
    yield from known.values()
    with ThreadPoolExecutor(at_once) as threads, kept.open("a", encoding="utf-8") as file:
        for shown in threads.map(partial(_show, enroll, show, modality.value), waiting):
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


def _show(enroll: Enroll, show: Show, factor: str, waiting: tuple[str, Sample]) -> Shown:
    """Once more, where the service had no time: that is no decision. Where it never has any for this sample, a non-response.

    Raises Unavailable where it has none for anybody.
    """
    try:
        return in_turns(lambda is_last: _shown(enroll, show, factor, *waiting, is_last=is_last), MOST_TURNS)
    except Busy as error:
        raise Unavailable("the service has had no time for anybody; what is known so far is kept") from error


def _shown(enroll: Enroll, show: Show, factor: str, key: str, sample: Sample, *, is_last: bool) -> Shown:
    try:
        owner = enroll(sample.subject)
    except NotEnrolled as error:
        return Shown(key, sample.subject, sample.species, False, False, f"not enrolled: {error}", False)
    asked = asked_for(owner, factor)
    refused = show(sample, owner, asked)
    gives_code(owner, asked, factor)
    answer = asked.complete()
    said = refused or str(answer)
    is_busy = said.startswith("503")
    if is_busy and not is_last:
        raise Busy(said)
    return Shown(key, sample.subject, sample.species, answer.is_good, not refused and not is_busy, said)


Show = Callable[[Sample, Person, Asked], str]
"""Presents a sample to a challenge of its subject; what refused it, empty where it was received."""


def _showing_faces(layers: Sequence[str]) -> Show:
    known = chosen(LAYERS, layers)

    def show(sample: Sample, owner: Person, asked: Asked) -> str:
        clip = _in_bytes_of_its_own(layered(clip_of(sample.path), known))
        frames_of = partial(_part_of, clip) if len(clip.pictures) > 1 else None
        return shows_face(asked, clip.pictures, frames_of, _nonce(owner, "face", layers))

    return show


def _in_bytes_of_its_own(clip: Clip) -> Clip:
    """The same pictures, each with a word behind its end: the very bytes that counted once count in no account again."""
    return replace(clip, pictures=tuple(each + b"\n" + token_hex(8).encode() for each in clip.pictures))


def _showing_voices(layers: Sequence[str]) -> Show:
    from authsvc.lab.voice_layers import VOICE_LAYERS, speech_of  # Loads array libraries.

    known = chosen(VOICE_LAYERS, layers)

    def show(sample: Sample, owner: Person, asked: Asked) -> str:
        speech = speech_of(sample.path)
        return speaks(
            asked,
            lambda digits: layered(replace(speech, digits=digits), known).wav(),
            _nonce(owner, "voice", layers),
        )

    return show


_FACES_AND_VOICES: Mapping[Modality, Callable[[Sequence[str]], Show]] = {
    Modality.FACE: _showing_faces,
    Modality.VOICE: _showing_voices,
}


def _part_of(clip: Clip, number: int) -> tuple[Sequence[bytes], Sequence[int]]:
    """What is on while a part is filmed. By the clip's own clock, so that every replay sends the same frames."""
    length = max(SHORTEST_MS, round(captures.GESTURE_S * 1000))
    start = number * (length + PAUSE_MS)
    return clip.between(start, start + length)


def _nonce(owner: Person, factor: str, layers: Sequence[str]) -> str | None:
    """That of another challenge of the same owner, where the layer asks for it."""
    if OTHER_NONCE not in layers:
        return None
    return str(expect(asked_for(owner, factor).begin(factor), 200)["nonce"])


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
