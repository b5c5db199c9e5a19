"""The synthesised corpus: isolated digits and connected strings of every voice, in one file."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass
from multiprocessing import Pool
from pathlib import Path

import numpy as np

from prompt_training.voices import ENGLISH, MANDARIN, Sound, Voice, spoken, training_voices

_STRINGS = 8


@dataclass(frozen=True, slots=True, eq=False)
class Utterance:
    """One line of one voice, int16 at 8 kHz."""

    voice: int
    program: str
    language: str
    digits: str
    sound: Sound


def synthesise(path: Path, seed: int, processes: int) -> None:
    """Every voice says every digit alone, twice, and several strings."""
    chance = random.Random(seed)
    voices = list(training_voices(chance))
    jobs = [(number, voice, chance.randrange(2**32)) for number, voice in enumerate(voices)]
    with Pool(processes) as pool:
        spoken_by_voice = pool.starmap(_speak, jobs, chunksize=4)
    save(path, [utterance for utterances in spoken_by_voice for utterance in utterances])


def _speak(number: int, voice: Voice, seed: int) -> list[Utterance]:
    chance = random.Random(seed)
    texts = [str(digit) for digit in range(10)] * 2
    texts += ["".join(chance.choices("0123456789", k=chance.randint(2, 6))) for _ in range(_STRINGS)]
    lines = [spoken(digits, voice.language, chance) for digits in texts]
    sounds = voice.say(lines)
    return [
        Utterance(number, voice.program, voice.language, digits, sound)
        for digits, sound in zip(texts, sounds, strict=True)
        if sound.size > 400
    ]


def save(path: Path, utterances: list[Utterance]) -> None:
    ends = np.cumsum([utterance.sound.size for utterance in utterances])
    np.savez_compressed(
        path,
        sound=np.concatenate([utterance.sound for utterance in utterances]),
        ends=ends,
        voice=[utterance.voice for utterance in utterances],
        program=[utterance.program for utterance in utterances],
        language=[utterance.language for utterance in utterances],
        digits=[utterance.digits for utterance in utterances],
    )


class Corpus:
    """Draws utterances as training wants them: languages alike often, and each program's share as stated."""

    _SHARES: Mapping[str, float] = {"espeak-ng": 0.5, "flite": 0.25, "festival": 0.25}

    def __init__(self, path: Path) -> None:
        with np.load(path) as file:
            columns = {name: file[name] for name in file.files}
        starts = np.concatenate([[0], columns["ends"][:-1]])
        self.utterances = [
            Utterance(int(voice), str(program), str(language), str(digits), columns["sound"][start:end])
            for voice, program, language, digits, start, end in zip(
                *(columns[name] for name in ("voice", "program", "language", "digits")),
                starts,
                columns["ends"],
                strict=True,
            )
        ]
        self._alone: dict[int, dict[str, list[Sound]]] = {}
        self._strings: dict[int, list[Utterance]] = {}
        for utterance in self.utterances:
            if len(utterance.digits) == 1:
                by_digit = self._alone.setdefault(utterance.voice, {})
                by_digit.setdefault(utterance.digits, []).append(utterance.sound)
            else:
                self._strings.setdefault(utterance.voice, []).append(utterance)
        self._voices = {
            (language, program): sorted(
                {one.voice for one in self.utterances if (one.language, one.program) == (language, program)}
            )
            for language in (ENGLISH, MANDARIN)
            for program in self._SHARES
        }

    def voice(self, chance: np.random.Generator) -> tuple[int, str]:
        """A voice and its language."""
        if chance.random() < 0.5:
            return int(chance.choice(self._voices[MANDARIN, "espeak-ng"])), MANDARIN
        program = chance.choice(list(self._SHARES), p=list(self._SHARES.values()))
        return int(chance.choice(self._voices[ENGLISH, str(program)])), ENGLISH

    def string(self, voice: int, chance: np.random.Generator) -> Utterance:
        strings = self._strings[voice]
        return strings[int(chance.integers(len(strings)))]

    def digit(self, voice: int, digit: str, chance: np.random.Generator) -> Sound:
        takes = self._alone[voice][digit]
        return takes[int(chance.integers(len(takes)))]
