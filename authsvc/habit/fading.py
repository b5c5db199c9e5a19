"""Counts that fade: a payment weighs 1 on its day and half as much a half-life later.

Weights are kept as of a landmark, the beginning of the half-life in which the last payment was learned, so that nothing stored
changes while nothing is learned (forward decay, Cormode et al., ICDE 2009). Shares need no clock at all.
"""

from __future__ import annotations

from bisect import bisect_left
from datetime import UTC, datetime, timedelta
from itertools import accumulate

HALF_LIFE = timedelta(days=60)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

_SECONDS = HALF_LIFE.total_seconds()

MOST = 60_000.0
"""The largest weight that a half-precision number is given; nobody pays so often."""


def half_lives(at: datetime) -> float:
    """How many half-lives have passed since 1970."""
    return at.timestamp() / _SECONDS


def minute_of(at: datetime) -> int:
    """How many whole minutes have passed since 1970."""
    return int(at.timestamp() // 60)


def weight(at: datetime, landmark: int) -> float:
    """What a payment of that moment weighs, as of the landmark."""
    return float(2.0 ** (half_lives(at) - landmark))


def usual(counts: tuple[float, ...]) -> int:
    """The first place up to which nine tenths of the weight lie."""
    reached = list(accumulate(counts))
    return bisect_left(reached, reached[-1] * 0.9)
