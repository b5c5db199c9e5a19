"""From comparisons to thresholds: the operating points of a manifest, and the refusal of those that too few people support.

A threshold is the least score at which the upper 95 % bound of the FMR, not only its estimate, meets the target.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from authsvc.biometric.manifest import OperatingPoint, pairs_needed, rate_of
from authsvc.lab.all_pairs import RESOLUTION, Scores
from authsvc.lab.intervals import Counts, Estimate, rounded
from authsvc.lab.iso19795 import errors_at
from authsvc.lab.trials import Trials

Members = Mapping[str, NDArray[np.bool_]]
"""Of each group, by name, who is in it."""

NO_GROUPS: Members = MappingProxyType({})
TARGETS = ("1 in 1000", "1 in 10000", "1 in 100000")


@dataclass(frozen=True, slots=True)
class Refusal:
    """A target without a threshold, and why."""

    target_fmr: str
    samples: int
    frames: int
    reason: str


@dataclass(frozen=True, slots=True)
class DataSet:
    """What an operating point was measured on: a name, a sentence on the people, a date (YYYY-MM-DD)."""

    name: str
    population: str
    date: str


def operating_point(
    trials: Trials, target_fmr: str, data_set: DataSet, groups: Members = NO_GROUPS
) -> OperatingPoint | Refusal:
    """The point for one target, measured on the people whose comparisons these are, or why there is none.

    With `groups` each of them meets the target among its own people too: one threshold for everybody, set by the worst.
    """
    needed = pairs_needed(target_fmr)
    if trials.impostor_pairs < needed:
        return _refused(
            trials, target_fmr, f"{trials.impostor_pairs} impostor pairs, and {needed} are needed"
        )
    if not len(trials.genuine):
        least = trials.samples + trials.frames
        return _refused(trials, target_fmr, f"nobody has the {least} good samples that a genuine pair takes")
    small = _too_small(trials, groups, needed)
    if small is not None:
        return _refused(trials, target_fmr, small)
    thresholds = {
        name: threshold_for(some, rate_of(target_fmr))
        for name, some in {
            "": trials,
            **{name: trials.among(group) for name, group in groups.items()},
        }.items()
    }
    found = {name: threshold for name, threshold in thresholds.items() if threshold is not None}
    if len(found) < len(thresholds):
        return _refused(
            trials, target_fmr, "impostors with the highest score there is: is somebody in it twice?"
        )
    worst = max(found, key=lambda name: found[name])
    threshold = found[worst]
    errors = errors_at(trials, threshold)
    fmr, fnmr = errors.fmr(), errors.fnmr()
    if fmr is None or fnmr is None:
        return _refused(trials, target_fmr, "no comparisons")
    return OperatingPoint(
        target_fmr=target_fmr,
        threshold=threshold,
        samples=trials.samples,
        frames=trials.frames,
        fmr=rounded(fmr.rate),
        fmr_interval=_ends(fmr),
        fnmr=rounded(fnmr.rate),
        fnmr_interval=_ends(fnmr),
        people=int((errors.genuine > 0).sum()),
        genuine_pairs=fnmr.trials,
        impostor_pairs=fmr.trials,
        data_set=data_set.name,
        population=data_set.population,
        date=data_set.date,
        note="set on the people it was measured on; the upper bound of the FMR meets the target"
        + (
            f", in `{worst}` too, whose threshold it is"
            if worst
            else ", in every group too"
            if groups
            else ""
        ),
        retry_from=None,
    )


def _too_small(trials: Trials, groups: Members, needed: int) -> str | None:
    """The first group in which the target cannot be shown, and why."""
    for name, group in groups.items():
        pairs = trials.among(group).impostor_pairs
        if pairs < needed:
            return f"{pairs} impostor pairs within `{name}`, and {needed} are needed"
    return None


def threshold_for(trials: Trials, fmr: float) -> float | None:
    """The least threshold, to five decimals, whose upper bound is at most `fmr`; None when even the last score exceeds it."""
    counts = trials.histogram()
    matching = counts[::-1].cumsum()[::-1]
    # Below this step already the estimate is too high; its bound is higher still.
    first = int(np.argmax(matching <= fmr * counts.sum()))
    tail = trials.impostor_tail(_score(first))
    low, high = first, len(counts) - 1
    if _bound(trials, tail, _score(high)) > fmr:
        return None
    while low < high:
        middle = (low + high) // 2
        if _bound(trials, tail, _score(middle)) <= fmr:
            high = middle
        else:
            low = middle + 1
    return _score(high)


@dataclass(frozen=True, slots=True)
class CrossCheck:
    """A threshold set on one half of the people and tried on the other."""

    threshold: float
    fmr: Estimate | None
    fnmr: Estimate | None


def cross_checked(trials: Trials, target_fmr: str) -> tuple[CrossCheck, ...]:
    """Both ways round: what a threshold does to people that it was not set on. Halves are every other person."""
    even = np.arange(trials.people) % 2 == 0
    checks = []
    for chosen in (even, ~even):
        threshold = threshold_for(trials.among(chosen), rate_of(target_fmr))
        if threshold is not None:
            errors = errors_at(trials.among(~chosen), threshold)
            checks.append(CrossCheck(threshold, errors.fmr(), errors.fnmr()))
    return tuple(checks)


def _bound(trials: Trials, tail: tuple[Counts, Counts, Scores], threshold: float) -> float:
    probe_of, template_of, scores = tail
    kept = scores >= threshold
    pairs = trials.pair_errors(probe_of[kept], template_of[kept], np.ones(int(kept.sum()), dtype=np.int64))
    found = pairs.estimate()
    return 1.0 if found is None else found.upper_bound


def _score(step: int) -> float:
    return round(step * RESOLUTION - 1, 5)


def _ends(found: Estimate) -> tuple[float, float]:
    return rounded(found.interval[0]), rounded(found.interval[1])


def _refused(trials: Trials, target_fmr: str, reason: str) -> Refusal:
    return Refusal(target_fmr, trials.samples, trials.frames, reason)
