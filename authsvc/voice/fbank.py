"""Log-mel energies as Kaldi computes them, which most published speaker networks were trained on; without dither."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from authsvc.voice.engine import SAMPLE_RATE, Samples

_FRAME, _HOP, _FFT = 400, 160, 512
_PRE_EMPHASIS = 0.97
_LOW_HZ = 20.0

Energies = NDArray[np.float32]


def fbank(samples: Samples, bands: int = 80, window: str = "hamming") -> Energies:
    """`frames x bands` natural logarithms, frames of 25 ms every 10 ms, only whole ones; at least 400 samples go in."""
    frames = np.lib.stride_tricks.sliding_window_view(samples, _FRAME)[::_HOP].astype(np.float64)
    centred = frames - frames.mean(axis=1, keepdims=True)
    before = np.concatenate([centred[:, :1], centred[:, :-1]], axis=1)
    shaped = (centred - _PRE_EMPHASIS * before) * _window(window)
    power = np.abs(np.fft.rfft(shaped, _FFT)) ** 2
    energies: Energies = np.log(np.maximum(power @ _mel(bands), np.finfo(np.float32).eps)).astype(np.float32)
    return energies


@cache
def _window(kind: str) -> NDArray[np.float64]:
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(_FRAME) / (_FRAME - 1))
    chosen: NDArray[np.float64] = np.hamming(_FRAME) if kind == "hamming" else hann**0.85
    return chosen


@cache
def _mel(bands: int) -> NDArray[np.float64]:
    """`257 x bands` triangles, even in mels on both sides, from 20 Hz to 8 kHz."""
    edges = np.linspace(_to_mel(np.array(_LOW_HZ)), _to_mel(np.array(SAMPLE_RATE / 2)), bands + 2)
    mels = _to_mel(np.arange(_FFT // 2 + 1) * SAMPLE_RATE / _FFT)[:, None]
    width = edges[1] - edges[0]
    triangles: NDArray[np.float64] = np.maximum(0, np.minimum(mels - edges[:-2], edges[2:] - mels) / width)
    triangles[-1] = 0
    return triangles


def _to_mel(hertz: NDArray[np.float64]) -> NDArray[np.float64]:
    return 1127.0 * np.log(1 + hertz / 700.0)
