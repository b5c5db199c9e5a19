"""Whoever asks gets every number that is kept, under the names that are still on record."""

from datetime import timedelta

from authsvc.habit.described import described
from tests.habit.lives import learned
from tests.habit.test_signals import THEN, USUAL


def test_every_number_is_there_and_what_no_payment_names_has_no_name() -> None:
    found = described(learned(USUAL), USUAL[-2:], THEN)
    assert found["half_life_days"] == 60
    assert found["last_paid_at"] == "2026-03-05T20:00:00.000Z"
    hours, payees, amounts = found["hours_utc"], found["payees"], found["amounts"]
    assert isinstance(hours, list)
    assert isinstance(payees, list)
    assert isinstance(amounts, list)
    assert [hour for hour, each in enumerate(hours) if each] == [20]
    assert {each["name"] for each in payees} == {None, "shop-3", "shop-4"}
    assert amounts[0]["kind"] == "payment CNY"
    assert amounts[0]["usual_below_minor"] == 4_096
    later = described(learned(USUAL), (), THEN + timedelta(days=60))
    assert 0.49 < later["payments"] / found["payments"] < 0.51  # type: ignore[operator]  # Numbers, both.
