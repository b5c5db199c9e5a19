"""The whole chain in `authsvc lab all`: what a folder holds of people, in every layer, against a service with liveness on."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from importlib.util import find_spec
from itertools import zip_longest
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from authsvc.biometric.words import Modality
from authsvc.cli.lab.attack import ENROLLED_WITH, enrolling, replayed, shown_all, with_face, with_voice_of
from authsvc.cli.lab.in_process import InProcess, in_process

if TYPE_CHECKING:
    from authsvc.lab.corpus import Corpus, Sample
    from authsvc.lab.people import Person
    from authsvc.lab.replaying import Enroll, Shown
    from authsvc.lab.voice_corpus import Utterance

Json = dict[str, Any]  # Any: a report
Layers = tuple[str, ...]
Takes = dict[str, list[Path]]

PHOTOGRAPH, SLIDES, HEARD, STRANGER = "photograph", "slideshow", "heard", "stranger"
PASTED, SYNTHETIC = "cut-and-paste", "synthetic"

FACE_LAYERS: Mapping[str, Sequence[Layers]] = {
    PHOTOGRAPH: ((), ("print",), ("screen",), ("re-encode",), ("inject",), ("other-nonce",)),
    SLIDES: ((), ("cut",), ("shuffle",)),
}
"""Of one picture nothing can be left out or put in another order: that is done to several, shown one after the other."""

VOICE_LAYERS: Mapping[str, Sequence[Layers]] = {
    "bona_fide": ((PASTED,),),
    HEARD: (
        (),
        *((PASTED, *more) for more in ((), ("telephone",), ("loudspeaker",), ("faster",), ("other-nonce",))),
        (PASTED, SYNTHETIC),
    ),
    STRANGER: ((PASTED,),),
}
"""Who is bona fide says the digits by takes that nobody heard: here too they are joined, since no single row is asked twice."""

MOST_OF_ONE = 1
MOST_SLIDES = 40


@dataclass(frozen=True, slots=True)
class Group:
    """Samples of one kind, and what is done to them before they are shown."""

    corpus: Corpus
    layers: Layers

    def named(self, shown: Shown) -> Shown:
        """Each kind in each layer is a species of its own; the bona fide are one however they were joined."""
        if shown.species is None:
            return replace(shown, key=f"bona fide {shown.key}")
        name = "+".join((shown.species, *self.layers))
        return replace(shown, key=f"{name} {shown.key}", species=name)


def face_groups(people: Sequence[Person], listed: Corpus | None) -> tuple[Group, ...]:
    """Photographs beyond those that enroll somebody, slideshows, and of a manifest what is of these people."""
    groups = [
        Group(_corpus(kind, samples), layers)
        for kind, samples in ((PHOTOGRAPH, _spare(people)), (SLIDES, _slides(people)))
        for layers in FACE_LAYERS[kind]
        if samples
    ]
    names = {person.name for person in people}
    own = [] if listed is None else [each for each in listed.of(Modality.FACE) if each.subject in names]
    return (*groups, *([Group(_corpus("manifest", own), ())] if own else []))


def face_chain(people: Sequence[Person], groups: Sequence[Group], models: Path, keep: Path) -> Json:
    named = {person.name: person for person in people}

    def own(subject: str) -> Sequence[bytes]:
        return [file.read_bytes() for file in named[subject].files[:ENROLLED_WITH]]

    with in_process(models, unsafe_no_pad=False) as service:
        enroll = enrolling(lambda subject: with_face(service, own(subject)))
        return _replayed(service, enroll, groups, keep, Modality.FACE)


def voice_groups(folder: Path, made: Path) -> tuple[Group, ...]:
    """Of everybody with two takes of each digit; links to them are laid out in `made`, as a replay reads them."""
    from authsvc.lab.voice_corpus import speakers

    found = {name: _by_half(own) for name, own in speakers(folder).items()}
    halves = {name: own for name, own in found.items() if all(len(each) == 10 for each in own)}
    names = sorted(halves)
    for name in names:
        _link(made / "enrolled" / _folder(name), *halves[name])
        for kind, half in zip((HEARD, "bona_fide"), halves[name], strict=True):
            _link(made / kind / _folder(name), half)
    groups = []
    for kind, every in VOICE_LAYERS.items():
        every = [layers for layers in every if SYNTHETIC not in layers or can_synthesise()]
        samples = [_voice(kind, name, made, names) for name in names if kind != STRANGER or len(names) > 1]
        groups += [Group(_corpus(kind, samples), layers) for layers in every if samples]
    return tuple(groups)


def can_synthesise() -> bool:
    """Whether a machine's voice can be made: librosa comes with the extra `voice-lab`."""
    return find_spec("librosa") is not None


