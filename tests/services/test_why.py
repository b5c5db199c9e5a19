"""Why a payer is asked: four coarse words, in one order, and none that was not asked for."""

from dataclasses import replace

import pytest

from authsvc.domain.decision import Passed
from authsvc.policy.conditions import Axis
from authsvc.services.why import why
from tests.domain.test_decision import decision


def reasons(*fields: str) -> tuple[dict[str, object], ...]:
    return tuple({"rule": "large", "field": field, "is": 1, "bound": 2} for field in fields)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        (("device.novelty",), ["device"]),
        (("habit.payee_new", "habit.burst"), ["unusual"]),
        (("risk.score", "transaction.amount_minor", "risk.reasons"), ["amount", "unusual"]),
        (("user.verify_always", "device.synced"), ["device", "wished"]),
        (("context.channel", "proven", "transaction.type", "something.new"), []),
        ((), []),
    ],
)
def test_reasons_become_coarse_words(fields: tuple[str, ...], words: list[str]) -> None:
    asked = replace(decision(), reasons=reasons(*fields), passed=Passed(show_why=True))
    assert why(asked) == words


@pytest.mark.parametrize("asked", [None, False])
def test_nobody_is_told_unless_the_backend_wants_it(asked: bool | None) -> None:
    every = reasons(*(axis.value for axis in Axis))
    assert why(replace(decision(), reasons=every, passed=Passed(show_why=asked))) == []
