"""Payments of a person, made up by chance: a few shops, an evening, amounts that vary, and now and then something else."""

from datetime import UTC, datetime, timedelta
from random import Random

from authsvc.habit.form import packed, unpacked
from authsvc.habit.habits import NONE, Habits
from authsvc.habit.words import Act

BEGIN = datetime(2026, 1, 5, tzinfo=UTC)


def act(at: datetime, payee: str = "shop", amount: int = 2_500, **fields: object) -> Act:
    stated = {"kind": "payment", "currency": "CNY", "device": "dev", "channel": "app", "place": "CN-31"}
    return Act(at=at, payee=payee, amount_minor=amount, **{**stated, **fields})  # type: ignore[arg-type]  # Tests name what they change.


def life(chance: Random, count: int, shops: int = 12) -> list[Act]:
    """`count` payments in their order, between two a day and one a fortnight."""
    acts: list[Act] = []
    at, pace, evening = BEGIN, chance.choice((0.5, 1, 3, 14)), chance.randrange(24)
    for _ in range(count):
        at += timedelta(days=chance.expovariate(1 / pace))
        when = at.replace(hour=(evening + chance.choice((0, 0, 1, 23))) % 24, minute=chance.randrange(60))
        acts.append(_one(chance, max(when, acts[-1].at if acts else when), shops))
        at = max(at, when)
    return acts


def _one(chance: Random, at: datetime, shops: int) -> Act:
    return Act(
        at=at,
        kind=chance.choice(("payment", "payment", "transfer")),
        currency="CNY",
        amount_minor=int(chance.lognormvariate(8, 1)),
        payee=f"shop-{min(int(chance.expovariate(0.3)), shops - 1)}",
        device=chance.choice(("phone", "phone", "tablet", None)),
        channel=chance.choice(("app", "app", "web", None)),
        place=chance.choice(("CN-31", "CN-31", "CN-33", None)),
        recent=chance.choice((1, 1, 1, 2, 3)),
    )


def learned(acts: list[Act]) -> Habits:
    """As the service does it: written and read again after each."""
    habits = NONE
    for each in acts:
        habits = unpacked(packed(habits.learned(each)))
    return habits
