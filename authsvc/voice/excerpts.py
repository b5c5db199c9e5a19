"""Is a recording put together of pieces of earlier ones, or is one piece of it there twice?

A fingerprint as a whole finds copies of a whole; digits that were cut out and joined anew, shortened pauses and other tempos
leave it. So windows of 0.3 s, the length of a spoken digit, are looked for at every place of every earlier recording, as they
are and 5 % slower and faster, with the pitch kept or moved along. That finds what was played up to 6 % faster or slower. What
is compared is each band against the others of its moment: how loud a moment is rises and falls alike in all takes of a digit,
and at every join.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Relief = NDArray[np.int8]
Floats = NDArray[np.float32]

EXCERPT = 0.825
"""From here on a recording is put together of earlier ones. docs/voice.md says on whom it was chosen, and what it finds."""

SAME_TAKE = 0.95
"""From here on two places of one recording are one take: another take of the same digit by the same person was at most 0.79,
with pauses of exact zeros and through Opus 0.90."""

WINDOW, HOP, STEP = 30, 7, 2
"""Frames of 10 ms. Windows begin at every seventh of the new recording and at every second of the earlier ones: seven is odd,
so that of any piece half of the windows lie exactly where one of the earlier recording does."""

_THINNED = 3
"""Of a window every third frame is compared: neighbours say nearly the same, and it is a third of the work."""

_BEST = 5
"""One window in five must be found: those over pauses and joins are like nothing in particular."""

_STRETCHES = ((1.0, 0.0), (1.05, 0.5), (0.95, -0.5), (1.05, 0.0), (0.95, 0.0))
"""How much longer, and how many bands higher: 5 % of pitch is half a band in the middle of the range."""


def excerpted(relief: Relief, earlier: Sequence[Relief]) -> float:
    """How alike the best fifth of the recording's windows is to some places of the earlier ones, in [0, 1]."""
    shape = _shape(relief)
    versions = [_windows(_stretched(shape, *by), HOP) for by in _STRETCHES]
    windows = np.concatenate(versions)
    found = np.zeros(len(windows), dtype=np.float32)
    for one in earlier:
        places, lengths = _cut(_shape(one), STEP)
        if len(places) and len(windows):
            np.maximum(found, (windows @ places.T / lengths).max(axis=1), out=found)
    ends = np.cumsum([len(version) for version in versions])
    return max((_best_fifth(own) for own in np.split(found, ends[:-1]) if len(own)), default=0.0)


def repeated(relief: Relief) -> float:
    """How alike the two most alike windows of a recording are that do not overlap: a take that is there twice is near 1."""
    shape = _shape(relief)
    windows, (places, lengths) = _windows(shape, HOP), _cut(shape, STEP)
    starts = HOP * np.arange(len(windows))[:, None] - STEP * np.arange(len(places))[None]
    apart = np.abs(starts) >= WINDOW
    return float(np.clip((windows @ places.T / lengths)[apart].max(initial=0.0), 0, 1))


def _best_fifth(found: Floats) -> float:
    return float(np.clip(np.sort(found)[-max(1, len(found) // _BEST) :].mean(), 0, 1))


def _shape(relief: Relief) -> Floats:
    """Each band against the mean of all in the same frame."""
    values = relief.astype(np.float32)
    against: Floats = values - values.mean(axis=1, keepdims=True)
    return against


def _windows(shape: Floats, hop: int) -> Floats:
    """`n x (10 * 23)` of unit length."""
    rows, lengths = _cut(shape, hop)
    unit: Floats = rows / lengths[:, None]
    return unit


def _cut(shape: Floats, hop: int) -> tuple[Floats, Floats]:
    """Windows as rows of `10 * 23`, and how long each is as a vector."""
    size = shape.shape[1] * WINDOW // _THINNED
    if len(shape) < WINDOW:
        return np.zeros((0, size), dtype=np.float32), np.zeros(0, dtype=np.float32)
    cut = np.lib.stride_tricks.sliding_window_view(shape, WINDOW, axis=0)
    rows = cut[::hop, :, ::_THINNED].swapaxes(1, 2).reshape(-1, size)
    energies = np.lib.stride_tricks.sliding_window_view((shape**2).sum(axis=1), WINDOW)
    lengths = np.sqrt(energies[::hop, ::_THINNED].sum(axis=1))
    return rows, np.maximum(lengths, 1e-6)


def _stretched(shape: Floats, by: float, bands: float) -> Floats:
    """Longer by a factor, and what was sung higher by so many bands moved back."""
    values = shape if by == 1 else _between(shape, np.arange(int(len(shape) * by)) / by)
    return values if not bands else _between(values.T, np.arange(values.shape[1]) + bands).T


def _between(values: Floats, at: NDArray[np.floating[Any]]) -> Floats:
    """Rows at places between rows."""
    places = np.clip(at, 0, len(values) - 1)
    below = np.minimum(places.astype(np.int64), max(len(values) - 2, 0))
    above = np.minimum(below + 1, len(values) - 1)
    share = (places - below).astype(np.float32)[:, None]
    mixed: Floats = values[below] * (1 - share) + values[above] * share
    return mixed
