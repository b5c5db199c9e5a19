"""Makes one clean synthetic line sound as if a person had said it somewhere: speed, room, telephone, noise.

Everything is drawn from the generator that is handed in, so that a training can be repeated.
"""

from __future__ import annotations

import numpy as np
import soxr
from numpy.typing import NDArray

from authsvc.voice.prompt_features import BANDS, Features, prompt_features
from prompt_training.corpus import Corpus
from prompt_training.voices import ENGLISH, SAMPLE_RATE, Sound

Samples = NDArray[np.float32]
Chance = np.random.Generator

_WARPS = tuple(round(float(warp), 3) for warp in np.linspace(0.84, 1.2, 13))
_LONGEST_S = 6.0


def example(corpus: Corpus, chance: Chance) -> tuple[Features, list[int]]:
    """Features of one augmented line and its labels: 1 to 10 English, 11 to 20 Mandarin; 0 is the blank."""
    voice, language = corpus.voice(chance)
    if chance.random() < 0.5:
        line = corpus.string(voice, chance)
        digits, samples = line.digits, at_speed(_floats(line.sound), chance.uniform(0.82, 1.22))
    else:
        digits = "".join(chance.choice(list("0123456789"), size=chance.integers(1, 7)))
        samples = _joined(corpus, voice, digits, chance)
    heard = spoil(samples[: int(_LONGEST_S * SAMPLE_RATE)], chance)
    features = prompt_features(heard, float(chance.choice(_WARPS)))
    features = mask(stretched(features, chance.uniform(0.8, 1.25)), chance)
    first = 1 if language == ENGLISH else 11
    return features, [first + int(digit) for digit in digits]


def spoil(samples: Samples, chance: Chance) -> Samples:
    """Silence around, an equaliser, perhaps a room, perhaps a telephone, coloured noise, perhaps clipping."""
    lead, tail = (np.zeros(int(chance.uniform(0.03, 0.5) * SAMPLE_RATE), np.float32) for _ in range(2))
    samples = np.concatenate([lead, samples / (np.abs(samples).max() + 1e-6), tail])
    if chance.random() < 0.45:
        samples = _in_a_room(samples, chance)
    samples = _filtered(samples, _equaliser(chance))
    on_telephone, noise_on_line = chance.random() < 0.3, chance.random() < 0.5
    if on_telephone and noise_on_line:
        samples = _filtered(samples, _telephone(chance))
    samples = samples + _noise(samples, chance.uniform(5, 45), chance)
    if on_telephone and not noise_on_line:
        samples = _filtered(samples, _telephone(chance))
    if chance.random() < 0.1:
        samples = np.clip(samples, -1, np.quantile(np.abs(samples), 0.98))
    return samples.astype(np.float32)


def mask(features: Features, chance: Chance) -> Features:
    """Two runs of bands and one short stretch of time carry nothing (SpecAugment, without warping)."""
    masked = features.copy()
    for _ in range(2):
        width = chance.integers(0, 6)
        start = chance.integers(0, BANDS - width)
        masked[:, start : start + width] = 0
    if chance.random() < 0.5:
        width = chance.integers(1, 7)
        start = chance.integers(0, max(1, len(masked) - width))
        masked[start : start + width] = 0
    return masked


def stretched(features: Features, factor: float) -> Features:
    """Slower or faster at the same pitch."""
    times = np.linspace(0, len(features) - 1, max(1, round(len(features) * factor)))
    before, part = times.astype(int), (times % 1)[:, None]
    after = np.minimum(before + 1, len(features) - 1)
    slower: Features = ((1 - part) * features[before] + part * features[after]).astype(np.float32)
    return slower


def at_speed(samples: Samples, speed: float) -> Samples:
    """Faster and higher, or slower and lower."""
    faster: Samples = soxr.resample(samples, SAMPLE_RATE * speed, SAMPLE_RATE, quality="LQ")
    return faster


def _joined(corpus: Corpus, voice: int, digits: str, chance: Chance) -> Samples:
    speed = chance.uniform(0.82, 1.22)
    longest_gap = chance.uniform(0.02, 0.4)
    pieces = []
    for digit in digits:
        level = 10 ** (chance.uniform(-4, 4) / 20)
        sound = _floats(corpus.digit(voice, digit, chance))
        pieces.append(level * at_speed(sound, speed * chance.uniform(0.88, 1.14)))
        pieces.append(np.zeros(int(chance.uniform(0.005, longest_gap) * SAMPLE_RATE), np.float32))
    return np.concatenate(pieces)


def _in_a_room(samples: Samples, chance: Chance) -> Samples:
    decay = chance.uniform(0.1, 0.7)
    time = np.arange(int(decay * SAMPLE_RATE)) / SAMPLE_RATE
    response = chance.standard_normal(time.size) * 10 ** (-3 * time / decay)
    response *= 10 ** (chance.uniform(-18, 2) / 20) / np.sqrt((response**2).sum())
    response[0] = 1.0
    size = _fft_size(samples.size + response.size)
    together = np.fft.irfft(np.fft.rfft(samples, size) * np.fft.rfft(response, size), size)
    return together[: samples.size].astype(np.float32)


def _equaliser(chance: Chance) -> Samples:
    """Gains at 0 to 4 kHz."""
    return 10 ** (np.cumsum(chance.uniform(-5, 5, size=6)) / 20)


def _telephone(chance: Chance) -> Samples:
    gains = np.full(41, 1.0)
    gains[: int(chance.integers(2, 5))] = 0.01
    gains[int(chance.integers(31, 36)) :] = 0.01
    return gains


def _filtered(samples: Samples, gains: Samples) -> Samples:
    size = _fft_size(samples.size)
    spectrum = np.fft.rfft(samples, size)
    curve = np.interp(np.linspace(0, 1, spectrum.size), np.linspace(0, 1, gains.size), gains)
    return np.fft.irfft(spectrum * curve, size)[: samples.size].astype(np.float32)


def _fft_size(samples: int) -> int:
    """The next power of two: other lengths take many times as long."""
    return 1 << (samples - 1).bit_length()


def _noise(samples: Samples, decibels: float, chance: Chance) -> Samples:
    """Between white and brown, perhaps coming and going, so many decibels under the speech."""
    size = _fft_size(samples.size)
    spectrum = np.fft.rfft(chance.standard_normal(size))
    spectrum /= np.maximum(np.arange(spectrum.size), 1) ** chance.uniform(0, 1)
    noise = np.fft.irfft(spectrum, size)[: samples.size]
    if chance.random() < 0.3:
        swell = np.interp(np.arange(samples.size), np.linspace(0, samples.size, 9), chance.uniform(0.1, 1, 9))
        noise *= swell
    loud = samples[np.abs(samples) > 0.02]
    power = (loud**2).mean() if loud.size else 1e-3
    return (noise * np.sqrt(power / (noise**2).mean()) * 10 ** (-decibels / 20)).astype(np.float32)


def _floats(sound: Sound) -> Samples:
    return sound.astype(np.float32) / 32768
