"""Recordings for the voice measurements: `<speaker>/<utterance>` folders, and what is spoken in them where that is known."""

from __future__ import annotations

import csv
import re
import zlib
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
    {".wav", ".wave", ".flac", ".ogg", ".oga", ".opus", ".mp3", ".aif", ".aiff", ".au"}
    | {".m4a", ".webm", ".3gp", ".caf", ".aac", ".amr"}
)
"""What may be a recording of somebody."""

_DIGITS_IN_NAME = re.compile(r"(\d+)(?:_|\.|$)")
_SYLLABLE = re.compile(r"([a-z]+[1-4])(?:_|\.|$)")
_PINYIN = ("ling2", "yi1", "er4", "san1", "si4", "wu3", "liu4", "qi1", "ba1", "jiu3")
_LIBRISPEECH = re.compile(r"\d+-(\d+)-\d+\.")
ROW, ROWS = 8, 10
"""Digits in a row that is put together, and how many rows of a session."""

_ROWS_OF_A_STRANGER = 4

_GAPS_S = (0.02, 0.30)


@dataclass(frozen=True, slots=True)
class Utterance:
    """One file of one speaker; `digits` is empty where nobody wrote down what was said.

    `session` tells sittings apart: a folder below the speaker's, or the second number of a LibriSpeech name.
    """

    speaker: str
    path: Path
    digits: str
    session: str = ""

    def load(self) -> Recording | None:
        """The recording, of a long one the first twelve seconds; None for what cannot be read as one."""
        try:
            return beginning(self.path)
        except (AuthsvcError, OSError):
            return None


@dataclass(frozen=True, slots=True)
class DigitRow:
    """A row of digits put together of a speaker's single ones, all of one session."""

    speaker: str
    takes: tuple[Utterance, ...]
    session: str

    @property
    def digits(self) -> str:
        return "".join(take.digits for take in self.takes)

    def load(self) -> Recording | None:
        """The digits with pauses between, the same every time."""
        sounds = {take: take.load() for take in set(self.takes)}
        if None in sounds.values():
            return None
        chance = np.random.default_rng(zlib.crc32("".join(take.path.name for take in self.takes).encode()))
        return strung([sounds[take].samples for take in self.takes], chance)  # type: ignore[union-attr] # None was refused


def speakers(folder: Path) -> Mapping[str, tuple[Utterance, ...]]:
    """Every speaker's utterances; a speaker is a folder, however deep the recordings lie in it.

    Where a table names `set` and `speaker` of a file, these say who speaks. Raises InvalidRequest for a folder without any.
    """
    table = _transcripts(folder)
    found: defaultdict[str, list[Utterance]] = defaultdict(list)
    for person in read_people(folder, suffixes=SOUNDS, least=1):
        for path in sorted(person.files):
            written = table.get(path.resolve())
            name = _speaker(written, person.name, path, folder) if table else person.name
            digits = _digits_in(path.name) if written is None else written["digits"] or ""
            found[name].append(Utterance(name, path, digits, _session(path, name.rpartition("/")[2])))
    return {name: tuple(own) for name, own in found.items()}


def utterances_in(folder: Path) -> tuple[Utterance, ...]:
    """One person's recordings, directly in this folder, in the order of their names."""
    table = _transcripts(folder)
    files = sorted(file for file in folder.iterdir() if file.suffix.lower() in SOUNDS)
    written = (table.get(file.resolve(), {}).get("digits") or _digits_in(file.name) for file in files)
    return tuple(Utterance(folder.name, file, digits) for file, digits in zip(files, written, strict=True))


def _speaker(written: Mapping[str, str] | None, person: str, path: Path, folder: Path) -> str:
    """`set/speaker`, without the set where the folder is that set; of a file that is not in the table, its folder."""
    if written is None:
        return path.parent.relative_to(folder).as_posix() if folder in path.parents else person
    names = (written.get("set") or "", written.get("speaker") or "")
    if not all(names):
        return person
    return names[1] if names[0] == folder.resolve().name else "/".join(names)


