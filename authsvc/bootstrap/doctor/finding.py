"""One thing that is wrong, with what to do about it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from authsvc.factor import Json


class Severity(StrEnum):
    """ERROR: it does not serve, or not safely. WARNING: it serves, and will not for long, or could lose something."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Finding:
    """`name` is stable, for whoever looks for it in `--json`."""

    name: str
    severity: Severity
    what: str
    to_do: str

    def to_json(self) -> Json:
        return {"name": self.name, "severity": self.severity.value, "what": self.what, "to_do": self.to_do}


Findings = Iterator[Finding]


def wrong(name: str, what: str, to_do: str) -> Finding:
    return Finding(name, Severity.ERROR, what, to_do)


def doubtful(name: str, what: str, to_do: str) -> Finding:
    return Finding(name, Severity.WARNING, what, to_do)
