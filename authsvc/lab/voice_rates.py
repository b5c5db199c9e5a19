"""Error rates of voice comparisons: EER, FMR and FNMR with intervals that know that scores of one speaker are not independent.

Scores are cosine similarities, higher is more alike; rates are fractions; intervals are 95 %, by bootstrap over speakers.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Scores = NDArray[np.float64]
Labels = NDArray[np.int64]
Interval = tuple[float, float]

_ROUNDS = 300
_SEED = 20261122


@dataclass(frozen=True, slots=True, eq=False)
class ScoreSet:
    """Every comparison: its score, whose template (`owners`) and whose probe (`speakers`), as numbers of people."""

    scores: Scores
    owners: Labels
    speakers: Labels

    @property
    def genuine(self) -> Scores:
        chosen: Scores = self.scores[self.owners == self.speakers]
        return chosen

    @property
    def impostor(self) -> Scores:
        chosen: Scores = self.scores[self.owners != self.speakers]
        return chosen


@dataclass(frozen=True, slots=True)
class Rate:
    """`worst` is that of the single speaker who fares worst."""

    value: float
    interval: Interval
    worst: float


def equal_error_rate(scores: ScoreSet) -> tuple[float, Interval]:
    """Where as many owners are refused as strangers are let in."""
    drawn = [_eer(scores, weights) for weights in _draws(scores)]
    people = 1 + int(max(scores.owners.max(), scores.speakers.max()))
    return _eer(scores, np.ones(people)), _interval(drawn)


def false_match_rate(scores: ScoreSet, threshold: float) -> Rate:
    return _rate(scores, scores.owners != scores.speakers, scores.scores >= threshold)


def false_non_match_rate(scores: ScoreSet, threshold: float) -> Rate:
    return _rate(scores, scores.owners == scores.speakers, scores.scores < threshold)


def _rate(scores: ScoreSet, kind: NDArray[np.bool_], wrong: NDArray[np.bool_]) -> Rate:
    owners, wrong = scores.owners[kind], wrong[kind].astype(np.float64)
    value = float(wrong.mean()) if wrong.size else 0.0
    drawn = []
    for weights in _draws(scores):
        weight = weights[owners] * np.where(
            owners == scores.speakers[kind], 1, weights[scores.speakers[kind]]
        )
        if weight.sum() > 0:
            drawn.append(float((wrong * weight).sum() / weight.sum()))
    by_owner = [float(wrong[owners == owner].mean()) for owner in np.unique(owners)]
    return Rate(value, _interval(drawn), max(by_owner, default=0.0))


def _draws(scores: ScoreSet) -> list[Scores]:
    """How often each person is drawn, with replacement, in each round."""
    people = 1 + int(max(scores.owners.max(), scores.speakers.max()))
    chance = np.random.default_rng(_SEED)
    return [
        np.bincount(chance.integers(people, size=people), minlength=people).astype(np.float64)
        for _ in range(_ROUNDS)
    ]


def _eer(scores: ScoreSet, weights: Scores) -> float:
    same = scores.owners == scores.speakers
    weight = weights[scores.owners] * np.where(same, 1, weights[scores.speakers])
    order = np.argsort(scores.scores)
    genuine, impostor = weight[order] * same[order], weight[order] * ~same[order]
    if genuine.sum() == 0 or impostor.sum() == 0:
        return 0.0
    # With the threshold above the n lowest scores: owners refused, strangers let in.
    refused = np.concatenate([[0.0], np.cumsum(genuine)]) / genuine.sum()
    accepted = 1 - np.concatenate([[0.0], np.cumsum(impostor)]) / impostor.sum()
    at = int(np.argmin(np.abs(refused - accepted)))
    return float((refused[at] + accepted[at]) / 2)


def _interval(drawn: list[float]) -> Interval:
    low, high = np.quantile(drawn, [0.025, 0.975]) if drawn else (0.0, 1.0)
    return float(low), float(high)
