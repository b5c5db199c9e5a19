"""How a thief makes a new recording out of old ones: played faster, at another tempo, with other pauses, or cut and joined."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from authsvc.voice.audio import resampled
from authsvc.voice.engine import SAMPLE_RATE, Samples

_GRAIN, _SEARCH = 480, 160
_FADE = 128
_PAUSES_S = (0.06, 0.22)
_ROOM_NOISE = 3e-4


def at_speed(samples: Samples, factor: float) -> Samples:
    """Played so much faster, and as much higher."""
    return resampled(samples, round(SAMPLE_RATE * factor), SAMPLE_RATE)


def at_tempo(samples: Samples, factor: float) -> Samples:
    """So much faster and as high as before: grains of 30 ms laid where they fit best (WSOLA, Verhelst and Roelands 1993)."""
    window = np.hanning(2 * _GRAIN).astype(np.float32)
    padded = np.pad(samples, 2 * _GRAIN + _SEARCH)
    count = int(samples.size / factor) // _GRAIN
    sound = np.zeros((count + 2) * _GRAIN, dtype=np.float32)
    natural = _SEARCH
    for number in range(count):
        start = _best_fit(padded, natural, _SEARCH + int(number * _GRAIN * factor))
        sound[number * _GRAIN : (number + 2) * _GRAIN] += window * padded[start : start + 2 * _GRAIN]
        natural = start + _GRAIN
    return sound[: count * _GRAIN]


def _best_fit(padded: Samples, natural: int, wanted: int) -> int:
    """Where, within 10 ms of `wanted`, the sound goes on most like it would at `natural`."""
    expected = padded[natural : natural + 2 * _GRAIN]
    if expected.size < 2 * _GRAIN:
        return wanted
    around = padded[wanted - _SEARCH : wanted + _SEARCH + 2 * _GRAIN]
    return wanted - _SEARCH + int(np.correlate(around, expected, mode="valid").argmax())


def with_shorter_pauses(samples: Samples, factor: float = 0.5) -> Samples:
    """What is quieter than 3 % of the loudest for more than 60 ms is cut to a part of its length."""
    loud = np.convolve(np.abs(samples) > 0.03 * np.abs(samples).max(), np.ones(960), mode="same") > 0
    edges = np.flatnonzero(np.diff(loud)) + 1
    pieces = np.split(samples, edges)
    flags = loud[np.concatenate([[0], edges])]
    kept = [
        piece if is_loud else piece[: int(piece.size * factor)]
        for piece, is_loud in zip(pieces, flags, strict=True)
    ]
    return np.concatenate(kept)


def spliced(pieces: Sequence[Samples], chance: np.random.Generator) -> Samples:
    """Digits cut out and joined with fades of 8 ms and pauses of 60 to 220 ms, under a little noise of one's own."""
    sound = [_silence(0.25)]
    for piece in pieces:
        sound += [_faded(piece), _silence(chance.uniform(*_PAUSES_S))]
    joined = np.concatenate([*sound, _silence(0.25)])
    return (joined + _ROOM_NOISE * chance.standard_normal(joined.size)).astype(np.float32)


def _faded(piece: Samples) -> Samples:
    ramp: NDArray[np.float32] = np.minimum(1, np.arange(piece.size, dtype=np.float32) / _FADE)
    return piece * ramp * ramp[::-1]


def _silence(seconds: float) -> Samples:
    return np.zeros(int(seconds * SAMPLE_RATE), dtype=np.float32)
