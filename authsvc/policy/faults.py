"""What is wrong with a policy document, where it stands, and what was probably meant."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from pydantic import BaseModel
from pydantic_core import ErrorDetails

from authsvc.policy.document import (
    Biometric,
    Currency,
    Devices,
    Document,
    EmbeddedTest,
    OnMissing,
)
from authsvc.policy.rules import Exemption, Rule
from authsvc.policy.ways import LevelSets, Way
from authsvc.policy.whereabouts import Path
from authsvc.text import did_you_mean


@dataclass(frozen=True, slots=True)
class Fault:
    """`path` leads to it from the top of the document; `line` counts from 1 where a file tells."""

    path: Path
    text: str
    source: str | None = None
    line: int | None = None

    def at(self, source: str, line: int | None) -> Fault:
        return replace(self, source=source, line=line)

    def to_json(self) -> dict[str, object]:
        where = {"source": self.source, "line": self.line, "path": list(self.path)}
        return {"code": "invalid-document", "severity": "error", "message": self.text, **where}

    def __str__(self) -> str:
        where = ":".join(str(part) for part in (self.source, self.line) if part is not None)
        return f"{where}: {self.text}" if where else self.text


def schema_fault(details: ErrorDetails, document: Mapping[str, Any]) -> Fault:
    """One complaint of the schema in a reader's words."""
    # Any: a document that the schema refused may hold anything.
    path = tuple(part for part in details["loc"] if part not in _MARKS)
    place = _place(path, document)
    if details["type"] == "extra_forbidden":
        return Fault(path, f"unknown key `{path[-1]}`{place}{did_you_mean(str(path[-1]), _keys_at(path))}")
    if details["type"] == "missing":
        return Fault(path, f"`{path[-1]}` is missing{place}")
    if details["type"] == "value_error":
        return Fault(path, f"{details['ctx']['error']}{place}")
    text = f"{details['msg'][0].lower()}{details['msg'][1:]}"
    name = path[-1] if path else "document"
    return Fault(path, f"`{name}` is `{_short(details['input'])}`{place}: {text}{_meant_word(details)}")


def _place(path: Path, document: Mapping[str, Any]) -> str:
    """The rule, exemption or test that a path leads into, by the name its author gave it."""
    if len(path) < 2 or not isinstance(path[1], int):
        return f" in `{path[0]}`" if len(path) > 1 else ""
    part = document[str(path[0])][path[1]]
    name = part.get("id", part.get("name")) if isinstance(part, dict) else None
    kind = str(path[0]).removesuffix("s")
    return f" in {kind} `{name}`" if name is not None else f" in {kind} number {path[1] + 1}"


def _keys_at(path: Path) -> Iterable[str]:
    if path[0] == "levels" and len(path) > len(("levels", "face", "sets", 0)):
        return Way.model_fields
    return _PARTS.get(path[0], Document).model_fields if len(path) > 1 else Document.model_fields


def _meant_word(details: ErrorDetails) -> str:
    expected = details.get("ctx", {}).get("expected")
    if not isinstance(expected, str) or not isinstance(details["input"], str):
        return ""
    return did_you_mean(
        details["input"], [word for word in expected.split("'") if word.isidentifier() and word != "or"]
    )


def _short(value: object) -> str:
    text = str(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


_MARKS = frozenset({"[key]", "list", "table"})
"""What the schema adds to a path and the document does not contain."""

_PARTS: Mapping[str | int, type[BaseModel]] = {
    "rules": Rule,
    "exemptions": Exemption,
    "tests": EmbeddedTest,
    "currencies": Currency,
    "levels": LevelSets,
    "biometrics": Biometric,
    "devices": Devices,
    "on_missing": OnMissing,
}
