"""A snapshot holds everything a decision was made from, and nothing that was not."""

import json
from typing import Any

import pytest

from authsvc.errors import InvalidRequest
from authsvc.factor import Category
from authsvc.policy.inputs import Inputs
from authsvc.subject import Novelty

FULL = Inputs(
    type="transfer",
    amount_minor=2**53 - 1,
    currency="JPY",
    novelty=Novelty.PROBATION,
    risk_score=0,
    risk_reasons=("new_payee", "夜间"),
    channel="app",
    device_synced=False,
    proven=(Category.KNOWLEDGE,),
    verify_always=True,
    low_value_count=0,
    low_value_sum=0,
    account_frozen=True,
    account_blocked=True,
    payee_new=True,
    amount_unusual=12,
    hour_unusual=False,
    weekday_unusual=True,
    burst=False,
    dormant=False,
    place_new=True,
    device_unused=False,
    channel_unused=False,
    gait_unlike=True,
)


@pytest.mark.parametrize("inputs", [FULL, Inputs("payment", 0, "CNY")])
def test_a_snapshot_comes_back_as_it_was(inputs: Inputs) -> None:
    text = json.dumps(inputs.to_snapshot())

    assert Inputs.from_snapshot(json.loads(text)) == inputs
    assert Inputs.from_json(text) == inputs
    assert Inputs.from_json(text).to_snapshot() == inputs.to_snapshot()


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"amuont_minor": 1}, "unknown input `amuont_minor`; did you mean `amount_minor`?"),
        ({"amount_minor": 1.0}, "input `amount_minor`"),
        ({"amount_minor": True}, "input `amount_minor`"),
        ({"amount_minor": float("nan")}, "input `amount_minor`"),
        ({"amount_minor": "1"}, "input `amount_minor`"),
        ({"novelty": "neww"}, "input `novelty`"),
        ({"proven": ["luck"]}, "input `proven"),
        ({"account_frozen": 0}, "input `account_frozen`"),
        ({"risk_reasons": "new_payee"}, "input `risk_reasons`"),
        ({"channel": object()}, "plain JSON values only"),
    ],
)
def test_what_is_no_snapshot_is_refused_by_name(change: dict[str, Any], complaint: str) -> None:
    with pytest.raises(InvalidRequest, match=r"input|plain JSON") as refused:
        Inputs.from_snapshot({**FULL.to_snapshot(), **change})
    assert complaint in refused.value.detail


def test_a_snapshot_without_habits_is_that_of_before() -> None:
    """A program of before refuses what it does not know, and decisions without habits are its own."""
    assert list(Inputs("payment", 0, "CNY").to_snapshot())[-1] == "account_blocked"


def test_what_is_not_stated_is_not_known() -> None:
    inputs = Inputs.from_snapshot({"type": "payment", "amount_minor": 1, "currency": "CNY"})

    assert (inputs.novelty, inputs.risk, inputs.low_value_count) == (Novelty.UNKNOWN, 100, None)
