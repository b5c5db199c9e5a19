"""DET curves out of comparisons: for a picture, and as what a calibration keeps beside its manifest."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np

from authsvc.biometric.det import DetCurve, DetPoint
from authsvc.lab.intervals import Counts, Estimate, rounded
from authsvc.lab.iso19795 import Curve, curve, errors_at
from authsvc.lab.operating_points import DataSet
from authsvc.lab.trials import Trials

_MOST = 0.5
_DRAWN, _KEPT = 600, 40
"""A line of thousands of points looks no better; of those that are kept each has intervals, which take their time."""


def corners(found: Curve) -> Iterator[tuple[float, float]]:
    """FMR and FNMR where the curve changes, for a picture."""
    for step in _changes(found, _DRAWN):
        yield float(found.fmr[step]), float(found.fnmr[step])


def det_curve(trials: Trials, data_set: DataSet, thresholds: Iterable[float]) -> DetCurve | None:
    """The curve of a calibration with intervals, by way of all these thresholds.

    None without comparisons of both kinds, or of one person alone.
    """
    found, people = curve(trials), len(set(trials.genuine_people.tolist()))
    if found is None or people < 2:
        return None
    steps = {found.threshold(int(step)) for step in _changes(found, _KEPT)}
    points = [_point(trials, threshold) for threshold in sorted({*steps, *thresholds})]
    if len(points) < 2:
        return None
    return DetCurve(
        samples=trials.samples,
        frames=trials.frames,
        data_set=data_set.name,
        population=data_set.population,
        date=data_set.date,
        people=people,
        genuine_pairs=found.genuine_pairs,
        impostor_pairs=found.impostor_pairs,
        points=tuple(points),
    )


def _point(trials: Trials, threshold: float) -> DetPoint:
    errors = errors_at(trials, threshold)
    fmr, fnmr = errors.fmr(), errors.fnmr()
    # Where there is a curve there are comparisons of both kinds.
    assert fmr is not None and fnmr is not None  # noqa: S101, PT018
    return DetPoint(threshold, fmr.errors, *_ends(fmr), fnmr.errors, *_ends(fnmr))


def _ends(found: Estimate) -> tuple[float, float]:
    return rounded(found.interval[0]), rounded(found.interval[1])


def _changes(found: Curve, most: int) -> Counts:
    """The steps within the picture at which either rate changes, `most` of them at most."""
    changes = np.abs(np.diff(found.fmr, prepend=2)) + np.abs(np.diff(found.fnmr, prepend=2))
    steps = np.flatnonzero((changes != 0) & (found.fmr <= _MOST) & (found.fnmr <= _MOST))
    return steps[np.unique(np.linspace(0, len(steps) - 1, most).astype(int))] if len(steps) else steps