def voice_chain(folder: Path, made: Path, groups: Sequence[Group], models: Path, keep: Path) -> Json:
    """As `face_chain`, of a folder of speakers and what `voice_groups` laid out of it."""
    from authsvc.lab.voice_commands import language_of

    said = language_of(folder)
    with in_process(models, unsafe_no_pad=False, voice=True) as service:
        enroll = enrolling(
            with_voice_of(service, made / "enrolled", lambda subject: said(subject).tag, models)
        )
        return _replayed(service, enroll, groups, keep, Modality.VOICE)


def _replayed(
    service: InProcess, enroll: Enroll, groups: Sequence[Group], keep: Path, modality: Modality
) -> Json:
    shown = [
        group.named(each)
        for number, group in enumerate(groups)
        for each in shown_all(
            group.corpus,
            enroll,
            keep / f"{modality.value}-{number:02}.jsonl",
            modality=modality,
            layers=group.layers,
            at_once=4,
        )
    ]
    whole = _corpus("the whole chain", [each for group in groups for each in group.corpus.samples])
    return replayed(service, whole, (), shown, modality)


def kept_in(stack: ExitStack, folder: Path | None) -> Path:
    """Where results are kept as they come; thrown away where nobody named a folder."""
    if folder is None:
        return Path(stack.enter_context(TemporaryDirectory(prefix="authsvc-lab-")))
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _spare(people: Sequence[Person]) -> list[Sample]:
    from authsvc.lab.corpus import Sample

    return [
        Sample(file, PHOTOGRAPH, person.name)
        for person in people
        for file in person.files[ENROLLED_WITH : ENROLLED_WITH + MOST_OF_ONE]
    ]


def _slides(people: Sequence[Person]) -> list[Sample]:
    from authsvc.lab.corpus import Sample

    folders = {person.name: {file.parent for file in person.files} for person in people}
    return [
        Sample(next(iter(folders[person.name])), SLIDES, person.name)
        for person in people
        if ENROLLED_WITH < len(person.files) <= MOST_SLIDES and len(folders[person.name]) == 1
    ]


def _voice(kind: str, name: str, made: Path, names: Sequence[str]) -> Sample:
    from authsvc.lab.corpus import Sample

    whose = names[(names.index(name) + 1) % len(names)] if kind == STRANGER else name
    place = made / ("bona_fide" if kind == STRANGER else kind) / _folder(whose)
    species = None if kind == "bona_fide" else kind
    return Sample(place, species, _folder(name), Modality.VOICE)


def _by_half(own: Sequence[Utterance]) -> tuple[Takes, Takes]:
    """Takes of each digit that can be read, those that the enrollment hears first: every other one, from the first on."""
    takes: Takes = {}
    for each in own:
        if len(each.digits) == 1 and each.load() is not None:
            takes.setdefault(each.digits, []).append(each.path)
    halves = [
        {digit: files[first::2] for digit, files in sorted(takes.items()) if files[first::2]}
        for first in (0, 1)
    ]
    return halves[0], halves[1]


def _link(folder: Path, *halves: Takes) -> None:
    """By their digits, in turn of each half, so that whoever takes every other one takes one half."""
    folder.mkdir(parents=True)
    for digit in halves[0]:
        turns = zip_longest(*(half[digit] for half in halves))
        for number, file in enumerate(each for turn in turns for each in turn if each is not None):
            (folder / f"{digit}_{number:03}{file.suffix}").symlink_to(file.resolve())


def _folder(name: str) -> str:
    return name.replace("/", "_")


def _corpus(name: str, samples: Sequence[Sample]) -> Corpus:
    from authsvc.lab.corpus import Corpus

    listed = "\n".join(f"{each.subject}/{each.species}/{each.path.name}" for each in samples)
    digest = f"sha256:{hashlib.sha256(listed.encode()).hexdigest()}"
    return Corpus(name, tuple(samples), "", digest)
