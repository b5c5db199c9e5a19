"""Habits the slow way: the whole history, payment by payment, in dictionaries of plain numbers. No code of the room.

Signals are judged on what is kept, and kept of a weight is the nearest number in half precision. Without rounding the same counts
say what the whole history says (`exact`), which lies on another side of a bound where a count lies next to it.
"""

import struct
from collections.abc import Callable
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Any

from authsvc.habit.words import Act

HALF_LIFE_SECONDS = 60 * 86_400
Rounded = Callable[[float], float]


def half(number: float) -> float:
    (kept,) = struct.unpack("<e", struct.pack("<e", number))
    return float(kept)


def exact(number: float) -> float:
    return number


def half_lives(at: datetime) -> float:
    return (at - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds() / HALF_LIFE_SECONDS


def minute(at: datetime) -> int:
    return int((at - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds() // 60)


class Tally:
    """What was counted how often. Beyond `most` the lightest goes, of these the smallest."""

    def __init__(self, rounded: Rounded, most: int = 24) -> None:
        self.rounded, self.most = rounded, most
        self.weights: dict[Any, float] = {}

    def fade(self, periods: int) -> None:
        for key, weight in self.weights.items():
            self.weights[key] = self.rounded(weight * 0.5**periods)

    def add(self, key: Any, gain: float) -> None:
        weight = self.weights.get(key, 0.0) + gain
        self.weights[key] = 0.0 if weight < 0.01 else min(weight, 60_000.0)
        if len(self.weights) > self.most:
            del self.weights[self.leaving(key)]
        self.weights = {each: self.rounded(weight) for each, weight in self.weights.items()}

    def leaving(self, newest: Any) -> Any:
        return min(self.weights, key=lambda each: (self.weights[each], each))

    def total(self) -> float:
        return sum(self.weights.values())

    def usual(self) -> int:
        """The smallest key at or below which nine tenths of the weight lie."""
        total, reached = self.total(), 0.0
        for key in sorted(self.weights):
            reached += self.weights[key]
            if reached >= total * 0.9:
                return int(key)
        raise AssertionError


class Names(Tally):
    """Of names the newest stays; of equally light ones goes the one seen longest ago, then the one with the larger digest."""

    def __init__(self, rounded: Rounded, most: int, digest_size: int) -> None:
        super().__init__(rounded, most)
        self.digest_size = digest_size
        self.seen: dict[str, int] = {}

    def see(self, name: str, gain: float, day: int) -> None:
        self.seen[name] = max(self.seen.get(name, 0), day)
        self.add(name, gain)

    def leaving(self, newest: str) -> str:
        others = [each for each in self.weights if each != newest]
        return min(others, key=lambda each: (self.weights[each], self.seen[each], -self._digest(each)))

    def _digest(self, name: str) -> int:
        return int.from_bytes(blake2b(name.encode(), digest_size=self.digest_size).digest(), "big")


class Kept:
    """All that is kept of a history."""

    def __init__(self, history: list[Act], rounded: Rounded) -> None:
        self.hours, self.weekdays, self.gaps, self.bursts = (Tally(rounded) for _ in range(4))
        self.names = {
            name: Names(rounded, most, size)
            for name, most, size in (("payee", 18, 8), ("device", 3, 8), ("channel", 3, 4), ("place", 3, 4))
        }
        self.amounts: dict[tuple[str, str], Tally] = {}
        self.period, self.last, self._rounded = 0, 0, rounded
        for each in history:
            self._learn(each)

    def _learn(self, act: Act) -> None:
        period = max(self.period, int(half_lives(act.at)))
        for tally in (
            self.hours,
            self.weekdays,
            self.gaps,
            self.bursts,
            *self.names.values(),
            *self.amounts.values(),
        ):
            tally.fade(period - self.period)
        self.period = period
        gain, now = 2.0 ** (half_lives(act.at) - period), minute(act.at)
        self.hours.add(act.at.hour, gain)
        self.weekdays.add(act.at.isoweekday(), gain)
        self.bursts.add(min(act.recent.bit_length(), 7), gain)
        if 0 < self.last < now:
            self.gaps.add(min(((now - self.last) // 60).bit_length(), 11), gain)
        self.last = max(self.last, now)
        amounts = self.amounts.setdefault((act.kind, act.currency), Tally(self._rounded, 10))
        amounts.add(len(f"{act.amount_minor:b}"), gain)
        for name, tally in self.names.items():
            stated = getattr(act, name)
            if stated is not None:
                tally.see(stated, gain, now // 1_440)


def signals(history: list[Act], act: Act, rounded: Rounded = half) -> dict[str, Any]:
    """What is present with its numbers, None where too little is known; what is as usual is left out."""
    kept = Kept(history, rounded)
    left = 2.0 ** (kept.period - half_lives(act.at))
    known = kept.hours.total() * left
    found = {
        "payee_new": _new(kept.names["payee"], act.payee, known, "payees"),
        "amount_unusual": _amount(kept, act, left),
        "hour_unusual": _seldom(
            kept.hours, [(act.at.hour + by) % 24 for by in (-1, 0, 1)], known, {"hour_utc": act.at.hour}
        ),
        "weekday_unusual": _seldom(
            kept.weekdays, [act.at.isoweekday()], known, {"weekday": act.at.isoweekday()}
        ),
        "burst": _burst(kept, act, known),
        "dormant": _dormant(kept, act, left),
    }
    for name, word in (("place_new", "place"), ("device_unused", "device"), ("channel_unused", "channel")):
        tally, stated = kept.names[word], getattr(act, word)
        found[name] = None if stated is None else _new(tally, stated, tally.total() * left, f"{word}s")
    return {name: each for name, each in found.items() if each is not False}


def _new(tally: Tally, name: str, known: float, what: str) -> Any:
    if name in tally.weights:
        return False
    return {what: len(tally.weights), "payments": int(known)} if known >= 5 else None


def _amount(kept: Kept, act: Act, left: float) -> Any:
    alike = kept.amounts.get((act.kind, act.currency))
    known = 0.0 if alike is None else alike.total() * left
    if alike is None or known < 5:
        return None
    usual = 2 ** alike.usual()
    times = min(act.amount_minor // usual, 1_000)
    if times < 2:
        return False
    return {
        "amount_minor": act.amount_minor,
        "usual_below_minor": usual,
        "currency": act.currency,
        "times": times,
        "payments": int(known),
    }


def _seldom(tally: Tally, near: list[int], known: float, numbers: dict[str, Any]) -> Any:
    if known < 20:
        return None
    share = sum(tally.weights.get(each, 0.0) for each in near) / tally.total()
    return {**numbers, "percent": int(share * 100), "payments": int(known)} if share < 0.02 else False


def _burst(kept: Kept, act: Act, known: float) -> Any:
    if act.recent < 4:
        return False
    if known < 5:
        return None
    usual = 2 ** kept.bursts.usual()
    return {"recent": act.recent, "usual_below": usual} if act.recent >= 2 * usual else False


def _dormant(kept: Kept, act: Act, left: float) -> Any:
    if kept.last == 0:
        return None
    usual = 2 ** kept.gaps.usual() // 24 if kept.gaps.total() * left >= 5 else 0
    silent = (minute(act.at) - kept.last) // 1_440
    if silent < max(30, 4 * usual):
        return False
    return {"days": silent, "usual_gap_below_days": max(1, usual)}
