"""RTS Art. 16 to the smallest unit: thirty euros, a hundred euros, five in a row, and never in doubt."""

from typing import Any

import pytest

from authsvc.policy.level import Level
from authsvc.subject import Novelty
from tests.policy.builders import payment, policy

ASKED = {"id": "asked", "level": "otp", "risk_at_least": 0}
LOW_VALUE = {
    "id": "low-value",
    "kind": "low_value",
    "amount_at_most": 24_000,
    "cumulative_at_most": 80_000,
    "in_a_row_at_most": 5,
    "risk_at_most": 59,
}
RULES = policy(ASKED, exemptions=[LOW_VALUE])


def low_value(amount_minor: int, **changes: Any) -> str | None:
    stated = {"currency": "EUR", "low_value_count": 0, "low_value_sum": 0, **changes}
    return RULES.evaluate(payment(amount_minor, **stated)).exemption


@pytest.mark.parametrize(("amount", "exempt"), [(2_999, True), (3_000, True), (3_001, False)])
def test_thirty_euros_and_not_a_cent_more(amount: int, exempt: bool) -> None:
    assert (low_value(amount) == "low_value") is exempt


@pytest.mark.parametrize(
    ("before", "amount", "exempt"),
    [(59_999, 20_000, True), (60_000, 20_000, True), (60_001, 20_000, False), (60_000, 20_001, False)],
)
def test_a_hundred_euros_together_with_this_payment(before: int, amount: int, exempt: bool) -> None:
    assert (low_value(amount, currency="CNY", low_value_sum=before) == "low_value") is exempt


@pytest.mark.parametrize(("before", "exempt"), [(3, True), (4, True), (5, False), (6, False)])
def test_five_in_a_row(before: int, exempt: bool) -> None:
    assert (low_value(100, low_value_count=before) == "low_value") is exempt


@pytest.mark.parametrize(
    "doubt",
    [
        {"currency": "XTS"},
        {"currency": ""},
        {"amount_minor": -1},
        {"amount_minor": float("nan")},
        {"risk_score": None},
        {"risk_score": 60},
        {"novelty": Novelty.PROBATION},
        {"novelty": Novelty.UNKNOWN},
        {"low_value_count": None},
        {"low_value_sum": None},
        {"verify_always": True},
    ],
)
def test_doubt_leaves_the_challenge_in_place(doubt: dict[str, Any]) -> None:
    assert low_value(**{"amount_minor": 100, **doubt}) is None


def test_an_exempted_payment_says_what_it_was_within() -> None:
    outcome = RULES.evaluate(payment(100, currency="EUR", low_value_count=1, low_value_sum=1_000))

    assert (outcome.level, outcome.asked, outcome.sets) == (Level.NONE, Level.OTP, ((),))
    assert outcome.fired == ("low-value", "asked")
    assert [(reason.field, reason.value, reason.bound) for reason in outcome.reasons] == [
        ("transaction.amount_minor", 800, 24_000),
        ("risk.score", 5, 59),
        ("device.novelty", "trusted", "trusted"),
        ("exemption.cumulative", 1_800, 80_000),
        ("exemption.in_a_row", 2, 5),
    ]


def test_an_exemption_lifts_no_stricter_level_than_it_says() -> None:
    stricter = policy(ASKED, {"id": "stricter", "level": "face", "risk_at_least": 5}, exemptions=[LOW_VALUE])

    assert stricter.evaluate(payment(100, low_value_count=0, low_value_sum=0)).level is Level.FACE


def test_a_lock_out_is_not_exempted() -> None:
    outcome = RULES.evaluate(payment(100, low_value_count=0, low_value_sum=0, account_blocked=True))

    assert (outcome.level, outcome.exemption) == (Level.DENY, None)


def test_the_other_named_exemptions_keep_to_their_types_channels_and_amounts() -> None:
    tra = {
        "id": "analysed",
        "kind": "tra",
        "amount_at_most": 80_000,
        "risk_at_most": 20,
        "fraud_rate_percent": 0.12,
        "instrument": "card",
        "type_in": ["payment"],
    }
    corporate = {
        "id": "host-to-host",
        "kind": "secure_corporate",
        "risk_at_most": 20,
        "type_in": ["salary"],
        "channel_in": ["host"],
    }
    rules = policy(ASKED, exemptions=[tra, corporate])

    assert rules.evaluate(payment(80_000)).exemption == "tra"
    assert rules.evaluate(payment(80_001)).exemption is None
    assert rules.evaluate(payment(10**9, type="salary", channel="host")).exemption == "secure_corporate"
    assert rules.evaluate(payment(10**9, type="salary", channel=None)).exemption is None
