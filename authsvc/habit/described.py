"""Habits in words and numbers: for their owner's export and for the console. Names come from whoever still has them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from authsvc.clock import rfc3339
from authsvc.habit.fading import EPOCH, HALF_LIFE, half_lives, usual
from authsvc.habit.habits import MINUTE, NAME, WORD, Counts, Habits, Kind, Known, digest, kind_key
from authsvc.habit.words import Act

Json = Mapping[str, object]


def described(habits: Habits, acts: Iterable[Act], now: datetime) -> Json:
    """Everything that is kept. `acts` are payments by whose names digests are read; whatever none of them has stays without."""
    left = float(2.0 ** (habits.landmark - half_lives(now)))
    known = tuple(acts)
    return {
        "half_life_days": HALF_LIFE.days,
        "payments": _rounded(sum(habits.hours) * left),
        "last_paid_at": rfc3339(EPOCH + habits.last * MINUTE),
        "hours_utc": [_rounded(each * left) for each in habits.hours],
        "weekdays_utc": [_rounded(each * left) for each in habits.weekdays],
        "gaps": _powers(habits.gaps, left),
        "payments_an_hour": _powers(habits.bursts, left),
        "amounts": _amounts(
            habits.kinds, {kind_key(act): f"{act.kind} {act.currency}" for act in known}, left
        ),
        "payees": _seen(habits.payees, (act.payee for act in known), NAME, left),
        "devices": _seen(habits.devices, (act.device for act in known), NAME, left),
        "channels": _seen(habits.channels, (act.channel for act in known), WORD, left),
        "places": _seen(habits.places, (act.place for act in known), WORD, left),
    }


def _powers(counts: Counts, left: float) -> Json:
    """How often a number below a power of two was counted, and below which nine tenths of them lie."""
    return {
        "below": {str(1 << place): _rounded(each * left) for place, each in enumerate(counts) if each},
        "usual_below": 1 << usual(counts) if any(counts) else None,
    }


def _amounts(kinds: tuple[Kind, ...], names: Mapping[bytes, str], left: float) -> list[Json]:
    return [
        {
            "kind": names.get(kind.key),
            "payments": _rounded(sum(kind.weights) * left),
            "usual_below_minor": 1 << kind.powers[usual(kind.weights)],
            "below_minor": {
                str(1 << power): _rounded(each * left)
                for power, each in zip(kind.powers, kind.weights, strict=True)
                if each
            },
        }
        for kind in kinds
        if any(kind.weights)
    ]


def _seen(known: Known, names: Iterable[str | None], size: int, left: float) -> list[Json]:
    by_key = {digest(name, size): name for name in names if name is not None}
    return [
        {
            "name": by_key.get(key),
            "payments": _rounded(each * left),
            "last_on": (EPOCH + timedelta(days=day)).date().isoformat(),
        }
        for key, each, day in zip(*known, strict=True)
        if each
    ]


def _rounded(weight: float) -> float:
    return round(weight, 2)
