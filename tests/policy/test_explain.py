"""`explain` tells what fired, what nearly did, and the smallest change that matters, which the engine then confirms."""

import json
import random
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from authsvc.policy import loading
from authsvc.policy.commands import policy as command
from authsvc.policy.explain import explain
from authsvc.policy.inputs import Inputs
from authsvc.policy.level import Level
from authsvc.subject import Novelty
from tests.policy.builders import mapping, payment

SHIPPED = loading.shipped()
EXAMPLE = payment(125_000, type="transfer", novelty=Novelty.NEW, risk_score=73)


def test_the_contracts_example_is_two_points_of_risk_away_from_more() -> None:
    explanation = explain(SHIPPED, EXAMPLE)

    assert [(change.field, change.becomes, change.level) for change in explanation.changes] == [
        ("risk.score", 75, Level.FACE_FINGERPRINT),
        ("transaction.amount_minor", 500_000, Level.FACE_FINGERPRINT),
    ]
    assert {near.missing.rule for near in explanation.nearly} == {
        "new-device-large-amount",
        "probation-large-amount",
        "probation-high-risk",
    }


def _random_payment(chance: random.Random) -> Inputs:
    return payment(
        chance.choice([1, 23_999, 24_001, 99_999, 100_000, 450_000, 1_999_999, 2_500_000]),
        currency=chance.choice(["CNY", "EUR", "JPY", "XTS"]),
        novelty=chance.choice(list(Novelty)),
        risk_score=chance.choice([None, 0, 39, 40, 59, 60, 74, 75, 100]),
        low_value_count=chance.choice([None, 0, 4, 5]),
        low_value_sum=chance.choice([0, 57_000, 79_000]),
        verify_always=chance.random() < 0.2,
        account_blocked=chance.random() < 0.1,
    )


def test_a_change_is_the_smallest_one_in_its_direction() -> None:
    chance = random.Random(16)
    for _ in range(300):
        inputs = _random_payment(chance)
        before = SHIPPED.evaluate(inputs).level
        for change in explain(SHIPPED, inputs).changes:
            start = inputs.risk if change.field == "risk.score" else inputs.amount_minor
            just_before = change.becomes - (1 if change.becomes > start else -1)
            assert SHIPPED.evaluate(_with(inputs, change.field, change.becomes)).level is change.level
            assert SHIPPED.evaluate(_with(inputs, change.field, just_before)).level is before
            assert change.level is not before


def _with(inputs: Inputs, field: str, value: int) -> Inputs:
    return replace(inputs, risk_score=value) if field == "risk.score" else replace(inputs, amount_minor=value)


def test_the_command_says_it_in_lines_and_in_json(tmp_path: Path) -> None:
    path = tmp_path / "payment.json"
    path.write_text(json.dumps(EXAMPLE.to_snapshot()), encoding="utf-8")

    lines = CliRunner().invoke(command, ["explain", str(path)])
    machine = CliRunner().invoke(command, ["explain", "--json"], input=path.read_bytes())

    assert lines.exit_code == machine.exit_code == 0
    assert "because  new-device: device.novelty is new, bound probation" in lines.output
    assert json.loads(machine.output)["level"] == "face"
    assert Inputs.from_snapshot(json.loads(machine.output)["inputs"]) == EXAMPLE


@pytest.mark.parametrize("text", ["{", "[]", '{"type": "payment"}', '{"amount": 1}'])
def test_what_is_no_payment_is_one_line(text: str) -> None:
    result = CliRunner().invoke(command, ["explain"], input=text)

    assert result.exit_code == 1
    assert result.output.startswith("Error: input") or result.output.startswith("Error: unknown input")


def test_validate_tells_valid_from_broken(tmp_path: Path) -> None:
    good, broken = tmp_path / "good.json", tmp_path / "broken.json"
    good.write_text(json.dumps(mapping()), encoding="utf-8")
    broken.write_text(json.dumps(mapping(rules=[])), encoding="utf-8")

    assert CliRunner().invoke(command, ["validate", str(good)]).exit_code == 0
    refused = CliRunner().invoke(command, ["validate", str(broken), "--json"])
    assert refused.exit_code == 1
    assert json.loads(refused.output)["findings"][0]["path"] == ["rules"]
    assert CliRunner().invoke(command, ["validate", str(broken)]).output.startswith("broken.json: `rules`")
