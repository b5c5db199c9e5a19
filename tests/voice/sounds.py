"""Voices that nobody has: a hum at a pitch says who speaks, a tone on top of it which digit; and engines that hear them."""

from collections.abc import Sequence

import numpy as np

from authsvc.biometric.vectors import Vectors, unit
from authsvc.voice.engine import SAMPLE_RATE, Probabilities, Samples
from authsvc.voice.prompt import Limits
from authsvc.voice.spoken_prompt import Language

_FRAME = 800
_TONES = 800 + 160 * np.arange(10)
_HUMS = np.arange(320, 660, 20)
LABELS = 21


def say(digits: str, pitch: float = 400, *, take: int = 0, each: float = 0.45, level: float = 0.2) -> Samples:
    """The digits, one after the other with short pauses, in the voice of `pitch` Hz; every take is a little different."""
    chance = np.random.default_rng([take, int(pitch), *map(int, digits)])
    pieces = [_hush(0.2, chance)]
    for digit in digits:
        time = np.arange(int(each * chance.uniform(0.9, 1.1) * SAMPLE_RATE)) / SAMPLE_RATE
        swell = np.clip(np.sin(np.pi * time / time[-1]), 0, 1) ** 0.3
        hum = np.sin(2 * np.pi * pitch * time)
        tone = np.sin(2 * np.pi * _TONES[int(digit)] * time + chance.uniform(0, 6))
        pieces += [level * swell * (hum + tone), _hush(chance.uniform(0.05, 0.12), chance)]
    sound = np.concatenate([*pieces, _hush(0.2, chance)])
    return (sound + 3e-5 * chance.standard_normal(sound.size)).astype(np.float32)


def _hush(seconds: float, chance: np.random.Generator) -> Samples:
    return np.zeros(int(seconds * SAMPLE_RATE), dtype=np.float32)


class LoudDetector:
    """Takes for speech what is loud."""

    id = "loud"

    def load(self) -> None:
        return None

    def probabilities(self, samples: Samples) -> Probabilities:
        frames = np.pad(samples, (0, -samples.size % 512)).reshape(-1, 512)
        return np.where(np.sqrt((frames**2).mean(axis=1)) > 0.001, 0.99, 0.01).astype(np.float32)


class HumEncoder:
    """A voice is how strong each of seventeen low frequencies is."""

    id = "hum"
    dimension = len(_HUMS)

    def load(self) -> None:
        return None

    def describe(self, phrases: Sequence[Samples]) -> Vectors:
        return unit(np.stack([_strengths(phrase, _HUMS).mean(axis=0) for phrase in phrases]))


TONE_LIMITS = dict.fromkeys(Language, Limits(score=-2.0, digit=-1.0, fewer=-5.8, more=-1.0))
"""A tone that stands twice is sometimes heard once: of its doubles -5.5 was the least, of others -6.1 the most."""


class ToneRecogniser:
    """Hears the digit whose tone is strongest, in whichever language it is asked."""

    id = "tones"

    def load(self) -> None:
        return None

    def log_probabilities(self, samples: Samples) -> Probabilities:
        strengths = _strengths(samples, _TONES)
        rows = np.full((len(strengths), LABELS), 1e-4)
        for row, tones in zip(rows, strengths, strict=True):
            if tones.max() > 2e-4:
                row[1 + tones.argmax()] = row[11 + tones.argmax()] = 0.49
            else:
                row[0] = 0.98
        return np.log(rows).astype(np.float32)


def _strengths(samples: Samples, hertz: np.ndarray) -> np.ndarray:
    """`frames x hertz`: how strong each frequency is in every 50 ms."""
    frames = np.pad(samples, (0, -samples.size % _FRAME)).reshape(-1, _FRAME)
    spectrum = np.abs(np.fft.rfft(frames * np.hanning(_FRAME))) / _FRAME
    return spectrum[:, hertz * _FRAME // SAMPLE_RATE].astype(np.float32)
