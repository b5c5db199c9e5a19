"""Thresholds of a liveness detector from one's own attacks: one for each species, and the strictest of them decides.

A threshold is the least score at which the upper 95 % bound of the species' APCER, not only its estimate, meets the limit.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass

from authsvc.biometric.manifest import AttackSpecies
from authsvc.lab.intervals import Estimate, rounded, upper_bound
from authsvc.lab.iso30107 import Json, Presentation, by_species, by_subject
from authsvc.lab.operating_points import DataSet

_STEP = 1e-4
"""Thresholds are stated to it."""


@dataclass(frozen=True, slots=True)
class Refused:
    """A species without a threshold, and why."""

    species: str
    reason: str


@dataclass(frozen=True, slots=True)
class PadCalibration:
    """A threshold for each species, or a reason; a species without one would let its attacks through unmeasured."""

    species: tuple[AttackSpecies, ...]
    refused: tuple[Refused, ...]

    @property
    def serves(self) -> bool:
        return bool(self.species) and not self.refused

    @property
    def decides(self) -> AttackSpecies | None:
        """The species whose threshold is the strictest: the headline."""
        return max(self.species, key=lambda each: each.threshold, default=None)

    def to_json(self) -> Json:
        decides = self.decides
        return {
            "threshold": None if decides is None else decides.threshold,
            "decided_by": None if decides is None else decides.species,
            "species": [each.model_dump(exclude_none=True) for each in self.species],
            "refused": [asdict(each) for each in self.refused],
        }


def calibrated(presentations: Sequence[Presentation], limit: float, data_set: DataSet) -> PadCalibration:
    """Each species by itself; `limit` is the APCER that its upper bound must meet."""
    bona_fide = [one for one in presentations if one.species is None and one.score is not None]
    found = [
        _species(name, of_one, bona_fide, limit, data_set)
        for name, of_one in by_species(presentations).items()
    ]
    return PadCalibration(
        tuple(one for one in found if isinstance(one, AttackSpecies)),
        tuple(one for one in found if isinstance(one, Refused)),
    )


def presentations_needed(limit: float) -> int:
    """How many attacks, all refused, show an APCER of less than `limit` at 95 %: 59 for 5 %, 42 for 7 %."""
    return math.ceil(math.log(0.05) / math.log(1 - limit))


def _species(
    name: str,
    attacks: Sequence[Presentation],
    bona_fide: Sequence[Presentation],
    limit: float,
    data_set: DataSet,
) -> AttackSpecies | Refused:
    judged = [one for one in attacks if one.score is not None]
    if len(judged) < presentations_needed(limit):
        return Refused(
            name, f"{len(judged)} judged presentations, and {presentations_needed(limit)} are needed"
        )
    for threshold in _candidates(judged, limit):
        apcer = by_subject(judged, [_passes(one, threshold) for one in judged])
        if apcer is not None and apcer.upper_bound <= limit:
            return _point(name, threshold, apcer, judged, bona_fide, limit, data_set)
    return Refused(name, "too many of its attacks score higher than any threshold")


def _candidates(judged: Sequence[Presentation], limit: float) -> Iterator[float]:
    """Thresholds from the mildest that the exact bound admits, each a step above one attack's score."""
    scores = sorted((one.score for one in judged if one.score is not None), reverse=True)
    most = max(passing for passing in range(len(scores)) if upper_bound(passing, len(scores)) <= limit)
    for allowed in range(most, -1, -1):
        threshold = round(math.floor(scores[allowed] / _STEP + 1) * _STEP, 4)
        if threshold <= 1:
            yield threshold


def _point(
    name: str,
    threshold: float,
    apcer: Estimate,
    judged: Sequence[Presentation],
    bona_fide: Sequence[Presentation],
    limit: float,
    data_set: DataSet,
) -> AttackSpecies:
    bpcer = by_subject(bona_fide, [not _passes(one, threshold) for one in bona_fide])
    return AttackSpecies(
        species=name,
        threshold=threshold,
        apcer_limit=limit,
        apcer=rounded(apcer.rate),
        apcer_interval=_ends(apcer),
        apcer_upper_bound=rounded(apcer.upper_bound),
        presentations=len(judged),
        subjects=len({one.subject for one in judged}),
        bpcer=None if bpcer is None else rounded(bpcer.rate),
        bpcer_interval=None if bpcer is None else _ends(bpcer),
        bona_fide=len(bona_fide),
        data_set=data_set.name,
        population=data_set.population,
        date=data_set.date,
    )


def _passes(one: Presentation, threshold: float) -> bool:
    return one.score is not None and one.score >= threshold


def _ends(found: Estimate) -> tuple[float, float]:
    return rounded(found.interval[0]), rounded(found.interval[1])
