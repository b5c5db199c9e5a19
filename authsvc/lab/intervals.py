"""How sure is a measured rate? Exact binomial intervals, and resampling of people where trials share a person.

The only file that knows scipy. Whoever reports a rate reports what this file says about it: of the exact and the
resampled bound always the one that is farther out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.special import betaincinv

Interval = tuple[float, float]
Counts = NDArray[np.int64]
Weights = NDArray[np.float64]

LEVEL = 0.95
REPEATS = 1000
_SEED = 19795
"""Resampling is repeatable: the same data give the same interval, today and at whoever checks it."""


def clopper_pearson(errors: int, trials: int, level: float = LEVEL) -> Interval:
    """The exact two-sided interval of a binomial rate (Clopper and Pearson, Biometrika 26, 1934).

    Raises ValueError without trials, or when the errors are not among them.
    """
    _check(errors, trials)
    tail = (1 - level) / 2
    low = 0.0 if errors == 0 else float(betaincinv(errors, trials - errors + 1, tail))
    high = 1.0 if errors == trials else float(betaincinv(errors + 1, trials - errors, 1 - tail))
    return low, high


def upper_bound(errors: int, trials: int, level: float = LEVEL) -> float:
    """The exact one-sided upper bound (UB95): 0 of 59 gives 4.95 %. Raises as `clopper_pearson` does."""
    return clopper_pearson(errors, trials, 2 * level - 1)[1]


@dataclass(frozen=True, slots=True)
class Estimate:
    """A rate with its 95 % interval and one-sided 95 % upper bound, all fractions."""

    errors: int
    trials: int
    interval: Interval
    upper_bound: float

    @property
    def rate(self) -> float:
        return self.errors / self.trials

    def to_json(self, name: str) -> dict[str, object]:
        """The rate under `name`, and what stands behind it, to six significant digits."""
        return {
            name: rounded(self.rate),
            f"{name}_interval": [rounded(end) for end in self.interval],
            f"{name}_upper_bound": rounded(self.upper_bound),
            f"{name}_errors": self.errors,
            f"{name}_trials": self.trials,
        }


def estimate(errors: int, trials: int, resampled: Sequence[float] | Weights = ()) -> Estimate | None:
    """The rate with exact bounds, widened to the percentiles of `resampled` rates; None without trials.

    Not-a-number among the resampled (nobody drawn who was tried) is left out.
    """
    if trials == 0:
        return None
    (low, high), bound = clopper_pearson(errors, trials), upper_bound(errors, trials)
    rates = np.asarray(resampled, dtype=np.float64)
    rates = rates[np.isfinite(rates)]
    if rates.size:
        tail = (1 - LEVEL) / 2
        low = min(low, float(np.quantile(rates, tail)))
        high = max(high, float(np.quantile(rates, 1 - tail)))
        bound = max(bound, float(np.quantile(rates, LEVEL)))
    return Estimate(errors, trials, (low, high), bound)


@lru_cache(maxsize=4)
def resampled_people(people: int, repeats: int = REPEATS) -> Weights:
    """`repeats x people` weights: how often each person is drawn when as many are drawn with replacement. Read only."""
    if not people:
        return np.zeros((0, 0))
    draws = np.random.default_rng(_SEED).multinomial(people, np.full(people, 1 / people), size=repeats)
    weights: Weights = draws.astype(np.float64)
    weights.flags.writeable = False
    return weights


def per_person(errors: Counts, trials: Counts) -> Estimate | None:
    """The rate over all trials, when each belongs to one person; `errors` and `trials` are counts by person.

    The bootstrap draws people with all their trials.
    """
    weights = resampled_people(len(trials))
    return estimate(int(errors.sum()), int(trials.sum()), rates(weights @ errors, weights @ trials))


@dataclass(frozen=True, slots=True, eq=False)
class PairErrors:
    """Errors among comparisons of one person's probes with another's template, by pair of people.

    `probe_of`, `template_of` and `errors` list the pairs that err; `probes` and `templates` count each person's, of whom
    every probe meets every template of the others.
    """

    probe_of: Counts
    template_of: Counts
    errors: Counts
    probes: Counts
    templates: Counts

    @property
    def trials(self) -> int:
        return int(self.probes.sum()) * int(self.templates.sum()) - int(self.probes @ self.templates)

    def among(self, people: NDArray[np.bool_]) -> PairErrors:
        """The same with these people only, who keep their numbers."""
        kept = people[self.probe_of] & people[self.template_of]
        return PairErrors(
            self.probe_of[kept],
            self.template_of[kept],
            self.errors[kept],
            np.where(people, self.probes, 0),
            np.where(people, self.templates, 0),
        )

    def resampled(self, weights: Weights) -> Weights:
        """The rate for each row of weights. A person drawn twice is never an impostor of himself."""
        size = len(self.probes)
        matrix = coo_array((self.errors, (self.probe_of, self.template_of)), shape=(size, size)).tocsr()
        errors = ((weights @ matrix) * weights).sum(axis=1)
        own = (weights * weights) @ (self.probes * self.templates)
        return rates(errors, (weights @ self.probes) * (weights @ self.templates) - own)

    def estimate(self) -> Estimate | None:
        drawn = self.resampled(resampled_people(len(self.probes)))
        return estimate(int(self.errors.sum()), self.trials, drawn)


def rates(errors: Weights, trials: Weights) -> Weights:
    """Errors by trials, and not-a-number where there were no trials."""
    found: Weights = np.full(np.shape(trials), np.nan)
    return np.divide(errors, trials, out=found, where=np.asarray(trials) > 0)


def rounded(value: float) -> float:
    """Six significant digits, for reports."""
    return float(f"{value:.6g}")


def _check(errors: int, trials: int) -> None:
    if trials <= 0 or not 0 <= errors <= trials:
        raise ValueError(f"{errors} errors in {trials} trials")
