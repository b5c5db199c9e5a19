"""What is learned is unlearned, what is old weighs less, and poisoning has its price."""

from datetime import timedelta
from random import Random

import pytest

from authsvc.habit.form import packed, unpacked
from authsvc.habit.habits import AMOUNTS, KINDS, NONE, PAYEES
from authsvc.habit.signals import signals
from tests.habit.lives import BEGIN, act, learned, life
from tests.habit.test_signals import THEN, USUAL


def test_a_payment_that_is_taken_back_leaves_no_trace_in_any_signal() -> None:
    chance = Random(7)
    for _ in range(50):
        history = life(chance, 40)
        thief = act(
            history[-1].at + timedelta(hours=1), "thief", 10**6, device="other", place="CN-54", kind="gift"
        )
        poisoned = unpacked(packed(learned([*history, thief]).unlearned(thief)))
        again = act(thief.at + timedelta(days=1), "thief", 10**6, device="other", place="CN-54", kind="gift")
        clean, healed = signals(learned(history), again), signals(poisoned, again)
        assert healed.present.keys() == clean.present.keys()
        assert healed.unknown == clean.unknown


def test_it_is_taken_back_also_when_half_lives_have_passed() -> None:
    thief = act(THEN, "thief", 10**6)
    later = [act(THEN + timedelta(days=day), "shop-1") for day in range(1, 150)]
    healed = learned([*USUAL, thief, *later]).unlearned(thief)
    assert "payee_new" in signals(healed, act(THEN + timedelta(days=151), "thief")).present


def test_a_half_life_later_a_payment_weighs_half() -> None:
    early, late = act(BEGIN), act(BEGIN + timedelta(days=60), "late")
    habits = learned([early, late])
    assert habits.payees.weights[0] == pytest.approx(2 * habits.payees.weights[1], rel=0.001)


def test_the_order_in_which_payments_are_learned_changes_no_weight() -> None:
    first, second = act(BEGIN), act(BEGIN + timedelta(days=90), "late")
    assert learned([first, second]).payees == learned([second, first]).payees
    assert learned([second, first]).last == learned([first, second]).last


def test_who_comes_last_is_remembered_and_the_lightest_makes_room() -> None:
    regular = [act(BEGIN + timedelta(days=day), f"regular-{day % 3}") for day in range(30)]
    passing = [act(BEGIN + timedelta(days=30 + each), f"passing-{each}") for each in range(PAYEES)]
    habits = learned([*regular, *passing])
    asked = {
        payee: signals(habits, act(THEN, payee)).present for payee in ("regular-1", "passing-17", "passing-0")
    }
    assert ["payee_new" in each for each in asked.values()] == [False, False, True]


def test_kinds_and_amounts_are_bounded() -> None:
    many = [
        act(BEGIN + timedelta(days=each), amount=1 << each, kind=f"kind_{each % 6}") for each in range(40)
    ]
    habits = learned([*many, *(act(BEGIN + timedelta(days=50), amount=1 << each) for each in range(30))])
    assert len(habits.kinds) == KINDS
    assert all(len(kind.weights) == AMOUNTS for kind in habits.kinds)


@pytest.mark.parametrize("number", [1, 5, 20])
def test_small_payments_before_a_large_one_make_no_amount_usual(number: int) -> None:
    """However many a thief has settled and undisputed, the large one is as far from the usual as before, or further."""
    small = [act(THEN + timedelta(hours=each), "thief", 100) for each in range(number)]
    theft = act(THEN + timedelta(days=20), "thief", 500_000)
    before, after = (signals(learned(each), theft).inputs() for each in (USUAL, [*USUAL, *small]))
    assert after["amount_unusual"] >= before["amount_unusual"] > 50
    # What one of them buys, once it stood the whole time, is a payee that is known.
    assert (before["payee_new"], after["payee_new"]) == (True, False)


def test_a_large_amount_becomes_usual_with_a_tenth_of_all_payments() -> None:
    """Of sixty payments of 25.00, which weigh 44 by then, five large ones must have stood undisputed."""
    price = []
    for number in range(1, 12):
        large = [act(THEN + timedelta(hours=each), "thief", 500_000) for each in range(number)]
        if not signals(
            learned([*USUAL, *large]), act(THEN + timedelta(days=20), "thief", 500_000)
        ).present.keys() & {"amount_unusual"}:
            price.append(number)
    assert price[0] == 5


def test_nobody_who_never_paid_has_habits() -> None:
    assert not any(NONE.hours)
    assert signals(NONE, act(BEGIN)).inputs() == {"burst": False}
