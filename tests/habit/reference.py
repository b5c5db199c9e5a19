"""Habits the slow way: the whole history, payment by payment, in plain numbers and dictionaries. No code of the room."""

from datetime import UTC, datetime
from typing import Any

from authsvc.habit.words import Act

HALF_LIFE_DAYS = 60
START = datetime(1970, 1, 1, tzinfo=UTC)


def days(at: datetime) -> float:
    return (at - START).total_seconds() / 86_400


def signals(history: list[Act], act: Act) -> dict[str, Any]:
    """What is present with its numbers, None where too little is known; what is as usual is left out."""
    now = days(act.at)
    worth = {id(each): 0.5 ** ((now - days(each.at)) / HALF_LIFE_DAYS) for each in history}
    known = sum(worth.values())
    found = {
        "payee_new": _new(history, act.payee, [each.payee for each in history], 18, known, "payees", known),
        "amount_unusual": _amount(history, worth, act),
        "hour_unusual": _hour(history, worth, known, act),
        "weekday_unusual": _weekday(history, worth, known, act),
        "burst": _burst(history, worth, known, act),
        "dormant": _dormant(history, worth, act),
    }
    for name, word, what in (
        ("place_new", "place", "places"),
        ("device_unused", "device", "devices"),
        ("channel_unused", "channel", "channels"),
    ):
        names = [getattr(each, word) for each in history]
        found[name] = (
            None
            if getattr(act, word) is None
            else _new(history, getattr(act, word), names, 3, None, what, now=now)
        )
    return {name: each for name, each in found.items() if each is not False}


def _new(
    history: list[Act], name: str, names: list[Any], most: int, known: float | None, what: str, now: float
) -> Any:
    """Remembered are `most`, of whom the lightest makes room."""
    if known is not None:
        now = days(history[-1].at) if history else 0.0
    kept: dict[str, tuple[float, int]] = {}
    for each, stated in zip(history, names, strict=True):
        if stated is None:
            continue
        # Weights only matter beside each other here, so all are taken as of the epoch's growth.
        gain = 2.0 ** (days(each.at) / HALF_LIFE_DAYS - 300)
        if stated not in kept and len(kept) == most:
            del kept[min(kept, key=lambda one: kept[one])]
        weight, _ = kept.get(stated, (0.0, 0))
        kept[stated] = weight + gain, int(days(each.at))
    if name in kept:
        return False
    if known is None:
        known = sum(weight for weight, _ in kept.values()) * 2.0 ** (300 - now / HALF_LIFE_DAYS)
    return {what: len(kept), "payments": int(known)} if known >= 5 else None


def _ninth(weighed: list[tuple[int, float]]) -> int:
    """The smallest number of digits (base two) at or below which nine tenths of the weight lie."""
    total, reached = sum(weight for _, weight in weighed), 0.0
    for digits in sorted({digits for digits, _ in weighed}):
        reached += sum(weight for each, weight in weighed if each == digits)
        if reached >= total * 0.9:
            return digits
    raise AssertionError


def _amount(history: list[Act], worth: dict[int, float], act: Act) -> Any:
    alike = [each for each in history if (each.kind, each.currency) == (act.kind, act.currency)]
    known = sum(worth[id(each)] for each in alike)
    if known < 5:
        return None
    usual = 2 ** _ninth([(len(f"{each.amount_minor:b}"), worth[id(each)]) for each in alike])
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


def _hour(history: list[Act], worth: dict[int, float], known: float, act: Act) -> Any:
    near = [each for each in history if (each.at.hour - act.at.hour) % 24 in (0, 1, 23)]
    return _seldom(near, worth, known, {"hour_utc": act.at.hour})


def _weekday(history: list[Act], worth: dict[int, float], known: float, act: Act) -> Any:
    alike = [each for each in history if each.at.isoweekday() == act.at.isoweekday()]
    return _seldom(alike, worth, known, {"weekday": act.at.isoweekday()})


def _seldom(alike: list[Act], worth: dict[int, float], known: float, numbers: dict[str, Any]) -> Any:
    if known < 20:
        return None
    share = sum(worth[id(each)] for each in alike) / known
    return {**numbers, "percent": int(share * 100), "payments": int(known)} if share < 0.02 else False


def _burst(history: list[Act], worth: dict[int, float], known: float, act: Act) -> Any:
    if act.recent < 4:
        return False
    if known < 5:
        return None
    usual = 2 ** _ninth([(min(each.recent.bit_length(), 7), worth[id(each)]) for each in history])
    return {"recent": act.recent, "usual_below": usual} if act.recent >= 2 * usual else False


def _dormant(history: list[Act], worth: dict[int, float], act: Act) -> Any:
    if not history:
        return None
    gaps, last = [], history[0].at
    for each in history[1:]:
        if each.at > last:
            hours = (int(days(each.at) * 1440 + 1e-6) - int(days(last) * 1440 + 1e-6)) // 60
            gaps.append((min(hours.bit_length(), 11), worth[id(each)]))
            last = each.at
    known = sum(weight for _, weight in gaps)
    usual = 2 ** _ninth(gaps) // 24 if known >= 5 else 0
    silent = (act.at - last).days
    if silent < max(30, 4 * usual):
        return False
    return {"days": silent, "usual_gap_below_days": max(1, usual)}


def alike(found: dict[str, Any], expected: dict[str, Any]) -> bool:
    """The same, with counts that are rounded down from another side by one at most."""
    if found.keys() != expected.keys():
        return False
    for name, numbers in expected.items():
        other = found[name]
        if numbers is None or other is None:
            if numbers is not other:
                return False
        elif any(
            abs(other[key] - value) > 1 if key in ("payments", "percent") else other[key] != value
            for key, value in numbers.items()
        ):
            return False
    return True
