"""What an analysis has to say about a document, each with a payment that shows it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from authsvc.policy.inputs import Inputs
from authsvc.policy.level import Level

Severity = Literal["error", "warning"]


@dataclass(frozen=True, slots=True)
class Witness:
    """A concrete payment and the level that it gets; `explain` confirms it."""

    inputs: Inputs
    level: Level

    def to_json(self) -> dict[str, object]:
        return {"level": self.level.value, "inputs": self.inputs.to_snapshot()}


@dataclass(frozen=True, slots=True)
class Finding:
    """`code` is stable, `rules` are the ids concerned, `clause` is what a profile's text says it breaks.

    An error makes the document weaker than it reads; a warning makes it harder to read.
    """

    code: str
    severity: Severity
    text: str
    rules: tuple[str, ...] = ()
    clause: str | None = None
    witnesses: tuple[Witness, ...] = ()

    def to_json(self) -> dict[str, object]:
        return {
            "code": self.code,
            "severity": self.severity,
            "message": self.text,
            "rules": list(self.rules),
            "clause": self.clause,
            "witnesses": [witness.to_json() for witness in self.witnesses],
        }


def breach(code: str, text: str, clause: str, *witnesses: Witness, rule: str | None = None) -> Finding:
    """What breaks a clause of a rule book."""
    return Finding(code, "error", text, () if rule is None else (rule,), clause, witnesses)
