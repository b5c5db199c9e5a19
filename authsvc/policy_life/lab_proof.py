"""Does a lab report let a policy become active? Where one is required: passing, of the current models, and not too old.

The report (`authsvc lab all --out`) is a file of the host and no row of the database, and signed by the service's audit key
(`authsvc lab sign`): whoever may write in the database, or in that folder, does not thereby open what the other keeps shut.
What cannot be read, or is not known, stands in the way.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any

from authsvc.audit.chain import PublicKeys
from authsvc.audit.signed_file import LARGEST_SIGNATURE, is_signed, signature_of
from authsvc.clock import Clock
from authsvc.errors import InvalidRequest

Json = Mapping[str, Any]  # Any: a report

LARGEST_REPORT = 64 * 1024 * 1024
REPORT_LABEL = b"authsvc-lab-report-v1\x00"


class LabFault(StrEnum):
    """Why a report does not count."""

    UNREADABLE = "unreadable"
    UNSIGNED = "unsigned"
    NO_LIMITS = "no-limits"
    LAX_LIMITS = "lax-limits"
    NOT_PASSED = "not-passed"
    TOO_OLD = "too-old"
    OTHER_MODELS = "other-models"
    MODELS_UNKNOWN = "models-unknown"


@dataclass(frozen=True, slots=True)
class LabBounds:
    """How old a report may be, in days, and how large the limits that it was held against."""

    days: int
    max_iapar: float
    max_bpcer: float


@dataclass(frozen=True, slots=True)
class LabProof:
    """What the report says of itself, and what is wrong with it; `date` is None where it says none."""

    file: str
    days: int
    date: date | None = None
    data_set: str = ""
    faults: tuple[LabFault, ...] = ()


class LabGate:
    """`calibrations` are the digests of what compares templates and judges liveness now, thresholds and all; empty where the
    biometric worker does not say. `keys` are the service's own public audit keys.
    """

    def __init__(
        self,
        file: Path,
        bounds: LabBounds,
        clock: Clock,
        calibrations: Callable[[], frozenset[str]],
        keys: Callable[[], PublicKeys],
    ) -> None:
        self._file, self._bounds = file, bounds
        self._clock, self._calibrations, self._keys = clock, calibrations, keys

    def look(self) -> LabProof:
        """Read at each activation, so that a new report counts at once."""
        name, days = self._file.name, self._bounds.days
        content = _content(self._file, LARGEST_REPORT)
        report = None if content is None else _report(content)
        if content is None or report is None:
            return LabProof(name, days, faults=(LabFault.UNREADABLE,))
        made = _date(report.get("date"))
        faults = (*self._unsigned(content), *self._faults(report, made))
        return LabProof(name, days, made, str(report.get("data_set", "")), faults)

    def _unsigned(self, content: bytes) -> Iterator[LabFault]:
        written = _content(signature_of(self._file), LARGEST_SIGNATURE)
        if written is None or not is_signed(REPORT_LABEL, content, written, self._keys()):
            yield LabFault.UNSIGNED

    def _faults(self, report: Json, made: date | None) -> Iterator[LabFault]:
        yield from self._of_limits(report.get("gate"))
        today = self._clock.now().date()
        # One of tomorrow is a wrong clock, here or there; a day is left for zones.
        if made is None or not today - timedelta(days=self._bounds.days) <= made <= today + timedelta(days=1):
            yield LabFault.TOO_OLD
        current = self._calibrations()
        if not current:
            yield LabFault.MODELS_UNKNOWN
        elif not current <= _tried(report):
            yield LabFault.OTHER_MODELS

    def _of_limits(self, gate: object) -> Iterator[LabFault]:
        if not isinstance(gate, Mapping) or None in (gate.get("max_iapar"), gate.get("max_bpcer")):
            yield LabFault.NO_LIMITS
            return
        limits = (gate["max_iapar"], self._bounds.max_iapar), (gate["max_bpcer"], self._bounds.max_bpcer)
        if not all(_is_number(limit) and limit <= most for limit, most in limits):
            yield LabFault.LAX_LIMITS
        if gate.get("faults") != []:
            yield LabFault.NOT_PASSED


def read_report(file: Path) -> bytes:
    """A report that may be signed; raises InvalidRequest for what is none."""
    content = _content(file, LARGEST_REPORT)
    report = None if content is None else _report(content)
    if content is None or report is None or not {"gate", "models", "date"} <= set(report):
        raise InvalidRequest(f"`{file.name}` is no report of `authsvc lab all`")
    return content


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _content(file: Path, most: int) -> bytes | None:
    try:
        with file.open("rb") as opened:
            content = opened.read(most + 1)
    except OSError:
        return None
    return content if len(content) <= most else None


def _report(content: bytes) -> Json | None:
    try:
        report = json.loads(content)
    except (ValueError, RecursionError):
        return None
    return report if isinstance(report, dict) else None


def _date(stated: object) -> date | None:
    try:
        return date.fromisoformat(str(stated))
    except ValueError:
        return None


def _tried(report: Json) -> frozenset[str]:
    models = report.get("models")
    listed = models if isinstance(models, list) else []
    return frozenset(str(each.get("calibration")) for each in listed if isinstance(each, Mapping))
