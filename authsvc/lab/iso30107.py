"""Presentation attack detection in the words of ISO/IEC 30107-3: APCER of each species, BPCER, non-responses, IAPAR.

Species are never pooled: an attacker brings the one that works, so the worst is the headline. A score is higher
the more alive, and passes at the threshold and above. What could not be judged is a non-response and counted apart.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from authsvc.lab.intervals import Counts, Estimate, per_person, rounded

Json = dict[str, Any]  # Any: a report

APCER_LIMITS = (0.05, 0.01)
"""BPCER is reported at thresholds that let through so many attacks of the worst species."""

MOST_POINTS = 100

IAPAR_LIMIT = 0.07
"""What the upper bound of every species must stay below (SP 800-63B-4, FIDO)."""


@dataclass(frozen=True, slots=True)
class Presentation:
    """One presentation to the sensor. `species` is None for a bona fide one, `score` None for a non-response.

    `refused_by_quality` says whether the service would have asked for another capture before judging it; `matched` whether
    the matcher would have taken it for the enrolled person, None where that was not tried.
    """

    subject: str
    species: str | None
    score: float | None
    refused_by_quality: bool = False
    matched: bool | None = None


def report(presentations: Sequence[Presentation], threshold: float) -> Json:
    """Every rate with its interval; rates that nothing was tried for are None."""
    bona_fide = [one for one in presentations if one.species is None]
    attacks = by_species(presentations)
    rows = {species: _species(of_one, threshold) for species, of_one in attacks.items()}
    tried = {species: row for species, row in rows.items() if row["apcer"] is not None}
    # Where estimates are equal, the species that is less well known is the worse one.
    worst = max(
        tried,
        key=lambda species: (tried[species]["apcer"], tried[species]["apcer_upper_bound"]),
        default=None,
    )
    return {
        "threshold": threshold,
        "n_presentations": len(presentations),
        "worst_species": worst,
        "worst_apcer": None if worst is None else rows[worst]["apcer"],
        "worst_apcer_upper_bound": None if worst is None else rows[worst]["apcer_upper_bound"],
        "species": rows,
        "bona_fide": _bona_fide(bona_fide, threshold),
        "bpcer_at_apcer": [_at_limit(bona_fide, attacks, limit) for limit in APCER_LIMITS],
        "det": _det(bona_fide, attacks),
    }


def threshold_at(attacks: Mapping[str, Sequence[Presentation]], limit: float) -> float | str:
    """The least threshold at which no species' APCER exceeds `limit`; a sentence where too few attacks could show it."""
    least = round(1 / limit)
    thresholds = [0.0]
    for species, of_one in attacks.items():
        scores = sorted((one.score for one in of_one if one.score is not None), reverse=True)
        if len(scores) < least:
            return f"{len(scores)} judged presentations of `{species}`, and {least} are needed"
        # So many may pass; the threshold lies just above the next one.
        allowed = int(limit * len(scores) + 1e-9)
        thresholds.append(float(np.nextafter(scores[allowed], np.inf)))
    return max(thresholds) if attacks else "no attacks"


def _species(presentations: Sequence[Presentation], threshold: float) -> Json:
    judged = [one for one in presentations if one.score is not None]
    tried = [one for one in presentations if one.matched is not None]
    row = {
        **_counts(presentations),
        **_refusals(presentations),
        **_figures("apcer", judged, [_passes(one, threshold) for one in judged]),
        **_figures("iapar", tried, [_is_accepted(one, threshold) for one in tried]),
    }
    bound = row.get("iapar_upper_bound")
    row["iapar_below_7_percent"] = None if bound is None else bound < IAPAR_LIMIT
    return row


def _bona_fide(presentations: Sequence[Presentation], threshold: float) -> Json:
    judged = [one for one in presentations if one.score is not None]
    return {
        **_counts(presentations),
        **_refusals(presentations),
        **_figures("bpcer", judged, [not _passes(one, threshold) for one in judged]),
    }


def _at_limit(
    bona_fide: Sequence[Presentation], attacks: Mapping[str, Sequence[Presentation]], limit: float
) -> Json:
    """BPCER where the worst species' APCER is at `limit`; the threshold is set on the very attacks it is tried on."""
    threshold = threshold_at(attacks, limit)
    if isinstance(threshold, str):
        return {"apcer": limit, "threshold": None, "bpcer": None, "reason": threshold}
    judged = [one for one in bona_fide if one.score is not None]
    refused = [not _passes(one, threshold) for one in judged]
    return {"apcer": limit, "threshold": rounded(threshold), **_figures("bpcer", judged, refused)}


def _det(
    bona_fide: Sequence[Presentation], attacks: Mapping[str, Sequence[Presentation]]
) -> list[list[float]]:
    """Threshold, the worst species' APCER and the BPCER there, `MOST_POINTS` at most; nothing where either was not judged."""
    live = np.sort([one.score for one in bona_fide if one.score is not None])
    scores = [np.sort([one.score for one in of_one if one.score is not None]) for of_one in attacks.values()]
    judged = [each for each in scores if each.size]
    if not live.size or not judged:
        return []
    thresholds = np.unique(np.concatenate([[0.0], live, *judged, [np.nextafter(1.0, 2.0)]]))
    kept = thresholds[np.unique(np.linspace(0, len(thresholds) - 1, MOST_POINTS).astype(int))]
    return [
        [rounded(float(at)), max(float((each >= at).mean()) for each in judged), float((live < at).mean())]
        for at in kept
    ]


def by_species(presentations: Sequence[Presentation]) -> dict[str, list[Presentation]]:
    attacks: dict[str, list[Presentation]] = {}
    for one in presentations:
        if one.species is not None:
            attacks.setdefault(one.species, []).append(one)
    return dict(sorted(attacks.items()))


def _counts(presentations: Sequence[Presentation]) -> Json:
    return {"presentations": len(presentations), "subjects": len({one.subject for one in presentations})}


def _refusals(presentations: Sequence[Presentation]) -> Json:
    return {
        **_figures("non_response", presentations, [one.score is None for one in presentations]),
        **_figures("refused_by_quality", presentations, [one.refused_by_quality for one in presentations]),
    }


def _figures(name: str, presentations: Sequence[Presentation], errors: Sequence[bool]) -> Json:
    found = by_subject(presentations, errors)
    return {name: None} if found is None else found.to_json(name)


def by_subject(presentations: Sequence[Presentation], errors: Sequence[bool]) -> Estimate | None:
    """The rate with a bootstrap over subjects: presentations of one person are not independent."""
    subjects = {one.subject for one in presentations}
    numbers = {subject: number for number, subject in enumerate(sorted(subjects))}
    wrong: Counts = np.zeros(len(numbers), dtype=np.int64)
    tried: Counts = np.zeros(len(numbers), dtype=np.int64)
    for one, error in zip(presentations, errors, strict=True):
        number = numbers[one.subject]
        wrong[number] += error
        tried[number] += 1
    return per_person(wrong, tried)


def _passes(one: Presentation, threshold: float) -> bool:
    return one.score is not None and one.score >= threshold


def _is_accepted(one: Presentation, threshold: float) -> bool:
    """By everything: quality, liveness and matcher."""
    return _passes(one, threshold) and one.matched is True and not one.refused_by_quality
