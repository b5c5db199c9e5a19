"""May this go live? Limits on a run's error rates, held against their one-sided 95 % upper bounds.

What the sample cannot show is not met: a rate that nobody tried stands in the way like one that is too high.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

Json = Mapping[str, Any]  # Any: a report


def standing_in_the_way(report: Json, max_iapar: float | None, max_bpcer: float | None) -> tuple[str, ...]:
    """Each limit that is not met, in words; empty where all are."""
    return tuple(_faults(report, max_iapar, max_bpcer))


def _faults(report: Json, max_iapar: float | None, max_bpcer: float | None) -> Iterator[str]:
    if max_iapar is not None:
        if not report["species"]:
            yield "IAPAR is not shown: no attack was tried"
        for species, row in report["species"].items():
            yield from _fault(f"IAPAR of `{species}`", row, "iapar", max_iapar)
    if max_bpcer is not None:
        yield from _fault("BPCER", report["bona_fide"], "bpcer", max_bpcer)


def _fault(what: str, row: Json, name: str, limit: float) -> Iterator[str]:
    if row[name] is None:
        yield f"{what} is not shown"
    elif row[f"{name}_upper_bound"] > limit:
        errors, trials = row[f"{name}_errors"], row[f"{name}_trials"]
        yield f"{what} may be {row[f'{name}_upper_bound']:.2%} ({errors} of {trials}), and {limit:.2%} is the limit"
