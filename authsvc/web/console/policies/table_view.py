"""The decision table as a page shows it: words for every place, and what became of it. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from authsvc.biometric.words import GESTURES
from authsvc.policy.level import Level

Json = Mapping[str, Any]  # Any: `DecisionTable.to_json`.
Turn = Literal["same", "stricter", "weaker", "mixed", "other-sets"]


@dataclass(frozen=True, slots=True)
class Square:
    """One place: the mildest and strictest level now and before, and in how many of its cells that changes."""

    now: tuple[str, str]
    before: tuple[str, str]
    turn: Turn
    changed: int
    cells: int


@dataclass(frozen=True, slots=True)
class Row:
    risk: int
    squares: tuple[Square | None, ...]


@dataclass(frozen=True, slots=True)
class Panel:
    device: str
    rows: tuple[Row, ...]
    changed: int


@dataclass(frozen=True, slots=True)
class Gestures:
    """How many a level asks of a face; a recording of one capture answers one challenge in `one_in`, in `backwards` both ways."""

    level: str
    count: int
    one_in: int
    backwards: int


@dataclass(frozen=True, slots=True)
class TableView:
    """`panels` is empty for a table that is too large to look at."""

    currency: str
    minor_digits: int
    amounts: tuple[int, ...]
    panels: tuple[Panel, ...]
    gestures: tuple[Gestures, ...]
    complete: bool

    @property
    def changed(self) -> int:
        return sum(panel.changed for panel in self.panels)


def table_view(table: Json) -> TableView:
    return TableView(
        table["currency"],
        table["minor_digits"],
        tuple(table["amounts"]),
        tuple(
            _panel(device, table["risks"], rows)
            for device, rows in zip(table["devices"], table["panels"], strict=False)
        ),
        tuple(Gestures(level, count, *GESTURES[count]) for level, count in table.get("gestures", {}).items()),
        table["complete"],
    )


def _panel(device: str, risks: Sequence[int], rows: Sequence[Sequence[Json | None]]) -> Panel:
    shown = tuple(
        Row(risk, tuple(None if place is None else _square(place) for place in row))
        for risk, row in zip(risks, rows, strict=True)
    )
    changed = sum(square is not None and square.changed > 0 for row in shown for square in row.squares)
    return Panel(device, shown, changed)


def _square(place: Json) -> Square:
    now, before = tuple(place["after"]), tuple(place["before"])
    return Square(now, before, _turn(before, now, place["changed"]), place["changed"], place["cells"])


def _turn(before: Sequence[str], now: Sequence[str], changed: int) -> Turn:
    """Which way a place went; `other-sets` where no level shows it."""
    if not changed:
        return "same"
    steps = {Level(new).rank - Level(old).rank for old, new in zip(before, now, strict=True)} - {0}
    if not steps:
        return "other-sets"
    if min(steps) < 0 < max(steps):
        return "mixed"
    return "weaker" if min(steps) < 0 else "stricter"
