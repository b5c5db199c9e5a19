"""Which liveness gates a level asks of a face: passive detection, the active challenge, or both; never less where more is asked.

A document states them by level, since rules only ever raise the level: so more risk can never weaken the gates.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from enum import StrEnum
from itertools import pairwise

from authsvc.biometric.words import Gates, LivenessGate
from authsvc.policy.level import CHALLENGES, Level


class Asked(StrEnum):
    """What a level may state."""

    PASSIVE = "passive"
    ACTIVE = "active"
    BOTH = "both"

    @property
    def gates(self) -> tuple[LivenessGate, ...]:
        return tuple(LivenessGate) if self is Asked.BOTH else (LivenessGate(self.value),)


Stated = Mapping[Level, Asked]


def gates_at(stated: Stated, level: Level) -> Gates:
    """What this level states, or else the nearest milder one; None leaves it to what is installed."""
    for each in reversed(CHALLENGES[: CHALLENGES.index(level) + 1]):
        if each in stated:
            return stated[each].gates
    return None


def weakened(stated: Stated, levels: Iterable[Level]) -> Iterator[tuple[Level, Level]]:
    """Levels, mildest first, of which the second asks for less than the first."""
    for milder, stricter in pairwise(levels):
        if is_less(gates_at(stated, milder), gates_at(stated, stricter)):
            yield milder, stricter


def is_less(first: Gates, second: Gates) -> bool:
    """Whether the second asks for less. All that is installed may be both gates, so only both are no less than that."""
    if first is None:
        return second is not None and set(second) != set(LivenessGate)
    return second is None or not set(first) <= set(second)
