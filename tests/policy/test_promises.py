"""The tests that a document carries: kept, or broken in words."""

from typing import Any

import pytest

from authsvc.policy.document import EmbeddedTest
from authsvc.policy.promises import failure_of
from tests.policy.builders import policy

POLICY = policy()
PAYMENT = {"type": "payment", "amount_minor": 100, "currency": "CNY", "risk_score": 60}


def failure(expect: dict[str, Any], **changes: Any) -> str | None:
    stated = {"name": "a", "payment": {**PAYMENT, **changes}, "expect": expect}
    return failure_of(POLICY, EmbeddedTest.model_validate(stated))


def test_a_promise_that_is_kept_says_nothing() -> None:
    assert failure({"level": "otp", "fired": ["risky"], "exemption": None}) is None
    assert failure({"level": "none", "fired": []}, risk_score=10) is None


@pytest.mark.parametrize(
    ("expect", "said"),
    [
        ({"level": "face"}, "expected level `face`, got `otp` from risky"),
        ({"level": "otp", "exemption": "low"}, "expected exemption `low`, got `None`"),
        ({"level": "otp", "fired": []}, "expected the rules [] to fire, got ['risky']"),
    ],
)
def test_a_broken_promise_says_what_was_expected_and_what_came(expect: dict[str, Any], said: str) -> None:
    assert failure(expect) == said


def test_a_payment_that_is_none_breaks_the_promise() -> None:
    assert failure({"level": "otp"}, amount_minor="much")
