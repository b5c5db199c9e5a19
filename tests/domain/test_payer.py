"""How a decision looks to the habits of its payer."""

from dataclasses import replace

import pytest

from authsvc.domain.decision import Habit
from authsvc.domain.payer import Payer, act_of, habit_of
from authsvc.habit.words import Signal
from authsvc.subject import Novelty
from tests.domain.test_decision import NOON, decision

BARE = replace(decision(), device_id="dev_a")


def test_a_payment_is_seen_with_what_was_stated_of_it():
    stated = replace(
        BARE, inputs={"channel": "app"}, habit=Habit({}, (), recent=3, place="310000"), novelty="trusted"
    )
    act = act_of(stated)
    assert (act.at, act.kind, act.currency, act.amount_minor, act.payee) == (
        NOON,
        "transfer",
        "CNY",
        100,
        "p",
    )
    assert (act.device, act.channel, act.place, act.recent) == ("dev_a", "app", "310000", 3)


def test_what_was_not_stated_is_absent_and_not_made_up():
    act = act_of(BARE)
    assert (act.device, act.channel, act.place, act.recent) == (None, None, None, 1)


@pytest.mark.parametrize("novelty", list(Novelty))
def test_only_a_device_that_showed_its_secret_is_a_habit(novelty: Novelty):
    shown = novelty in (Novelty.TRUSTED, Novelty.PROBATION)
    assert act_of(replace(BARE, novelty=novelty.value)).device == ("dev_a" if shown else None)


def test_of_a_payer_without_habits_nothing_is_known_and_nothing_is_claimed():
    habit = habit_of(Payer(), act_of(BARE))
    assert habit.present == {}
    assert set(habit.unknown) == {each.value for each in Signal}
