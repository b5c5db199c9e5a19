"""People who read digits aloud: strings of any digits out of their own single takes, for tests on the real engines."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import count
from pathlib import Path

import numpy as np

from authsvc.lab.voice_copies import at_tempo
from authsvc.lab.voice_corpus import joined, speakers, strung, takes_of
from authsvc.voice.acquisition import Ears, acquire
from authsvc.voice.audio import encode_wav
from authsvc.voice.engine import Samples
from authsvc.voice.prompt import Limits
from authsvc.voice.quality import ENROLLMENT, VERIFICATION
from authsvc.voice.spoken_prompt import ENROLLMENT_DIGITS, Language

Spoil = Callable[[Samples], Samples]
Said = tuple[str, int, int]
"""A digit, how much slower, and which of its takes."""

_TEMPOS = ((0.88, 0.90), (0.74, 0.76), (0.62, 0.64))
"""Of what is said after an enrollment, out of the other half of the takes: a take that was heard before is a copy, and rightly
so. When each was said once, they are said slower."""

_CLEARLY = dict.fromkeys(Language, Limits(score=-1.0, digit=-2.0, fewer=-2.5, more=-1.5))
_CAREFUL_READINGS = 20


class Speaker:
    """One person of a folder of single digits; every reading is a new one.

    With `ears`, a careful one: what the default engines would not take for these digits is read again, so that a test whose
    digits nobody foresees does not fail for the one prompt in thirty that is misheard.
    """

    def __init__(self, folder: Path, name: str, seed: int = 7, ears: Ears | None = None) -> None:
        self.name = name
        self._takes = takes_of(speakers(folder)[name])
        self._chance = np.random.default_rng(seed)
        self._ears = ears
        self._said: list[Said] = []

    def samples(self, digits: str, spoil: Spoil = lambda sound: sound) -> Samples:
        """Mono float32 at 16 kHz, with pauses of 20 to 300 ms, spoiled where a test wants it so."""
        for _ in range(_CAREFUL_READINGS):
            said = [*self._said]
            sound = spoil(self._read(digits, said))
            if self._ears is None or _is_heard(sound, digits, self._ears):
                self._said = said
                return sound
        raise AssertionError(f"`{self.name}` cannot read {len(digits)} digits so that they are heard")

    def _read(self, digits: str, said: list[Said]) -> Samples:
        """Nobody says a digit twice in the same way: in a later row, and its second time in one, it is another take."""
        if len(digits) == ENROLLMENT_DIGITS:
            own = {digit: takes[0::2] for digit, takes in self._takes.items()}
            return joined(self.name, own, digits, self._chance).recording.samples
        return strung([self._anew(digit, said) for digit in digits], self._chance).samples

    def _anew(self, digit: str, said: list[Said]) -> Samples:
        takes = self._takes[digit][1::2] or self._takes[digit]
        every = [(digit, slower, take) for slower in range(len(_TEMPOS)) for take in range(len(takes))]
        left = [way for way in every if way not in said] or every
        way = left[int(self._chance.integers(min(len(left), len(takes))))]
        said.append(way)
        return at_tempo(takes[way[2]], self._chance.uniform(*_TEMPOS[way[1]]))

    def reads(self, digits: str, spoil: Spoil = lambda sound: sound) -> bytes:
        """The same as a WAV."""
        return encode_wav(self.samples(digits, spoil))


def _is_heard(sound: Samples, digits: str, ears: Ears) -> bool:
    gate = ENROLLMENT if len(digits) == ENROLLMENT_DIGITS else VERIFICATION
    phrase = acquire(encode_wav(sound), digits, Language.ENGLISH, ears, gate)
    return not phrase.hints and phrase.reading.is_of_these_digits(_CLEARLY)


def rows_of_digits(seed: int) -> Callable[..., str]:
    """In place of the service's own choice: other digits at every call, and the same ones in every run."""
    chance = np.random.default_rng(seed)
    return lambda seed, length=6: "".join(str(chance.integers(10)) for _ in range(length))


def always(rows: Sequence[str]) -> Callable[..., str]:
    """These rows one after the other, and the last one again and again."""
    number = count()
    return lambda seed, length=6: rows[min(next(number), len(rows) - 1)]
