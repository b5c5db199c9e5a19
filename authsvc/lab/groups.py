"""Does one threshold serve everybody? Each group's error rates, as multiples of everybody's, with a verdict."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from authsvc.biometric.manifest import OperatingPoint
from authsvc.lab.intervals import rounded
from authsvc.lab.iso19795 import Errors, fmr_ratio, fnmr_ratio
from authsvc.lab.people import Person

Json = dict[str, Any]  # Any: a report

Groups = Mapping[str, Mapping[str, str]]
"""For each grouping the group of each person."""


def members(people: Sequence[Person], groups: Groups) -> dict[str, NDArray[np.bool_]]:
    """Of every group of every grouping who is in it, in the order of the people."""
    return {
        f"{grouping} {group}": np.array([group_of.get(person.name) == group for person in people])
        for grouping, group_of in groups.items()
        for group in sorted({group_of[person.name] for person in people if person.name in group_of})
    }


def by_group(
    people: Sequence[Person], points: Iterable[tuple[OperatingPoint, Errors]], groups: Groups
) -> list[Json]:
    """A row for each group at each point; false matches are those between people of the same group."""
    points = tuple(points)
    return [
        {
            "grouping": grouping,
            "group": group,
            "n_persons": int(inside.sum()),
            "target_fmr": point.target_fmr,
            **_rates(errors, inside),
        }
        for grouping, group_of in groups.items()
        for group in sorted({group_of[person.name] for person in people if person.name in group_of})
        for inside in [np.array([group_of.get(person.name) == group for person in people])]
        for point, errors in points
    ]


def _rates(errors: Errors, inside: NDArray[np.bool_]) -> Json:
    figures: Json = {}
    within = errors.among(inside)
    for name, found, ratio in (
        ("fmr", within.fmr(), fmr_ratio(errors, inside)),
        ("fnmr", within.fnmr(), fnmr_ratio(errors, inside)),
    ):
        figures |= {name: None} if found is None else found.to_json(name)
        figures[f"{name}_ratio"] = None if ratio.ratio is None else rounded(ratio.ratio)
        figures[f"{name}_ratio_interval"] = ratio.interval and [rounded(end) for end in ratio.interval]
        figures[f"{name}_verdict"] = ratio.verdict
    return figures
