"""What spans several parts of a document, and so is checked behind its schema."""

from typing import Any

import pytest
from pydantic import ValidationError

from authsvc.policy.document import Document
from tests.policy.builders import mapping

RULE = {"id": "risky", "level": "otp", "risk_at_least": 50}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"levels": {"otp": {"sets": [["otp"]]}}}, "level `face` has no sets"),
        ({"reference_currency": "USD"}, "must be among the currencies"),
        ({"rules": [RULE, RULE]}, "are called `risky`"),
        ({"biometrics": {"face": {"fmr": "1 in 10000"}}}, "`biometrics.voice` must state the `fmr`"),
        ({"currencies": {"CNY": {"worth": "1", "minor_digits": 3}}}, "CNY"),
        (
            {
                "currencies": {
                    "CNY": {"worth": "1", "minor_digits": 2},
                    "EUR": {"worth": "0", "minor_digits": 2},
                }
            },
            "worth nothing",
        ),
        ({"rules": []}, "at least 1 item"),
    ],
)
def test_a_document_that_does_not_add_up_is_refused(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        Document.model_validate(mapping(**changes))


def test_amounts_convert_by_worth_and_digits() -> None:
    conversion = Document.model_validate(mapping()).conversion
    assert (conversion(100, "CNY"), conversion(100, "EUR"), conversion(100, "JPY")) == (100, 800, 500)


def test_nothing_missing_reads_as_less_than_the_riskiest() -> None:
    with pytest.raises(ValidationError):
        Document.model_validate(mapping(on_missing={"risk_score": 0}))
