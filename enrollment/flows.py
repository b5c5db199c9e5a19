"""The drawn flows of `docs/flows.md`, for whoever reads them in a browser."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

_SECTION = re.compile(
    r"^## (?P<title>[^\n]+)\n\n```\n(?P<drawing>.*?)```\n(?P<text>.*?)(?=^## |\Z)", re.MULTILINE | re.DOTALL
)


@dataclass(frozen=True, slots=True)
class Flow:
    """One drawing, and what is said below it."""

    title: str
    drawing: str
    text: str


def flows() -> tuple[Flow, ...]:
    """From beside the package in a checkout, from inside it where it was installed."""
    package = Path(__file__).resolve().parent
    beside = package.parent / "docs" / "flows.md"
    written = (beside if beside.is_file() else package / "_flows.md").read_text(encoding="utf-8")
    return tuple(
        Flow(found["title"], found["drawing"], found["text"].strip()) for found in _SECTION.finditer(written)
    )
