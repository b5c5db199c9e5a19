"""Does a lab report let a policy become active? Where one is required: passing, of the current models, and not too old.

The report (`authsvc lab all --out`) is a file of the host and no row of the database: whoever may write in the one does not
thereby open what the other keeps shut. What cannot be read, or is not known, stands in the way.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any

from authsvc.clock import Clock

Json = Mapping[str, Any]  # Any: a report

LARGEST_REPORT = 64 * 1024 * 1024


class LabFault(StrEnum):
    """Why a report does not count."""

    UNREADABLE = "unreadable"
    NO_LIMITS = "no-limits"
    NOT_PASSED = "not-passed"
    TOO_OLD = "too-old"
    OTHER_MODELS = "other-models"
    MODELS_UNKNOWN = "models-unknown"


@dataclass(frozen=True, slots=True)
class LabProof:
    """What the report says of itself, and what is wrong with it; `date` is None where it says none."""

    file: str
    days: int
    date: date | None = None
    data_set: str = ""
    faults: tuple[LabFault, ...] = ()


class LabGate:
    """`models` are the digests that templates are made by now; empty where the biometric worker does not say."""

    def __init__(self, file: Path, days: int, clock: Clock, models: Callable[[], frozenset[str]]) -> None:
        self._file, self._days = file, days
        self._clock, self._models = clock, models

    def look(self) -> LabProof:
        """Read at each activation, so that a new report counts at once."""
        report = _read(self._file)
        if report is None:
            return LabProof(self._file.name, self._days, faults=(LabFault.UNREADABLE,))
        made = _date(report.get("date"))
        faults = tuple(self._faults(report, made))
        return LabProof(self._file.name, self._days, made, str(report.get("data_set", "")), faults)

    def _faults(self, report: Json, made: date | None) -> Iterator[LabFault]:
        gate = report.get("gate")
        if not isinstance(gate, Mapping) or None in (gate.get("max_iapar"), gate.get("max_bpcer")):
            yield LabFault.NO_LIMITS
        elif gate.get("faults") != []:
            yield LabFault.NOT_PASSED
        today = self._clock.now().date()
        # One of tomorrow is a wrong clock, here or there; a day is left for zones.
        if made is None or not today - timedelta(days=self._days) <= made <= today + timedelta(days=1):
            yield LabFault.TOO_OLD
        models = self._models()
        if not models:
            yield LabFault.MODELS_UNKNOWN
        elif not models <= _digests(report):
            yield LabFault.OTHER_MODELS


def _read(file: Path) -> Json | None:
    try:
        with file.open("rb") as opened:
            content = opened.read(LARGEST_REPORT + 1)
        report = json.loads(content) if len(content) <= LARGEST_REPORT else None
    except (OSError, ValueError, RecursionError):
        return None
    return report if isinstance(report, dict) else None


def _date(stated: object) -> date | None:
    try:
        return date.fromisoformat(str(stated))
    except ValueError:
        return None


def _digests(report: Json) -> frozenset[str]:
    models = report.get("models")
    listed = models if isinstance(models, list) else []
    return frozenset(str(each.get("digest")) for each in listed if isinstance(each, Mapping))
