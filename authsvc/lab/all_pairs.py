"""Every probe against every template: how the scores lie, and which of them reach a threshold.

A hundred thousand of each are ten thousand million scores. They are looked at in tiles that a processor's cache holds, in
single precision and in memory that is used again, so that the product itself is a good part of what it costs.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from authsvc.biometric.vectors import Vectors
from authsvc.lab.intervals import Counts

Scores = NDArray[np.float64]

STEPS = 100_000
RESOLUTION = 1 / STEPS
"""Scores are counted in steps of this size; thresholds are stated to it."""

BINS = 2 * STEPS + 1
_SIDE = 1000
"""Probes and templates of one tile."""

_AT_ONCE = 1 << 14
"""Scores that are turned into steps together: an eighth of a megabyte in double precision."""


@dataclass(frozen=True, slots=True, eq=False)
class Side:
    """Unit rows, `n x d` float32, and the number of the person of each."""

    vectors: Vectors
    people: Counts


def bin_of(scores: Scores) -> Counts:
    """The step of RESOLUTION in which each score lies. Half a thousandth of a step forgives the rounding of decimals."""
    return np.floor(scores * STEPS + (STEPS + 5e-4)).astype(np.int64)


def histogram_of_strangers(probes: Side, templates: Side) -> Counts:
    """How many scores of different people lie in each step, from -1 up."""
    counts, steps = np.zeros(BINS, dtype=np.int64), np.empty(_SIDE * _SIDE, dtype=np.int64)
    for tile in _tiles(probes, templates):
        counts += np.bincount(_steps(tile.scores.ravel(), steps), minlength=BINS)
        own = tile.own()
        if own is not None:
            counts -= np.bincount(bin_of(tile.scores[own].astype(np.float64)), minlength=BINS)
    return counts


def strangers_reaching(threshold: float, probes: Side, templates: Side) -> tuple[Counts, Counts, Scores]:
    """Person of the probe, person of the template and score, of different people at `threshold` and above."""
    least = _single(threshold)
    found = [(np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64), np.zeros(0))]
    for tile in _tiles(probes, templates):
        rows, columns = np.divmod(np.flatnonzero(tile.scores.ravel() >= least), tile.scores.shape[1])
        probe_of, template_of = tile.probe_of[rows], tile.template_of[columns]
        kept = probe_of != template_of
        scores = tile.scores[rows[kept], columns[kept]].astype(np.float64)
        found.append((probe_of[kept], template_of[kept], scores))
    whose, against, scored = zip(*found, strict=True)
    return np.concatenate(whose), np.concatenate(against), np.concatenate(scored)


@dataclass(frozen=True, slots=True, eq=False)
class _Tile:
    """Scores in single precision, `len(probe_of) x len(template_of)`; the next tile takes their memory."""

    probe_of: Counts
    template_of: Counts
    scores: Vectors

    def own(self) -> NDArray[np.bool_] | None:
        """Which are of one person with itself. Rows lie by person, so that most tiles have none, which is seen at a glance."""
        if self.probe_of.min() > self.template_of.max() or self.probe_of.max() < self.template_of.min():
            return None
        return np.equal.outer(self.probe_of, self.template_of)


def _tiles(probes: Side, templates: Side) -> Iterator[_Tile]:
    memory = np.empty(_SIDE * _SIDE, dtype=np.float32)
    for row in range(0, len(probes.people), _SIDE):
        some, of_some = probes.vectors[row : row + _SIDE], probes.people[row : row + _SIDE]
        for column in range(0, len(templates.people), _SIDE):
            others = templates.vectors[column : column + _SIDE]
            scores = memory[: len(some) * len(others)].reshape(len(some), len(others))
            np.matmul(some, others.T, out=scores)
            if scores.size and (scores.max() > 1 or scores.min() < -1):
                np.clip(
                    scores, -1, 1, out=scores
                )  # Seldom: of unit vectors only what rounding lifts above 1.
            yield _Tile(of_some, templates.people[column : column + _SIDE], scores)


def _steps(scores: Vectors, memory: Counts) -> Counts:
    """`bin_of` of scores in single precision, in memory that is there already."""
    doubles = np.empty(min(_AT_ONCE, len(scores)))
    for start in range(0, len(scores), _AT_ONCE):
        some = scores[start : start + _AT_ONCE]
        wide = doubles[: len(some)]
        np.multiply(some, STEPS, out=wide, dtype=np.float64)
        wide += STEPS + 5e-4
        # None is negative, so cutting the fraction off is rounding down.
        np.copyto(memory[start : start + len(some)], wide, casting="unsafe")
    return memory[: len(scores)]


def _single(threshold: float) -> np.float32:
    """The least single-precision number that reaches the threshold, so that single scores compare as double ones would."""
    near = np.float32(threshold)
    return near if float(near) >= threshold else np.nextafter(near, np.float32(np.inf))
