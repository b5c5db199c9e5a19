"""The same phrase as other microphones, rooms and lines would have heard it.

A template that is the mean over such copies recognises its owner on a telephone and in a noisy place; what is drawn here
is drawn from the phrase itself, so that the same phrases always make the same template.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from authsvc.voice.engine import SAMPLE_RATE, Samples

Condition = Callable[[Samples], Samples]
Floats = NDArray[np.floating[Any]]  # Any: of either precision.

_REVERBERATION_S = 0.4
_NOISE_DB = 12.0


def telephone(samples: Samples) -> Samples:
    """Nothing under 300 and over 3400 Hz."""
    size = _fft_size(samples.size)
    spectrum = np.fft.rfft(samples, size)
    hertz = np.linspace(0, SAMPLE_RATE / 2, spectrum.size)
    # Edges of 50 and 200 Hz: a wall would ring.
    rising = np.clip((hertz - 250) / 50, 0, 1)
    falling = np.clip((3500 - hertz) / 200, 0, 1)
    return _floats(np.fft.irfft(spectrum * rising * falling, size)[: samples.size])


def reverberant(samples: Samples, decay_s: float = _REVERBERATION_S) -> Samples:
    """In a room whose sound falls by 60 dB in `decay_s`, as loud as before."""
    time = np.arange(int(decay_s * SAMPLE_RATE)) / SAMPLE_RATE
    response = _generator(samples).standard_normal(time.size) * 10 ** (-3 * time / decay_s)
    response /= np.sqrt((response**2).sum())
    response[0] = 1.0
    size = _fft_size(samples.size + response.size)
    heard = np.fft.irfft(np.fft.rfft(samples, size) * np.fft.rfft(response, size), size)[: samples.size]
    return _floats(heard * (_level(samples) / max(_level(heard), 1e-9)))


def noisy(samples: Samples, decibels: float = _NOISE_DB) -> Samples:
    """With noise between white and brown, so many decibels under the speech."""
    size = _fft_size(samples.size)
    spectrum = np.fft.rfft(_generator(samples).standard_normal(size))
    spectrum /= np.sqrt(np.maximum(np.arange(spectrum.size), 8))
    noise = np.fft.irfft(spectrum, size)[: samples.size]
    return _floats(samples + noise * (_level(samples) / _level(noise)) * 10 ** (-decibels / 20))


CONDITIONS: tuple[Condition, ...] = (lambda samples: samples, reverberant, noisy, telephone)
"""Clean, room, noise, telephone: every enrollment phrase is described in each."""


def _generator(samples: Samples) -> np.random.Generator:
    return np.random.default_rng(zlib.crc32(samples.astype("<f4").tobytes()))


def _level(samples: Floats) -> float:
    return float(np.sqrt((samples.astype(np.float64) ** 2).mean()))


def _fft_size(samples: int) -> int:
    return 1 << (samples - 1).bit_length()


def _floats(samples: Floats) -> Samples:
    return np.asarray(samples, dtype=np.float32)
