"""Rules and exemptions as a document states them: what says nothing, or too much, is refused."""

from typing import Any

import pytest
from pydantic import ValidationError

from authsvc.policy.level import Level
from authsvc.policy.rules import Exemption, Rule

LOW = {
    "id": "low",
    "kind": "low_value",
    "risk_at_most": 20,
    "amount_at_most": 3000,
    "cumulative_at_most": 10_000,
    "in_a_row_at_most": 5,
}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"level": "none"}, "can only make an answer stricter"),
        ({"id": "default"}, "is the name of a built-in rule"),
        ({"risk_at_least": None}, "a rule without conditions is the `default`"),
        ({"risk_at_least": 101}, "less than or equal"),
        ({"id": "Large"}, "pattern"),
        ({"amuont_at_least": 5}, "Extra inputs"),
    ],
)
def test_a_rule_says_when_and_only_tightens(change: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        Rule.model_validate({"id": "risky", "level": "otp", "risk_at_least": 50, **change})


def test_conditions_come_in_one_order_however_they_are_written() -> None:
    rule = Rule.model_validate(
        {"type_in": ["transfer"], "risk_at_least": 0, "amount_at_least": 5, "id": "a", "level": Level.FACE}
    )
    assert [each.key for each in rule.conditions] == ["amount_at_least", "risk_at_least", "type_in"]


@pytest.mark.parametrize("missing", ["amount_at_most", "cumulative_at_most", "in_a_row_at_most"])
def test_an_exemption_states_every_bound_of_its_kind(missing: str) -> None:
    assert [each.key for each in Exemption.model_validate(LOW).conditions] == [
        "amount_at_most",
        "risk_at_most",
        "device_at_most",
    ]
    with pytest.raises(ValidationError, match=f"needs `{missing}`"):
        Exemption.model_validate({name: value for name, value in LOW.items() if name != missing})
