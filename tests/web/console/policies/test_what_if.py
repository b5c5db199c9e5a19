"""A made-up payment goes through a form and comes back the same."""

from urllib.parse import parse_qsl

import pytest

from authsvc.errors import InvalidRequest
from authsvc.policy.inputs import Inputs
from authsvc.subject import Novelty
from authsvc.web.console.policies.what_if import payment_of, query_of


def test_a_payment_goes_through_the_form_and_comes_back_the_same() -> None:
    inputs = Inputs(
        "transfer",
        125_000,
        "CNY",
        Novelty.NEW,
        73,
        ("new_payee",),
        "app",
        True,
        verify_always=True,
        amount_unusual=7,
        payee_new=True,
        hour_unusual=False,
        dormant=False,
        gait_unlike=True,
    )
    typed = dict(parse_qsl(query_of(inputs.to_snapshot()), keep_blank_values=True))

    assert Inputs.from_snapshot(payment_of(typed)) == inputs


def test_what_is_left_empty_is_not_known() -> None:
    snapshot = payment_of({"type": "payment", "amount_minor": "1", "currency": "CNY", "risk_score": " "})

    assert Inputs.from_snapshot(snapshot) == Inputs("payment", 1, "CNY")


@pytest.mark.parametrize("typed", ["12.5", "1e3", "², ", "9" * 30])
def test_what_is_no_number_is_refused_by_name(typed: str) -> None:
    with pytest.raises(InvalidRequest, match="amount_minor"):
        payment_of({"amount_minor": typed})
