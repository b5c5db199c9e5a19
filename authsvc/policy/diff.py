"""What changes between two versions of a policy: exactly which payments get another answer, and from what to what.

The cells of both documents are cut together, and only those are gone through in which the two have not come to the same: rules
that both share, and words and amounts that move nothing, cost nothing. Cells that change alike are told as regions, the weakened
ones first. What no cell can show (rates, thresholds of biometrics) is listed as settings.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from math import prod

from authsvc.policy.answers import Answer
from authsvc.policy.boxes import Boxes
from authsvc.policy.cells import Space
from authsvc.policy.diagram import Box, Budget, Diagram, States, Unfinished
from authsvc.policy.engine import Policy
from authsvc.policy.findings import Witness
from authsvc.policy.layout import laid_out
from authsvc.policy.walk import MOST_CELLS

MOST_REGIONS, MOST_OF_A_CHANGE = 300, 40
"""How many regions are listed, in all and of one change; how many cells change is counted all the same."""


@dataclass(frozen=True, slots=True)
class Region:
    """A box of cells that change alike. `where` tells the inputs that matter, in words; `witness` is one payment in it."""

    before: Answer
    after: Answer
    cells: int
    where: Mapping[str, str]
    witness: Witness

    @property
    def asks_less(self) -> bool:
        return self.after.asks_less_than(self.before)

    def to_json(self) -> dict[str, object]:
        return {
            "asks_less": self.asks_less,
            "before": self.before.to_json(),
            "after": self.after.to_json(),
            "cells": self.cells,
            "where": dict(self.where),
            "witness": self.witness.to_json(),
        }


@dataclass(frozen=True, slots=True)
class Difference:
    """All regions, those that ask less first, and the settings that differ: name, before, after.

    `changed` and `weaker` count cells, also of regions that are not told. Where it is not `complete` nothing is known.
    """

    before: Policy
    after: Policy
    cells: int
    walked: int
    complete: bool
    changed: int
    weaker: int
    regions: tuple[Region, ...]
    settings: tuple[tuple[str, object, object], ...]

    @property
    def weakens(self) -> bool:
        return self.weaker > 0

    def to_json(self) -> dict[str, object]:
        return {
            "before": {"version": self.before.version, "digest": self.before.digest},
            "after": {"version": self.after.version, "digest": self.after.digest},
            "cells": self.cells,
            "walked": self.walked,
            "complete": self.complete,
            "changed": self.changed,
            "weaker": self.weaker,
            "weakens": self.weakens,
            "regions": [region.to_json() for region in self.regions],
            "settings": [
                {"name": name, "before": before, "after": after} for name, before, after in self.settings
            ],
        }


Change = tuple[Answer, ...]
"""The answer before and the one after; empty where they are one and the same."""


def diff(before: Policy, after: Policy, *, most_cells: int = MOST_CELLS) -> Difference:
    """Every cell whose answer differs; raises InvalidRequest where the documents think in different currencies."""
    (space, boxes), budget = laid_out(before, after), Budget(most_cells)
    settings = tuple(_settings(before, after))
    try:
        diagram = Diagram(space, boxes, _change(boxes), budget)
    except Unfinished:
        return Difference(before, after, space.size, budget.spent, False, 0, 0, (), settings)
    counted = {change: cells for change, cells in diagram.counted().items() if change}
    changes = sorted(counted, key=lambda change: _place(change, counted[change]))
    return Difference(
        before,
        after,
        space.size,
        budget.spent,
        complete=True,
        changed=sum(counted.values()),
        weaker=sum(cells for change, cells in counted.items() if _weakens(change)),
        regions=tuple(islice(_regions(diagram, changes, after), MOST_REGIONS)),
        settings=settings,
    )


def _change(boxes: Boxes) -> Callable[[States, bool], Change | None]:
    def change(states: States, last: bool) -> Change | None:
        if states[0] == states[1]:
            return ()
        if not last:
            return None
        before, after = map(boxes.answer, states)
        return () if before == after else (before, after)

    return change


def _weakens(change: Change) -> bool:
    before, after = change
    return after.asks_less_than(before)


def _place(change: Change, cells: int) -> tuple[bool, int, int]:
    """What asks less first, by how many levels and by how many cells."""
    before, after = change
    return not _weakens(change), after.level.rank - before.level.rank, -cells


def _regions(diagram: Diagram[Change], changes: Iterable[Change], after: Policy) -> Iterator[Region]:
    for change in changes:
        boxes = sorted(islice(diagram.regions(change), MOST_OF_A_CHANGE), key=_size, reverse=True)
        yield from (_region(diagram.space, after, box, change) for box in boxes)


def _region(space: Space, after: Policy, box: Box, change: Change) -> Region:
    where = {
        edge.name: edge.described(*span)
        for edge, span in zip(space.edges, box, strict=True)
        if span != (0, len(edge.points) - 1)
    }
    inputs = space.payment(tuple(first for first, _ in box))
    witness = Witness(inputs, after.evaluate(inputs).level)
    return Region(change[0], change[1], _size(box), where, witness)


def _size(box: Box) -> int:
    return prod(last - first + 1 for first, last in box)


def _settings(before: Policy, after: Policy) -> Iterator[tuple[str, object, object]]:
    """What changes without moving a cell: the worth of currencies, and how strictly a biometric is judged."""
    for section in ("currencies", "biometrics", "devices"):
        old, new = (
            each.document.model_dump(mode="json", include={section}, exclude_defaults=True).get(section, {})
            for each in (before, after)
        )
        for name in sorted(old.keys() | new.keys()):
            if old.get(name) != new.get(name):
                yield f"{section}.{name}", old.get(name), new.get(name)
