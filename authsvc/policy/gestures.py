"""How many gestures a level asks of a face, two to five; never fewer where more is asked.

A document states them by level, as it does the liveness gates, so that a small payment is quick and more risk is never quicker.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import pairwise

from authsvc.biometric.words import GESTURES, USUAL_GESTURES
from authsvc.policy.level import CHALLENGES, Level

Stated = Mapping[Level, int]


def gestures_at(stated: Stated, level: Level) -> int:
    """What this level states, or else the nearest milder one; four where none does."""
    for each in reversed(CHALLENGES[: CHALLENGES.index(level) + 1]):
        if each in stated:
            return stated[each]
    return USUAL_GESTURES


def fewer(stated: Stated, levels: Iterable[Level]) -> Iterator[tuple[Level, Level]]:
    """Levels, mildest first, of which the second asks for fewer than the first."""
    for milder, stricter in pairwise(levels):
        if gestures_at(stated, stricter) < gestures_at(stated, milder):
            yield milder, stricter


def worth(count: int) -> str:
    """What so many keep out, in words."""
    forwards, both_ways = GESTURES[count]
    return f"a recording of one capture answers 1 challenge in {forwards}, 1 in {both_ways} if also played backwards"
