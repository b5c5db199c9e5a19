"""The synthesised corpus: isolated digits and connected strings of every voice, in one file."""

from __future__ import annotations

import random
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from multiprocessing import Pool
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from prompt_training.voices import Sound, Voice
from prompt_training.words import ENGLISH, MANDARIN, WORDS

_STRINGS = 4

# By language, program, and whether the voice reads the language in a spelling of its own.
_SHARES: Mapping[tuple[str, str, bool], float] = {
    (ENGLISH, "espeak-ng", False): 0.25,
    (ENGLISH, "espeak-ng", True): 0.2,
    (ENGLISH, "flite", False): 0.2,
    (ENGLISH, "festival", False): 0.15,
    (ENGLISH, "festival", True): 0.2,
    (MANDARIN, "espeak-ng", False): 0.65,
    (MANDARIN, "flite", True): 0.12,
    (MANDARIN, "festival", True): 0.23,
}

_AT_HOME = {ENGLISH: ("en",), MANDARIN: ("cmn-latn-pinyin",)}


@dataclass(frozen=True, slots=True, eq=False)
class Utterance:
    """One line of one voice, int16 at 8 kHz."""

    voice: int
    program: str
    spelling: str
    language: str
    digits: str
    sound: Sound


Voices = Callable[[random.Random], Iterator[Voice]]


def synthesise(path: Path, of: Voices, seed: int, processes: int) -> None:
    """Every voice says every digit alone and several strings."""
    chance = random.Random(seed)
    voices = list(of(chance))
    jobs = [(number, voice, chance.randrange(2**32)) for number, voice in enumerate(voices)]
    with Pool(processes) as pool:
        spoken_by_voice = pool.starmap(_speak, jobs, chunksize=4)
    save(path, [utterance for utterances in spoken_by_voice for utterance in utterances])


def _speak(number: int, voice: Voice, seed: int) -> list[Utterance]:
    chance = random.Random(seed)
    # Zero and one more often: they have two names.
    texts = [*"012345678901"]
    texts += ["".join(chance.choices("0123456789", k=chance.randint(2, 6))) for _ in range(_STRINGS)]
    words = WORDS[voice.language][voice.spelling]
    lines = [words.spelled(digits, voice.language, chance) for digits in texts]
    try:
        sounds = voice.say(lines)
    except subprocess.CalledProcessError as error:
        # Festival crashes on some voice at some speed; one voice less is no reason to lose the others.
        print(f"{voice.program} {voice.name} did not speak: {error}", file=sys.stderr)
        return []
    return [
        Utterance(number, voice.program, voice.spelling, voice.language, digits, sound)
        for digits, sound in zip(texts, sounds, strict=True)
        if sound.size > 400
    ]


def save(path: Path, utterances: list[Utterance]) -> None:
    ends = np.cumsum([utterance.sound.size for utterance in utterances])
    np.savez_compressed(
        path,
        sound=companded(np.concatenate([utterance.sound for utterance in utterances])),
        ends=ends,
        voice=[utterance.voice for utterance in utterances],
        program=[utterance.program for utterance in utterances],
        spelling=[utterance.spelling for utterance in utterances],
        language=[utterance.language for utterance in utterances],
        digits=[utterance.digits for utterance in utterances],
    )


def companded(sound: Sound) -> NDArray[np.uint8]:
    """Eight bits a sample on the mu-law curve, as telephones have it: half the size, and training adds more noise itself."""
    value = sound / 32768
    curved = np.sign(value) * np.log1p(255 * np.abs(value)) / np.log(256)
    return np.round(curved * 127 + 128).astype(np.uint8)


def expanded(codes: NDArray[np.uint8]) -> Sound:
    curved = (np.arange(256) - 128) / 127
    table = np.sign(curved) * (256.0 ** np.abs(curved) - 1) / 255 * 32767
    return np.clip(np.round(table), -32767, 32767).astype(np.int16)[codes]


def load(path: Path) -> list[Utterance]:
    """Every sound that the same voice did not make before for the same digits."""
    with np.load(path) as file:
        columns = {name: file[name] for name in file.files}
    sound, starts = expanded(columns["sound"]), np.concatenate([[0], columns["ends"][:-1]])
    names = ("voice", "program", "spelling", "language", "digits")
    lines = zip(*(columns[name] for name in names), starts, columns["ends"], strict=True)
    kept = {}
    for voice, program, spelling, language, digits, start, end in lines:
        utterance = Utterance(
            int(voice), str(program), str(spelling), str(language), str(digits), sound[start:end]
        )
        kept[utterance.voice, utterance.digits, utterance.sound.tobytes()] = utterance
    return list(kept.values())


def shares(voices: Sequence[Utterance]) -> list[float]:
    """How often each of these voices (one utterance of each) is drawn: languages alike often, kinds by `_SHARES`."""
    kinds = [_kind(voice) for voice in voices]
    counted = Counter(kinds)
    return [_SHARES.get(kind, 0.0) / counted[kind] for kind in kinds]


def _kind(utterance: Utterance) -> tuple[str, str, bool]:
    return utterance.language, utterance.program, utterance.spelling not in _AT_HOME[utterance.language]
