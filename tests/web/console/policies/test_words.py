"""What may stand where in a policy's text: keys of each table, and the values of a key as TOML writes them."""

from typing import Any

import pytest

from authsvc.policy.level import Level
from authsvc.policy.rules import Rule
from authsvc.web.console.policies.words import words


def at(*path: str) -> Any:  # Any: JSON.
    found: Any = words()
    for name in path:
        found = found["keys"][name]
    return found


def test_a_table_has_the_keys_that_a_document_may_state():
    assert set(at("rules")["keys"]) == set(Rule.model_fields)
    assert at("rules")["list"]


@pytest.mark.parametrize(
    ("path", "values"),
    [
        (("rules", "level"), [f'"{level.value}"' for level in Level]),
        (("rules", "synced"), ["true"]),
        (("rules", "warning", "strict"), ["true", "false"]),
        (("on_missing", "risk_score"), ["100"]),
        (("biometrics", "face", "liveness", "otp"), ['"passive"', '"active"', '"both"']),
        (("currencies", "*", "worth"), []),
        (("rules", "amount_at_least"), []),
    ],
)
def test_a_key_has_its_values(path: tuple[str, ...], values: list[str]):
    assert at(*path)["values"] == values
    assert not at(*path)["list"]


def test_a_way_of_a_level_is_a_list_of_factors_or_a_table():
    sets = at("levels", "otp", "sets")
    assert sets["list"]
    assert '"device_uv"' in sets["values"]
    assert {"factors", "amount_at_most", "capture_at_least"} <= set(sets["keys"])
    assert at("levels", "otp", "sets", "factors")["values"] == sets["values"]
