"""Recordings for the voice measurements: `<speaker>/<utterance>` folders, and what is spoken in them where that is known."""

from __future__ import annotations

import csv
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from authsvc.errors import AuthsvcError
from authsvc.lab.people import read_people
from authsvc.voice.audio import MAX_SECONDS, Recording, beginning, recording_of
from authsvc.voice.engine import SAMPLE_RATE, Samples

SOUNDS = frozenset(
    {".wav", ".wave", ".flac", ".ogg", ".oga", ".opus", ".mp3", ".m4a", ".webm", ".aif", ".aiff", ".au"}
)
"""What may be a recording of somebody."""

_DIGITS_IN_NAME = re.compile(r"(\d+)(?:_|\.|$)")
_GAPS_S = (0.02, 0.30)


@dataclass(frozen=True, slots=True)
class Utterance:
    """One file of one speaker; `digits` is empty where nobody wrote down what was said."""

    speaker: str
    path: Path
    digits: str

    def load(self) -> Recording | None:
        """The recording, of a long one the first twelve seconds; None for what cannot be read as one."""
        try:
            return beginning(self.path)
        except (AuthsvcError, OSError):
            return None


def speakers(folder: Path) -> Mapping[str, tuple[Utterance, ...]]:
    """Every speaker's utterances; a speaker is a folder, however deep the recordings lie in it.

    Raises InvalidRequest for a folder without any.
    """
    transcripts = _transcripts(folder)
    return {
        person.name: tuple(
            Utterance(
                person.name,
                path,
                transcripts.get(path.resolve(), "") if transcripts else _digits_in(path.name),
            )
            for path in sorted(person.files)
        )
        for person in read_people(folder, suffixes=SOUNDS, least=1)
    }


def _transcripts(folder: Path) -> dict[Path, str]:
    """From the nearest `manifest.tsv` with the columns `path` and `digits`, in the folder or above it."""
    for base in (folder.resolve(), *folder.resolve().parents[:3]):
        table = base / "manifest.tsv"
        if table.is_file():
            with table.open(encoding="utf-8", newline="") as file:
                rows = list(csv.DictReader(file, delimiter="\t"))
            if rows and {"path", "digits"} <= set(rows[0]):
                return {(base / row["path"]).resolve(): row["digits"] or "" for row in rows if row["path"]}
    return {}


def _digits_in(name: str) -> str:
    match = _DIGITS_IN_NAME.match(name)
    return match[1] if match is not None else ""


@dataclass(frozen=True, slots=True, eq=False)
class Reading:
    """A recording of known digits: a file, or single digits of one speaker joined with pauses of 20 to 300 ms."""

    speaker: str
    digits: str
    recording: Recording


def readings(
    utterances: Sequence[Utterance], count: int, length: int, chance: np.random.Generator
) -> list[Reading]:
    """Up to `count` readings of one speaker: whole strings where there are some, else strings of `length` made of digits."""
    whole = [utterance for utterance in utterances if len(utterance.digits) >= 4]
    if whole:
        loaded = ((utterance, utterance.load()) for utterance in whole[:count])
        return [
            Reading(utterance.speaker, utterance.digits, recording)
            for utterance, recording in loaded
            if recording is not None
        ]
    takes = takes_of(utterances)
    if len(takes) < 10:
        return []
    strings = ("".join(chance.choice(list("0123456789"), size=length)) for _ in range(count))
    return [joined(utterances[0].speaker, takes, digits, chance) for digits in strings]


def joined(
    speaker: str, takes: Mapping[str, Sequence[Samples]], digits: str, chance: np.random.Generator
) -> Reading:
    """The digits in the speaker's own takes, drawn by chance."""
    pieces = [_silence(0.25)]
    for digit in digits:
        pieces += [takes[digit][int(chance.integers(len(takes[digit])))], _silence(chance.uniform(*_GAPS_S))]
    sound = np.concatenate([*pieces, _silence(0.25)])[: int(MAX_SECONDS * SAMPLE_RATE)]
    return Reading(speaker, digits, recording_of(sound, SAMPLE_RATE))


def takes_of(utterances: Sequence[Utterance]) -> dict[str, list[Samples]]:
    """The speaker's single digits: samples by digit."""
    takes: defaultdict[str, list[Samples]] = defaultdict(list)
    for utterance in utterances:
        if len(utterance.digits) == 1 and (recording := utterance.load()) is not None:
            takes[utterance.digits].append(recording.samples)
    return dict(takes)


def _silence(seconds: float) -> Samples:
    return np.zeros(int(seconds * SAMPLE_RATE), dtype=np.float32)