def _session(path: Path, speaker: str) -> str:
    numbered = _LIBRISPEECH.match(path.name)
    if numbered is not None:
        return numbered[1]
    parts = path.parent.parts
    return "/".join(parts[parts.index(speaker) + 1 :]) if speaker in parts else ""


def phrases(
    utterances: Sequence[Utterance], length: int = ROW, count: int = ROWS
) -> Sequence[Utterance | DigitRow]:
    """What a speaker says at a time: the utterances, or rows of digits where they are single ones.

    Each take of a digit stands in the rows of one session alone, so that no sound is on both sides of a comparison.
    """
    takes: defaultdict[str, list[Utterance]] = defaultdict(list)
    for utterance in utterances:
        if len(utterance.digits) == 1 and utterance.load() is not None:
            takes[utterance.digits].append(utterance)
    if len(takes) < 10:
        return utterances
    if min(map(len, takes.values())) == 1:
        # Rows of the same takes are one recording; who has no others is a stranger to people and never enrolled.
        return _rows(takes, 0, 1, length, _ROWS_OF_A_STRANGER)
    return [row for session in range(2) for row in _rows(takes, session, 2, length, count)]


def _rows(
    takes: Mapping[str, Sequence[Utterance]], session: int, sessions: int, length: int, count: int
) -> list[DigitRow]:
    chance = np.random.default_rng([session, zlib.crc32(takes["0"][0].speaker.encode())])
    own = {digit: each[session::sessions] for digit, each in takes.items()}
    return [
        DigitRow(
            own["0"][0].speaker,
            tuple(
                own[digit][int(chance.integers(len(own[digit])))]
                for digit in chance.choice(sorted(own), length)
            ),
            f"takes {session}",
        )
        for _ in range(count)
    ]


def _transcripts(folder: Path) -> dict[Path, Mapping[str, str]]:
    """What the nearest `manifest.tsv` with the columns `path` and `digits`, in the folder or above it, says of each file."""
    for base in (folder.resolve(), *folder.resolve().parents[:3]):
        table = base / "manifest.tsv"
        if table.is_file():
            with table.open(encoding="utf-8", newline="") as file:
                rows = list(csv.DictReader(file, delimiter="\t"))
            if rows and {"path", "digits"} <= set(rows[0]):
                return {(base / row["path"]).resolve(): row for row in rows if row["path"]}
    return {}


def _digits_in(name: str) -> str:
    if (syllable := _SYLLABLE.match(name)) is not None and syllable[1] in _PINYIN:
        return str(_PINYIN.index(syllable[1]))
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
    sounds = [takes[digit][int(chance.integers(len(takes[digit])))] for digit in digits]
    return Reading(speaker, digits, strung(sounds, chance))


def strung(sounds: Sequence[Samples], chance: np.random.Generator) -> Recording:
    """Sounds one after the other, with pauses drawn by chance."""
    pieces = [_silence(0.25)]
    for sound in sounds:
        pieces += [sound, _silence(chance.uniform(*_GAPS_S))]
    whole = np.concatenate([*pieces, _silence(0.25)])[: int(MAX_SECONDS * SAMPLE_RATE)]
    return recording_of(whole, SAMPLE_RATE)


def takes_of(utterances: Sequence[Utterance]) -> dict[str, list[Samples]]:
    """The speaker's single digits: samples by digit."""
    takes: defaultdict[str, list[Samples]] = defaultdict(list)
    for utterance in utterances:
        if len(utterance.digits) == 1 and (recording := utterance.load()) is not None:
            takes[utterance.digits].append(recording.samples)
    return dict(takes)


def _silence(seconds: float) -> Samples:
    return np.zeros(int(seconds * SAMPLE_RATE), dtype=np.float32)
