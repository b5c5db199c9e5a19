"""Every signal has its sentence in both languages, with its numbers in it."""

from datetime import timedelta

import pytest

from authsvc.habit.sentences import sentences
from authsvc.habit.signals import signals
from authsvc.habit.words import NAMES
from tests.habit.lives import BEGIN, act, learned
from tests.habit.test_signals import THEN, USUAL

SUNDAYS = [act(BEGIN + timedelta(days=6 + 7 * (each // 2))) for each in range(80)]
FOUND = {
    **signals(
        learned(USUAL),
        act(
            THEN + timedelta(days=40, hours=7),
            "thief",
            123_456,
            recent=9,
            place="CN-54",
            device="other",
            channel="pos",
        ),
    ).present,
    **signals(learned(SUNDAYS), act(BEGIN + timedelta(days=7 * 40))).present,
}


@pytest.mark.parametrize("name", NAMES)
def test_a_signal_is_said_in_both_languages(name: str) -> None:
    said = sentences(name, FOUND[name])
    assert said["zh-CN"].endswith("。")
    assert said["en"].endswith(".")
    assert said["en"].isascii()
    assert not said["zh-CN"].isascii()


def test_amounts_are_said_in_their_currency() -> None:
    said = sentences("amount_unusual", FOUND["amount_unusual"])
    assert "1234.56 CNY" in said["en"]
    assert "40.96 CNY" in said["zh-CN"]
