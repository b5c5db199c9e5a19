"""Do scores still look as they did when the thresholds were set? Histograms by model, and an alarm when they part.

Pure and without arrays, so that the web process may count what it settles. What is counted are scores alone: no picture, no
template, no name.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from authsvc.errors import InvalidRequest

STEPS = 1000
"""Steps of 0.002 from -1 to 1: genuine scores of some engines lie within a few hundredths."""

CLASSES = 10
WATCH, ALARM = 0.1, 0.25
"""Population stability index: below the first no change, from the second on a large one (Siddiqi, Credit Risk Scorecards)."""

LEAST_SCORES = 500
"""With fewer the index is mostly chance: its expectation without any drift is about 9 * (1/n + 1/m)."""


@dataclass(frozen=True, slots=True)
class ScoreHistogram:
    """How many scores lie in each of STEPS steps over [-1, 1]."""

    counts: tuple[int, ...]

    @classmethod
    def of(cls, scores: Iterable[float]) -> ScoreHistogram:
        counts = [0] * STEPS
        for score in scores:
            counts[step_of(score)] += 1
        return cls(tuple(counts))

    @property
    def total(self) -> int:
        return sum(self.counts)

    def plus(self, other: ScoreHistogram) -> ScoreHistogram:
        """Both together, as of two web processes or two days."""
        return ScoreHistogram(tuple(map(int.__add__, self.counts, other.counts)))

    def to_json(self) -> dict[str, int]:
        """Steps that hold anything, by their number."""
        return {str(step): count for step, count in enumerate(self.counts) if count}

    @classmethod
    def from_json(cls, fields: Mapping[str, Any]) -> ScoreHistogram:  # Any: decoded JSON
        """What `to_json` wrote; raises InvalidRequest for anything else."""
        counts = [0] * STEPS
        for step, count in fields.items():
            if not (step.isdecimal() and int(step) < STEPS and type(count) is int and count >= 0):
                raise InvalidRequest(f"`{step}` is not a step of a score histogram with its count")
            counts[int(step)] = count
        return cls(tuple(counts))


class DriftVerdict(StrEnum):
    STABLE = "stable"
    WATCH = "watch"
    ALARM = "alarm"
    TOO_FEW = "too_few"
    UNCALIBRATED = "uncalibrated"


@dataclass(frozen=True, slots=True)
class Drift:
    """`index` is the population stability index, 0 for equal shapes; None where there are too few scores to tell, or no
    calibration to compare them with."""

    verdict: DriftVerdict
    index: float | None
    scores: int


def step_of(score: float) -> int:
    """The step that a score in [-1, 1] lies in; raises ValueError for anything else."""
    if not -1 <= score <= 1:
        raise ValueError(f"{score} is not a score in [-1, 1]")
    return min(int((score + 1) / 2 * STEPS), STEPS - 1)


def drift(expected: ScoreHistogram, current: ScoreHistogram) -> Drift:
    """How far the current scores have moved from the expected ones."""
    if min(expected.total, current.total) < LEAST_SCORES:
        return Drift(DriftVerdict.TOO_FEW, None, current.total)
    index = population_stability(expected, current)
    verdict = (
        DriftVerdict.ALARM
        if index >= ALARM
        else DriftVerdict.WATCH
        if index >= WATCH
        else DriftVerdict.STABLE
    )
    return Drift(verdict, index, current.total)


def population_stability(expected: ScoreHistogram, current: ScoreHistogram) -> float:
    """Sum of (q - p) ln(q / p) over classes that each hold about a tenth of the expected scores.

    Half a score is added to every class, so that an empty one is rare and not infinitely so.
    """
    ends = _class_ends(expected)
    p, q = _shares(expected, ends), _shares(current, ends)
    return sum((there - here) * math.log(there / here) for here, there in zip(p, q, strict=True))


def report(expected: Mapping[str, ScoreHistogram], seen: Mapping[str, ScoreHistogram]) -> Mapping[str, Drift]:
    """The drift of each model that scored anything or has a calibration to compare with, by model digest.

    `expected` holds the genuine scores of each calibration: a person's own scores are nearly all there is in service.
    """
    nothing = ScoreHistogram.of(())
    return {
        model: drift(expected[model], seen.get(model, nothing))
        if model in expected
        else Drift(DriftVerdict.UNCALIBRATED, None, seen[model].total)
        for model in sorted({*expected, *seen})
    }


def read_expected(file: Path) -> dict[str, ScoreHistogram]:
    """The scores that `authsvc lab calibrate face` wrote, by model digest; raises InvalidRequest."""
    try:
        fields = json.loads(file.read_text(encoding="utf-8"))
        return {str(fields["model"]): ScoreHistogram.from_json(dict(fields["genuine"]))}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise InvalidRequest(f"`{file.name}` holds no scores of a calibration") from error


def expected_beside(manifests: Path) -> dict[str, ScoreHistogram]:
    """The scores of every calibration that lies beside the manifests, as `<model>.scores.json`; raises InvalidRequest."""
    found: dict[str, ScoreHistogram] = {}
    for file in sorted(manifests.glob("*.scores.json")):
        found |= read_expected(file)
    return found


def _class_ends(expected: ScoreHistogram) -> list[int]:
    """The steps at which classes end, each with a tenth of the scores or more."""
    ends, held = [], 0
    for step, count in enumerate(expected.counts):
        held += count
        if held * CLASSES >= expected.total:
            ends.append(step)
            held = 0
    return [*ends[:-1], STEPS - 1] if ends else [STEPS - 1]


def _shares(scores: ScoreHistogram, ends: list[int]) -> list[float]:
    starts = [0, *(end + 1 for end in ends[:-1])]
    counts = [sum(scores.counts[start : end + 1]) + 0.5 for start, end in zip(starts, ends, strict=True)]
    return [count / sum(counts) for count in counts]
