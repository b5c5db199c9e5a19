"""Mel power of speech as the GE2E network was trained on it, in numpy alone.

The same as librosa's `melspectrogram(sr=16000, n_fft=400, hop_length=160, n_mels=40)`, to which a test holds it; librosa
itself would bring a compiler's worth of packages onto the serving path.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from authsvc.voice.engine import SAMPLE_RATE, Samples

BANDS = 40
HOP = 160
_FFT = 400

Power = NDArray[np.float32]


def mel_power(samples: Samples) -> Power:
    """`1 + samples // 160` frames of 10 ms x 40 bands, float32; power itself, without a logarithm."""
    padded = np.pad(samples, _FFT // 2)
    frames = np.lib.stride_tricks.sliding_window_view(padded, _FFT)[::HOP] * _window()
    spectrum = np.fft.rfft(frames)
    power = spectrum.real**2 + spectrum.imag**2
    mel: Power = (power.astype(np.float32) @ _bands()).astype(np.float32)
    return mel


@cache
def _window() -> Samples:
    """The periodic Hann window."""
    return (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(_FFT) / _FFT)).astype(np.float32)


@cache
def _bands() -> Power:
    """`201 x 40` triangles of unit area, spaced on Slaney's scale: even to 1 kHz, then by constant ratios."""
    edges = _to_hertz(np.linspace(0, _to_mel(SAMPLE_RATE / 2), BANDS + 2))
    hertz = np.linspace(0, SAMPLE_RATE / 2, _FFT // 2 + 1)[:, None]
    width = np.diff(edges)
    rising = (hertz - edges[:-2]) / width[:-1]
    falling = (edges[2:] - hertz) / width[1:]
    area = 2 / (edges[2:] - edges[:-2])
    return (np.maximum(0, np.minimum(rising, falling)) * area).astype(np.float32)


_LINEAR_HZ = 200 / 3
_BREAK_HZ = 1000.0
_STEP = np.log(6.4) / 27


def _to_mel(hertz: float) -> float:
    """Of a frequency above 1 kHz."""
    return float(_BREAK_HZ / _LINEAR_HZ + np.log(hertz / _BREAK_HZ) / _STEP)


def _to_hertz(mels: NDArray[np.float64]) -> NDArray[np.float64]:
    knee = _BREAK_HZ / _LINEAR_HZ
    return np.where(mels < knee, mels * _LINEAR_HZ, _BREAK_HZ * np.exp(_STEP * (mels - knee)))
