"""The rules on habits of the shipped documents: they only tighten, within what the document about them states."""

import json
from pathlib import Path

import pytest

from authsvc.policy import loading
from authsvc.policy.analysis import analyze
from authsvc.policy.diff import diff
from authsvc.policy.engine import Policy
from authsvc.policy.inputs import HABITS

ROOT = Path(__file__).parents[2]
SIGNALS = {"payee_new", "amount_unusual", "hour_unusual"}
BOUNDS = {"default": (50_000, 20), "cn": (50_000, 20), "psd2": (10_000, 40)}


def of(name: str) -> Policy:
    return loading.from_file(ROOT / f"authsvc/policy/{name}.toml")


def without(policy: Policy) -> Policy:
    mapping = json.loads(policy.canonical)
    rules = [rule for rule in mapping["rules"] if not looks(rule)]
    return loading.from_mapping({**mapping, "rules": rules, "tests": []})


def looks(rule: dict[str, object]) -> set[str]:
    return {name for name in HABITS if name in rule or f"{name}_at_least" in rule}


@pytest.mark.parametrize("name", BOUNDS)
def test_three_signals_are_looked_at_and_only_above_a_stated_amount_and_score(name: str) -> None:
    rules = [rule for rule in json.loads(of(name).canonical)["rules"] if looks(rule)]
    assert set().union(*map(looks, rules)) == SIGNALS
    assert {(rule["amount_at_least"], rule["risk_at_least"]) for rule in rules} == {BOUNDS[name]}


@pytest.mark.parametrize("name", BOUNDS)
def test_they_ask_less_of_nobody_and_more_only_where_they_say(name: str) -> None:
    tightened = of(name)
    analysis = analyze(tightened)
    assert analysis.complete
    assert analysis.findings == ()
    difference = diff(without(tightened), tightened)
    assert difference.complete
    assert difference.weaker == 0
    assert difference.regions
    amount, risk = BOUNDS[name]
    for region in difference.regions:
        inputs = region.witness.inputs
        assert region.before.level.rank < region.after.level.rank
        # What no currency of the document converts is larger than every bound.
        assert inputs.currency not in tightened.document.currencies or inputs.amount_minor >= amount
        assert inputs.risk >= risk


@pytest.mark.parametrize("name", ["default", "cn"])
def test_from_a_known_phone_a_code_is_the_most_that_they_add(name: str) -> None:
    for region in diff(without(of(name)), of(name)).regions:
        assert (region.before.level.value, region.after.level.value) == ("none", "otp")


def test_the_document_about_them_states_their_bounds() -> None:
    text = " ".join((ROOT / "docs/habits.md").read_text(encoding="utf-8").split())
    assert "from 500.00 CNY and a score of 20 on" in text
    assert "from 100.00 EUR and a score of 40 on" in text
