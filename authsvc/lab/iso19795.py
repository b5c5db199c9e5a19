"""Error rates of comparisons in the words of ISO/IEC 19795-1: FMR and FNMR at a threshold, DET curve, EER, by group.

A score is a similarity and matches at the threshold and above. Rates are fractions; every one carries its interval.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from authsvc.lab.all_pairs import RESOLUTION, Scores, bin_of
from authsvc.lab.intervals import (
    LEVEL,
    Counts,
    Estimate,
    Interval,
    PairErrors,
    Weights,
    per_person,
    rates,
    resampled_people,
)

WORST_RATIO = 1.25
"""A group's rate may be so many times the rate of all, for one threshold that serves everybody."""


@dataclass(frozen=True, slots=True, eq=False)
class Errors:
    """What goes wrong at one threshold: false matches by pair of people, false non-matches by person."""

    threshold: float
    false_matches: PairErrors
    false_non_matches: Counts
    genuine: Counts

    def fmr(self) -> Estimate | None:
        return self.false_matches.estimate()

    def fnmr(self) -> Estimate | None:
        return per_person(self.false_non_matches, self.genuine)

    def among(self, people: NDArray[np.bool_]) -> Errors:
        """The same among these people only."""
        return replace(
            self,
            false_matches=self.false_matches.among(people),
            false_non_matches=np.where(people, self.false_non_matches, 0),
            genuine=np.where(people, self.genuine, 0),
        )


class Comparisons(Protocol):
    """All comparisons of one kind: the genuine scores, whose they are, and what the impostors reach."""

    @property
    def people(self) -> int: ...

    @property
    def genuine(self) -> Scores: ...

    @property
    def genuine_people(self) -> Counts: ...

    def histogram(self) -> Counts:
        """How many impostor scores lie in each step of RESOLUTION, from -1 up."""

    def impostors(self, threshold: float) -> PairErrors:
        """The impostor comparisons that reach the threshold, by pair of people."""


def errors_at(trials: Comparisons, threshold: float) -> Errors:
    genuine = np.bincount(trials.genuine_people, minlength=trials.people)
    failed = trials.genuine_people[trials.genuine < threshold]
    return Errors(
        threshold, trials.impostors(threshold), np.bincount(failed, minlength=trials.people), genuine
    )


@dataclass(frozen=True, slots=True, eq=False)
class Curve:
    """FMR and FNMR at every threshold from -1 up, in steps of RESOLUTION; both arrays fall and rise respectively."""

    fmr: Weights
    fnmr: Weights
    impostor_pairs: int
    genuine_pairs: int

    def threshold(self, step: int) -> float:
        return round(step * RESOLUTION - 1, 5)


def curve(trials: Comparisons) -> Curve | None:
    """The DET curve; None where there is not at least one comparison of either kind."""
    impostors = trials.histogram()
    genuine = np.bincount(bin_of(trials.genuine), minlength=len(impostors))
    if not impostors.sum() or not genuine.sum():
        return None
    matching = impostors[::-1].cumsum()[::-1]
    failing = genuine.cumsum() - genuine
    return Curve(
        matching / impostors.sum(), failing / genuine.sum(), int(impostors.sum()), int(genuine.sum())
    )


@dataclass(frozen=True, slots=True)
class EqualErrorRate:
    """Where both rates cross, half-way between them, and the intervals of both at that threshold."""

    rate: float
    threshold: float
    interval: Interval


def equal_error_rate(trials: Comparisons, found: Curve) -> EqualErrorRate:
    """The interval reaches from the lower end of the lower of both rates to the upper end of the higher one."""
    step = int(np.argmin(np.abs(found.fmr - found.fnmr)))
    errors = errors_at(trials, found.threshold(step))
    ends = [one.interval for one in (errors.fmr(), errors.fnmr()) if one is not None]
    return EqualErrorRate(
        float(found.fmr[step] + found.fnmr[step]) / 2,
        errors.threshold,
        (min(low for low, _ in ends), max(high for _, high in ends)),
    )


@dataclass(frozen=True, slots=True)
class GroupRatio:
    """A group's rate as a multiple of everybody's; `verdict` is `within`, `beyond`, or `not shown` where neither is sure."""

    ratio: float | None
    interval: Interval | None
    verdict: str


def ratio_of(of_group: Weights, of_all: Weights, group: Estimate | None, every: Estimate) -> GroupRatio:
    """`of_group` and `of_all` are the rates in the same resamplings of people."""
    if group is None or every.errors == 0:
        return GroupRatio(None, None, "not shown")
    ratios = rates(of_group, of_all)
    ratios = ratios[np.isfinite(ratios)]
    if group.errors == 0 or not ratios.size:
        # Resampling no errors gives no errors, however few people there were: only the exact bound can tell.
        interval = (0.0, group.upper_bound / every.rate)
    else:
        tail = (1 - LEVEL) / 2
        interval = float(np.quantile(ratios, tail)), float(np.quantile(ratios, 1 - tail))
    return GroupRatio(group.rate / every.rate, interval, _verdict(interval))


def fmr_ratio(errors: Errors, group: NDArray[np.bool_]) -> GroupRatio:
    """The group's FMR, comparisons within the group alone, by the FMR of all."""
    every = errors.false_matches.estimate()
    if every is None:
        return GroupRatio(None, None, "not shown")
    weights, within = resampled_people(len(group)), errors.false_matches.among(group)
    return ratio_of(
        within.resampled(weights), errors.false_matches.resampled(weights), within.estimate(), every
    )


def fnmr_ratio(errors: Errors, group: NDArray[np.bool_]) -> GroupRatio:
    """The group's FNMR by the FNMR of all."""
    every, within = errors.fnmr(), errors.among(group)
    if every is None:
        return GroupRatio(None, None, "not shown")
    weights = resampled_people(len(group))
    of_group = rates(weights @ within.false_non_matches, weights @ within.genuine)
    of_all = rates(weights @ errors.false_non_matches, weights @ errors.genuine)
    return ratio_of(of_group, of_all, within.fnmr(), every)


def _verdict(interval: Interval) -> str:
    low, high = interval
    if high <= WORST_RATIO:
        return "within"
    return "beyond" if low > WORST_RATIO else "not shown"
