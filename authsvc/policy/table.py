"""The levels of a policy at a glance: amount across, risk down, one panel for each kind of device, and what a change does.

Each place of the table speaks for all cells that share its amount, risk and device: it holds the mildest and the strictest
level that anything else (type, channel, passkey, counters, wishes) can make of it, and how many of its cells change.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from authsvc.policy.cells import MOST_CELLS, Coords, Space
from authsvc.policy.diff import Answer
from authsvc.policy.engine import Policy
from authsvc.policy.level import Level

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

    Amounts are in the smallest unit of `currency`. A table of more than MOST_PLACES places has no panels; one whose
    cells were not all walked is not `complete`, and claims nothing of the others.
    """

    currency: str
    minor_digits: int
    amounts: tuple[int, ...]
    risks: tuple[int, ...]
    devices: tuple[str, ...]
    panels: tuple[tuple[tuple[Place | None, ...], ...], ...]
    complete: bool

    def to_json(self) -> dict[str, object]:
        return {
            "currency": self.currency,
            "minor_digits": self.minor_digits,
            "amounts": list(self.amounts),
            "risks": list(self.risks),
            "devices": list(self.devices),
            "complete": self.complete,
            "panels": [
                [[None if place is None else place.to_json() for place in row] for row in panel]
                for panel in self.panels
            ],
        }


def decision_table(
    policy: Policy, active: Policy | None = None, *, most_cells: int = MOST_CELLS
) -> DecisionTable:
    """The table of a policy, and of its change from the `active` one; raises InvalidRequest for different currencies."""
    space = Space(policy) if active is None else Space(active, policy)
    amounts, risks, devices = (edge.points for edge in space.edges[:3])
    places = len(amounts) * len(risks) * len(devices)
    found = (
        _walked(space, policy, policy if active is None else active, most_cells)
        if places <= MOST_PLACES
        else {}
    )
    panels = tuple(
        tuple(
            tuple(found.get((amount, risk, device)) for amount in range(len(amounts)))
            for risk in range(len(risks))
        )
        for device in range(len(devices))
    )
    return DecisionTable(
        currency=space.currency,
        minor_digits=policy.document.currencies[space.currency].minor_digits,
        amounts=amounts,
        risks=risks,
        devices=tuple(device.value for device in devices),
        panels=panels if found else (),
        complete=space.size <= most_cells,
    )


def _walked(space: Space, policy: Policy, active: Policy, most_cells: int) -> dict[Coords, Place]:
    found: dict[Coords, Place] = {}
    for coords, before, after in _answers(space, policy, active, most_cells):
        place = found.get(coords[:3])
        found[coords[:3]] = _with(place, before, after)
    return found


def _answers(
    space: Space, policy: Policy, active: Policy, most_cells: int
) -> Iterator[tuple[Coords, Answer, Answer]]:
    for coords in islice(space.cells(), most_cells):
        inputs = space.payment(coords)
        after = Answer.of(policy.evaluate(inputs))
        yield coords, after if active is policy else Answer.of(active.evaluate(inputs)), after


def _with(place: Place | None, before: Answer, after: Answer) -> Place:
    changed = int(before != after)
    if place is None:
        return Place((before.level, before.level), (after.level, after.level), changed, 1)
    return Place(
        _wider(place.before, before.level),
        _wider(place.after, after.level),
        place.changed + changed,
        place.cells + 1,
    )


def _wider(known: Range, level: Level) -> Range:
    mildest, strictest = known
    return (
        level if level.rank < mildest.rank else mildest,
        level if level.rank > strictest.rank else strictest,
    )
