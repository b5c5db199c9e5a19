"""Which rules of a document matter: those that can match, and those without which some payment is answered otherwise."""

from typing import Any

from authsvc.policy.boxes import Boxes
from authsvc.policy.cells import Space
from authsvc.policy.coverage import Coverage
from authsvc.policy.diagram import Budget
from tests.policy.builders import policy


def decisive(*rules: dict[str, Any], **changes: Any) -> dict[str, bool]:
    """By the rules' ids, all of which can match."""
    made = policy(*rules, **changes)
    space = Space(made)
    coverage = Coverage(made, Boxes(space, [made]), Budget(10**6))
    assert all(coverage.first(number) is not None for number in range(len(rules)))
    return {rule.id: coverage.is_decisive(number) for number, rule in enumerate(made.rules)}


def test_a_rule_behind_a_wider_and_stricter_one_decides_nothing() -> None:
    found = decisive(
        {"id": "wide", "level": "face", "risk_at_least": 10},
        {"id": "narrow", "level": "otp", "risk_at_least": 50},
        {"id": "own", "level": "face_fingerprint", "amount_at_least": 100},
    )
    assert found == {"wide": True, "narrow": False, "own": True}


def test_a_rule_no_stricter_than_the_default_decides_nothing() -> None:
    assert decisive({"id": "a", "level": "otp", "risk_at_least": 50}, default="face") == {"a": False}
