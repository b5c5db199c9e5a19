"""How far a payment lies from what is usual for its payer: nine questions, each answered by counting.

Every number that a signal rests on goes with it. Where too little is known the answer is that, and never that all is well.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Literal

from authsvc.habit.fading import half_lives, minute_of, usual
from authsvc.habit.form import Packed
from authsvc.habit.habits import NAME, Counts, Habits, digest, word_digest
from authsvc.habit.words import NAMES, Act, Numbers, Signals

ENOUGH = 5
"""Payments, faded, from which on something is called usual."""

ENOUGH_TIMES = 20
"""The same for hours and days of the week, which are many."""

SELDOM = 0.02
"""A share of all payments below which an hour or a day is unusual."""

TIMES = 2
"""How many times the usual an amount is at least to be unusual; a policy may ask for more."""

MOST_TIMES = 1_000

BURST_AT_LEAST = 4
DORMANT_DAYS = 30
DORMANT_GAPS = 4
"""Silence is unusual from a month on, and from four times the usual gap on."""

Found = Numbers | Literal[False] | None
"""What is unlike the habits, with its numbers; False for as usual, None for not known."""

_AS_USUAL = (False,) * len(NAMES)

Usual = Habits | Packed


def signals(habits: Usual | None, act: Act) -> Signals:
    """What this payer's habits say of this payment; None are those of somebody of whom nothing was learned yet."""
    if habits is None:
        return Signals.nothing_known()
    present: dict[str, Numbers] = {}
    unknown: list[str] = []
    answers = _answers(habits, act)
    # Asked first, since it is the answer to most payments.
    if answers == _AS_USUAL:
        return Signals(present, unknown)
    for name, found in zip(NAMES, answers, strict=True):
        if found is None:
            unknown.append(name)
        elif found is not False:
            present[name] = found
    return Signals(present, unknown)


def _answers(habits: Usual, act: Act) -> tuple[Found, ...]:
    """In the order of `Signal`."""
    left, hours = _left(habits, act), habits.hours
    payments = sum(hours)
    known = payments * left
    return (
        _seen(habits, "payees", digest(act.payee, NAME), known=known),
        _amount(habits, act, left),
        _hour(hours, act, payments, known),
        _weekday(habits, act, known),
        _burst(habits, act, known),
        _dormant(habits, act, left),
        None if act.place is None else _seen(habits, "places", word_digest(act.place), left),
        None if act.device is None else _seen(habits, "devices", digest(act.device, NAME), left),
        None if act.channel is None else _seen(habits, "channels", word_digest(act.channel), left),
    )


def _left(habits: Usual, act: Act) -> float:
    """What a weight of the landmark is worth at the moment of the payment."""
    return float(2.0 ** (habits.landmark - half_lives(act.at)))


def _seen(habits: Usual, what: str, key: bytes, left: float = 0.0, *, known: float | None = None) -> Found:
    """Of what is not always stated only the payments count that stated it."""
    if habits.knows(what, key):
        return False
    weights = habits.weights_of(what)
    payments = sum(weights) * left if known is None else known
    if payments < ENOUGH:
        return None
    return {what: len(weights) - weights.count(0), "payments": int(payments)}


def _amount(habits: Usual, act: Act, left: float) -> Found:
    """Against the power of two below which nine tenths of the amounts of this kind lie."""
    kind = habits.kind_of(act)
    known = 0.0 if kind is None else sum(kind.weights) * left
    if kind is None or known < ENOUGH:
        return None
    power = kind.powers[usual(kind.weights)]
    times = min(act.amount_minor >> power, MOST_TIMES)
    if times < TIMES:
        return False
    return {
        "amount_minor": act.amount_minor,
        "usual_below_minor": 1 << power,
        "currency": act.currency,
        "times": times,
        "payments": int(known),
    }


def _hour(hours: Counts, act: Act, payments: float, known: float) -> Found:
    """The share of payments within an hour of this one, by the clock."""
    hour = act.at.hour
    near = hours[hour - 1] + hours[hour] + hours[hour - 23]
    return _seldom(near, payments, known, "hour_utc", hour)


def _weekday(habits: Usual, act: Act, known: float) -> Found:
    if known < ENOUGH_TIMES:
        return None
    day, days = act.at.weekday(), habits.weekdays
    return _seldom(days[day], sum(days), known, "weekday", day + 1)


def _seldom(weight: float, of: float, known: float, what: str, number: int) -> Found:
    if known < ENOUGH_TIMES:
        return None
    share = weight / of
    return False if share >= SELDOM else {what: number, "percent": int(share * 100), "payments": int(known)}


def _burst(habits: Usual, act: Act, known: float) -> Found:
    """Three payments within an hour are nobody's burst, whatever is known of the payer."""
    if act.recent < BURST_AT_LEAST:
        return False
    if known < ENOUGH:
        return None
    place = usual(habits.bursts)
    return {"recent": act.recent, "usual_below": 1 << place} if act.recent >= 2 << place else False


def _dormant(habits: Usual, act: Act, left: float) -> Found:
    if habits.last == 0:
        return None
    days = (minute_of(act.at) - habits.last) // 1440
    # Asked first, since it is the answer to nearly every payment.
    if days < DORMANT_DAYS:
        return False
    gaps = habits.gaps
    usual_days = (1 << usual(gaps)) // 24 if sum(gaps) * left >= ENOUGH else 0
    if days < DORMANT_GAPS * usual_days:
        return False
    return {"days": days, "usual_gap_below_days": max(1, usual_days)}


RECENT = timedelta(hours=1)
"""What counts for a burst."""
