"""The synthesised corpus: isolated digits and connected strings of every voice, a file for each."""

from __future__ import annotations

import random
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from multiprocessing import Pool
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from prompt_training.voices import Sound, Voice
from prompt_training.words import ENGLISH, IPA, IPA_BRITISH, MANDARIN, WORDS

_STRINGS = 4
_DIGITS = (2, 6)
_DIGITS_OF_KOKORO = (4, 8)

# By language, program, and whether the voice reads the language in a spelling of its own.
_SHARES: Mapping[tuple[str, str, bool], float] = {
    (ENGLISH, "espeak-ng", False): 0.15,
    (ENGLISH, "espeak-ng", True): 0.12,
    (ENGLISH, "flite", False): 0.12,
    (ENGLISH, "festival", False): 0.09,
    (ENGLISH, "festival", True): 0.12,
    (ENGLISH, "kokoro", False): 0.4,
    (MANDARIN, "espeak-ng", False): 0.25,
    (MANDARIN, "flite", True): 0.03,
    (MANDARIN, "festival", True): 0.07,
    (MANDARIN, "kokoro", False): 0.65,
}

_AT_HOME = {ENGLISH: ("en", IPA, IPA_BRITISH), MANDARIN: ("cmn-latn-pinyin", IPA)}


@dataclass(frozen=True, slots=True, eq=False)
class Utterance:
    """One line of one voice, int16 at 8 kHz."""

    voice: int
    program: str
    spelling: str
    language: str
    digits: str
    sound: Sound


_NOTHING: Sound = np.zeros(0, dtype=np.int16)

Voices = Callable[[random.Random], Iterator[Voice]]


def synthesise(folder: Path, of: Voices, seed: int, processes: int) -> None:
    """Every voice says every digit alone and several strings; what lies in the folder is not said again."""
    folder.mkdir(parents=True, exist_ok=True)
    chance = random.Random(seed)
    voices = list(of(chance))
    jobs = [(folder, number, voice, chance.randrange(2**32)) for number, voice in enumerate(voices)]
    with Pool(processes) as pool:
        # The last voices take longest.
        pool.starmap(_keep, reversed(jobs), chunksize=1)


def _keep(folder: Path, number: int, voice: Voice, seed: int) -> None:
    path = folder / f"{number:04d}.npz"
    if not path.exists():
        unfinished = path.with_suffix(".unfinished")
        with unfinished.open("wb") as file:
            save(file, _speak(number, voice, seed))
        unfinished.rename(path)


def _speak(number: int, voice: Voice, seed: int) -> list[Utterance]:
    chance = random.Random(seed)
    # Zero and one more often: they have two names.
    texts = [*"012345678901"]
    chance.shuffle(texts)
    fewest_and_most = _DIGITS_OF_KOKORO if voice.program == "kokoro" else _DIGITS
    texts += [
        "".join(chance.choices("0123456789", k=chance.randint(*fewest_and_most))) for _ in range(_STRINGS)
    ]
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


def save(file: BinaryIO, utterances: list[Utterance]) -> None:
    ends = np.cumsum([utterance.sound.size for utterance in utterances], dtype=np.int64)
    np.savez_compressed(
        file,
        sound=companded(np.concatenate([utterance.sound for utterance in utterances] or [_NOTHING])),
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


def load(folder: Path) -> list[Utterance]:
    """Every sound that the same voice did not make before for the same digits."""
    kept = {}
    for path in sorted(folder.glob("*.npz")):
        with np.load(path) as file:
            columns = {name: file[name] for name in file.files}
        sound, starts = expanded(columns["sound"]), np.append(0, columns["ends"])
        names = ("voice", "program", "spelling", "language", "digits")
        lines = zip(*(columns[name] for name in names), starts, columns["ends"], strict=False)
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
