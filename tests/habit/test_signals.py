"""Every signal is what somebody with the whole history counts by hand, and too little history says so."""

from dataclasses import replace
from datetime import timedelta
from random import Random

import pytest

from authsvc.habit.form import Packed, packed
from authsvc.habit.habits import NONE
from authsvc.habit.signals import signals
from authsvc.habit.words import NAMES, Act
from tests.habit import reference
from tests.habit.lives import BEGIN, act, learned, life

CASES = 1_000


def odd(chance: Random, last: Act) -> Act:
    """A payment after `last` that may be unlike it in any way."""
    changes = {
        "amount_minor": chance.choice((last.amount_minor, 100, 10**5, 10**7)),
        "payee": chance.choice((last.payee, "somebody")),
        "device": chance.choice((last.device, "other", None)),
        "channel": chance.choice((last.channel, "pos")),
        "place": chance.choice((last.place, "CN-54")),
        "recent": chance.choice((1, 3, 4, 9, 40)),
        "kind": chance.choice((last.kind, "salary")),
    }
    chosen = chance.sample(list(changes), chance.randint(0, 4))
    later = timedelta(hours=chance.choice((1, 7, 12, 24 * 3, 24 * 31, 24 * 200)))
    return replace(last, at=last.at + later, **{name: changes[name] for name in chosen})  # type: ignore[arg-type]  # As named.


def test_every_signal_is_what_a_slow_reading_of_the_whole_history_says() -> None:
    """Exactly, with every number: also where a count lies next to a bound, since both judge what is kept."""
    chance, seen = Random(19), set()
    for _ in range(CASES):
        history = life(chance, chance.choice((0, 1, 4, 6, 19, 25, 40)))
        habits = learned(history) if history else NONE
        asked = odd(chance, history[-1] if history else act(BEGIN))
        expected = reference.signals(history, asked)
        found = signals(Packed(packed(habits)), asked)
        assert {**found.present, **dict.fromkeys(found.unknown)} == expected
        seen |= {(name, each is None) for name, each in expected.items()}
    assert {name for name, _ in seen} == set(NAMES)


def test_of_somebody_new_nothing_is_known() -> None:
    assert signals(None, act(BEGIN)).unknown == list(NAMES)
    assert signals(None, act(BEGIN)).inputs() == {}
    found = signals(
        learned([act(BEGIN + timedelta(days=day)) for day in range(4)]), act(BEGIN + timedelta(days=5), "x")
    )
    assert set(found.unknown) >= {"payee_new", "amount_unusual", "hour_unusual", "weekday_unusual"}
    assert not found.present


USUAL = [act(BEGIN + timedelta(days=day, hours=20), f"shop-{day % 5}") for day in range(60)]
THEN = BEGIN + timedelta(days=60, hours=20)


@pytest.mark.parametrize(
    ("name", "unlike", "alike"),
    [
        ("payee_new", {"payee": "thief"}, {"payee": "shop-1"}),
        ("amount_unusual", {"amount": 8_192}, {"amount": 8_191}),
        ("hour_unusual", {"at": THEN + timedelta(hours=7)}, {"at": THEN + timedelta(hours=1)}),
        ("burst", {"recent": 4}, {"recent": 3}),
        ("dormant", {"at": THEN + timedelta(days=30)}, {"at": THEN + timedelta(days=28)}),
        ("place_new", {"place": "CN-54"}, {"place": "CN-31"}),
        ("device_unused", {"device": "other"}, {"device": "dev"}),
        ("channel_unused", {"channel": "pos"}, {"channel": "app"}),
    ],
)
def test_a_signal_begins_at_its_bound(name: str, unlike: dict[str, object], alike: dict[str, object]) -> None:
    habits = learned(USUAL)
    found = signals(habits, act(**{"at": THEN, "payee": "shop-1", **unlike}))  # type: ignore[arg-type]  # As above.
    assert list(found.present) == [name]
    found = signals(habits, act(**{"at": THEN, "payee": "shop-1", **alike}))  # type: ignore[arg-type]  # As above.
    assert not found.present
    assert not found.unknown


def test_a_day_of_the_week_on_which_nobody_paid_is_unusual() -> None:
    sundays = [act(BEGIN + timedelta(days=6 + 7 * (each // 2))) for each in range(80)]
    found = signals(learned(sundays), act(BEGIN + timedelta(days=7 * 40)))
    assert found.present["weekday_unusual"]["weekday"] == 1


def test_an_amount_says_how_many_times_the_usual_it_is() -> None:
    found = signals(learned(USUAL), act(THEN, "shop-1", 4_096 * 12 + 5))
    assert found.present["amount_unusual"]["times"] == 12
    assert found.inputs()["amount_unusual"] == 12
    assert signals(learned(USUAL), act(THEN, "shop-1", 2**53 - 1)).inputs()["amount_unusual"] == 1_000


def test_what_was_usual_fades() -> None:
    found = signals(learned(USUAL), act(THEN + timedelta(days=400), "shop-1"))
    assert {"amount_unusual", "hour_unusual", "place_new"} & set(found.unknown) == {
        "amount_unusual",
        "hour_unusual",
    }
    assert found.present["dormant"]["days"] == 401
