"""The levels of a policy at a glance: amount across, risk down, one panel for each kind of device, and what a change does.

Each place of the table speaks for all cells that share its amount, risk and device: it holds the mildest and the strictest
level that anything else (type, channel, passkey, counters, wishes) can make of it, and how many of its cells change.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import reduce
from math import prod

from authsvc.policy.answers import Answer
from authsvc.policy.boxes import Boxes
from authsvc.policy.cells import Space
from authsvc.policy.diagram import Budget, Diagram, States, Unfinished
from authsvc.policy.engine import Policy
from authsvc.policy.level import Level
from authsvc.policy.walk import MOST_CELLS

MOST_PLACES = 4_000
"""Beyond this nobody can look at it as a table; the list of differences says the same."""

Range = tuple[Level, Level]
"""The mildest and the strictest level."""


@dataclass(frozen=True, slots=True)
class Place:
    """One amount, risk and device: levels before and after, and how many of its `cells` get another answer."""

    before: Range
    after: Range
    changed: int
    cells: int

    def to_json(self) -> dict[str, object]:
        return {
            "before": [level.value for level in self.before],
            "after": [level.value for level in self.after],
            "changed": self.changed,
            "cells": self.cells,
        }


@dataclass(frozen=True, slots=True)
class DecisionTable:
    """`panels` are indexed by device, risk and amount; each point stands for what lies from it up to the next one.

    Amounts are in the smallest unit of `currency`; `gestures` are those that each level asks of a face. A table of more than
    MOST_PLACES places has no panels, and neither has one whose cells could not all be gone through: that one is not `complete`.
    """

    currency: str
    minor_digits: int
    amounts: tuple[int, ...]
    risks: tuple[int, ...]
    devices: tuple[str, ...]
    panels: tuple[tuple[tuple[Place, ...], ...], ...]
    gestures: tuple[tuple[str, int], ...]
    complete: bool

    def to_json(self) -> dict[str, object]:
        return {
            "currency": self.currency,
            "minor_digits": self.minor_digits,
            "amounts": list(self.amounts),
            "risks": list(self.risks),
            "devices": list(self.devices),
            "gestures": dict(self.gestures),
            "complete": self.complete,
            "panels": [[[place.to_json() for place in row] for row in panel] for panel in self.panels],
        }


def decision_table(
    policy: Policy, active: Policy | None = None, *, most_cells: int = MOST_CELLS
) -> DecisionTable:
    """The table of a policy, and of its change from the `active` one; raises InvalidRequest for different currencies."""
    before = policy if active is None else active
    space = Space(before, policy)
    amounts, risks, devices = (edge.points for edge in space.edges[:3])
    panels: tuple[tuple[tuple[Place, ...], ...], ...] = ()
    complete = True
    if len(amounts) * len(risks) * len(devices) <= MOST_PLACES:
        try:
            places = _Places(space, before, policy, most_cells)
        except Unfinished:
            complete = False
        else:
            panels = tuple(
                tuple(tuple(places.at(a, r, d) for a in range(len(amounts))) for r in range(len(risks)))
                for d in range(len(devices))
            )
    return DecisionTable(
        currency=space.currency,
        minor_digits=policy.document.currencies[space.currency].minor_digits,
        amounts=amounts,
        risks=risks,
        devices=tuple(device.value for device in devices),
        panels=panels,
        gestures=tuple((level.value, count) for level, count in policy.gestures_by_level.items()),
        complete=complete,
    )


class _Places:
    """Looks places up in a diagram of both policies, whose first edges are amount, risk and device."""

    def __init__(self, space: Space, before: Policy, after: Policy, most_cells: int) -> None:
        boxes = Boxes(space, [before, after])
        self._sizes = [len(edge.points) for edge in space.edges]
        self._diagram = Diagram(
            space, boxes, lambda states, last: _answers(boxes, states) if last else None, Budget(most_cells)
        )
        self._known: dict[int, Place] = {}

    def at(self, *places: int) -> Place:
        number, parts = self._diagram.root, self._diagram.parts
        for edge, place in enumerate(places):
            if parts[number].edge == edge:
                number = parts[number].places[place]
        return self._spread(number, len(places))

    def _spread(self, number: int, edge: int) -> Place:
        """A part as one place of all cells from an edge on."""
        place = self._below(number)
        times = prod(self._sizes[edge : self._diagram.parts[number].edge])
        return replace(place, changed=place.changed * times, cells=place.cells * times)

    def _below(self, number: int) -> Place:
        if number not in self._known:
            edge, places = self._diagram.parts[number]
            leaf = self._diagram.leaf_at(number)
            self._known[number] = (
                _place_of(*leaf)
                if leaf is not None
                else reduce(_together, (self._spread(each, edge + 1) for each in places))
            )
        return self._known[number]


def _answers(boxes: Boxes, states: States) -> tuple[Answer, Answer]:
    before, after = map(boxes.answer, states)
    return before, after


def _place_of(before: Answer, after: Answer) -> Place:
    return Place((before.level, before.level), (after.level, after.level), int(before != after), 1)


def _together(one: Place, other: Place) -> Place:
    return Place(
        _wider(one.before, other.before),
        _wider(one.after, other.after),
        one.changed + other.changed,
        one.cells + other.cells,
    )


def _wider(one: Range, other: Range) -> Range:
    return min(one[0], other[0], key=_rank), max(one[1], other[1], key=_rank)


def _rank(level: Level) -> int:
    return level.rank
