"""What changes between two versions of a policy: exactly which payments get another answer, and from what to what.

The cells of both documents are cut together and asked of both; neighbouring cells that change alike are told as one
region. What no cell can show (rates, thresholds of biometrics) is listed as settings.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice

from authsvc.policy.cells import MOST_CELLS, Coords, Edge, Space
from authsvc.policy.engine import Outcome, Policy
from authsvc.policy.findings import Witness
from authsvc.policy.level import FactorSet, Level

Span = tuple[int, int]
"""From one place on an edge to another, both included."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What is compared: the level, the exemption that lifted it, and the sets that prove it."""

    level: Level
    exemption: str | None
    sets: tuple[FactorSet, ...]

    @classmethod
    def of(cls, outcome: Outcome) -> Answer:
        return cls(outcome.level, outcome.exemption, outcome.sets)

    def __str__(self) -> str:
        return self.level.value if self.exemption is None else f"{self.level.value} ({self.exemption})"


@dataclass(frozen=True, slots=True)
class Region:
    """A box of cells that change alike. `where` tells the inputs that matter, in words; `witness` is one payment in it."""

    before: Answer
    after: Answer
    cells: int
    where: Mapping[str, str]
    witness: Witness

    def to_json(self) -> dict[str, object]:
        return {
            "before": _answer_json(self.before),
            "after": _answer_json(self.after),
            "cells": self.cells,
            "where": dict(self.where),
            "witness": self.witness.to_json(),
        }


@dataclass(frozen=True, slots=True)
class Difference:
    """All regions, those that get weaker first, and the settings that differ: name, before, after."""

    before: Policy
    after: Policy
    cells: int
    walked: int
    regions: tuple[Region, ...]
    settings: tuple[tuple[str, object, object], ...]

    @property
    def weakens(self) -> bool:
        return any(region.after.level.rank < region.before.level.rank for region in self.regions)

    def to_json(self) -> dict[str, object]:
        return {
            "before": {"version": self.before.version, "digest": self.before.digest},
            "after": {"version": self.after.version, "digest": self.after.digest},
            "cells": self.cells,
            "complete": self.walked == self.cells,
            "changed": sum(region.cells for region in self.regions),
            "weakens": self.weakens,
            "regions": [region.to_json() for region in self.regions],
            "settings": [
                {"name": name, "before": before, "after": after} for name, before, after in self.settings
            ],
        }


def diff(before: Policy, after: Policy, *, most_cells: int = MOST_CELLS) -> Difference:
    """Every cell whose answer differs; raises InvalidRequest where the documents think in different currencies."""
    space = Space(before, after)
    changed: dict[Coords, Change] = {}
    for coords in islice(space.cells(), most_cells):
        inputs = space.payment(coords)
        answers = Answer.of(before.evaluate(inputs)), Answer.of(after.evaluate(inputs))
        if answers[0] != answers[1]:
            changed[coords] = answers
    boxes = _merged(changed, len(space.edges))
    regions = sorted((_region(space, after, *box) for box in boxes), key=_weakest_first)
    walked = min(most_cells, space.size)
    return Difference(before, after, space.size, walked, tuple(regions), tuple(_settings(before, after)))


Change = tuple[Answer, Answer]
Box = tuple[Span, ...]


def _merged(changed: Mapping[Coords, Change], edges: int) -> Iterable[tuple[Box, Change]]:
    """Cells grown into boxes, one edge after the other, wherever neighbours change alike."""
    boxes = [(tuple((place, place) for place in coords), change) for coords, change in changed.items()]
    for edge in range(edges):
        alike: dict[tuple[Box, Change], list[Span]] = {}
        for box, change in boxes:
            others = (*box[:edge], *box[edge + 1 :])
            alike.setdefault((others, change), []).append(box[edge])
        boxes = [
            ((*others[:edge], span, *others[edge:]), change)
            for (others, change), spans in alike.items()
            for span in _joined(sorted(spans))
        ]
    return boxes


def _joined(spans: list[Span]) -> Iterator[Span]:
    first, last = spans[0]
    for start, end in spans[1:]:
        if start != last + 1:
            yield first, last
            first = start
        last = end
    yield first, last


def _region(space: Space, after: Policy, box: Box, change: Change) -> Region:
    cells = 1
    for first, last in box:
        cells *= last - first + 1
    where = {
        edge.name: _told(edge, span)
        for edge, span in zip(space.edges, box, strict=True)
        if span != (0, len(edge.points) - 1)
    }
    inputs = space.payment(tuple(first for first, _ in box))
    return Region(*change, cells, where, Witness(inputs, after.evaluate(inputs).level))


def _told(edge: Edge, span: Span) -> str:
    """A span in words: numbers as the interval that the points cut, everything else by its names."""
    first, last = span
    points = edge.points
    if all(type(point) is int for point in points):
        end = f" to {points[last + 1] - 1}" if last + 1 < len(points) else " and more"
        return f"{points[first]}{end}"
    return ", ".join("not stated" if point is None else str(point) for point in points[first : last + 1])


def _weakest_first(region: Region) -> tuple[int, int]:
    return region.after.level.rank - region.before.level.rank, -region.cells


def _settings(before: Policy, after: Policy) -> Iterator[tuple[str, object, object]]:
    """What changes without moving a cell: the worth of currencies, and how strictly a biometric is judged."""
    for section in ("currencies", "biometrics"):
        old = before.document.model_dump(mode="json", include={section}, exclude_defaults=True)[section]
        new = after.document.model_dump(mode="json", include={section}, exclude_defaults=True)[section]
        for name in sorted(old.keys() | new.keys()):
            if old.get(name) != new.get(name):
                yield f"{section}.{name}", old.get(name), new.get(name)


def _answer_json(answer: Answer) -> dict[str, object]:
    return {
        "level": answer.level.value,
        "exemption": answer.exemption,
        "sets": [[factor.value for factor in each] for each in answer.sets],
    }
