"""What the prompt recogniser hears: log-mel bands of an 8 kHz recording, the same in training and in service.

8 kHz because a telephone carries no more, and a recogniser that never saw more cannot come to depend on it.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

SAMPLE_RATE = 8000
BANDS = 40

FRAME, HOP = 200, 80
_FFT = 256
_LOW_HZ, _HIGH_HZ = 60.0, 3900.0
PRE_EMPHASIS = 0.97
FLOOR = 0.02
"""White noise added in the power domain, as a share of the recording's mean power: without it clean speech does worse
than noisy speech, because synthetic silence is emptier than any that a microphone hears."""

TINY = 1e-10

Samples = NDArray[np.float32]
Features = NDArray[np.float32]


def prompt_features(samples: Samples, warp: float = 1.0) -> Features:
    """`frames x 40` float32, mean 0 in each band and deviation 1 over all, from mono samples at 8 kHz; at least one frame.

    `warp` stretches the bands' frequencies (training makes other vocal tracts of few voices with it).
    """
    emphasised = np.append(samples[:1], samples[1:] - PRE_EMPHASIS * samples[:-1])
    padded = np.pad(emphasised, (0, max(0, FRAME - emphasised.size)))
    frames = np.lib.stride_tricks.sliding_window_view(padded, FRAME)[::HOP] * window()
    power = np.abs(np.fft.rfft(frames, _FFT)).astype(np.float32) ** 2
    bands = mel_bands(warp)
    floor = FLOOR * power.mean() * bands.sum(axis=0)
    logarithm = np.log(power @ bands + floor + TINY)
    centred = logarithm - logarithm.mean(axis=0)
    # One deviation for all bands: a band that a telephone leaves empty must stay still, not fill with enlarged noise.
    scaled: Features = (centred / (centred.std() + 1e-3)).astype(np.float32)
    return scaled


@cache
def window() -> Samples:
    phase = 2 * np.pi * np.arange(FRAME) / FRAME
    return (0.5 - 0.5 * np.cos(phase)).astype(np.float32)


@cache
def mel_bands(warp: float) -> Features:
    """`129 x 40` triangles, evenly spaced on the HTK mel scale."""
    mels = np.linspace(_to_mel(_LOW_HZ), _to_mel(_HIGH_HZ), BANDS + 2)
    edges = np.minimum(700 * (10 ** (mels / 2595) - 1) * warp, SAMPLE_RATE / 2)
    hertz = np.arange(_FFT // 2 + 1)[:, None] * SAMPLE_RATE / _FFT
    width = np.maximum(np.diff(edges), 1e-3)
    rising = (hertz - edges[:-2]) / width[:-1]
    falling = (edges[2:] - hertz) / width[1:]
    return np.maximum(0, np.minimum(rising, falling)).astype(np.float32)


def _to_mel(hertz: float) -> float:
    return float(2595 * np.log10(1 + hertz / 700))
