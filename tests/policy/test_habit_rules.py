"""The rules on habits that the document about them proposes: they fit onto the shipped documents and only tighten."""

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest

from authsvc.policy import loading
from authsvc.policy.analysis import analyze
from authsvc.policy.diff import diff
from authsvc.policy.engine import Policy
from authsvc.policy.inputs import Inputs
from authsvc.policy.level import Level
from authsvc.subject import Novelty

ROOT = Path(__file__).parents[2]


def proposed() -> list[dict[str, Any]]:
    text = (ROOT / "docs/habits.md").read_text(encoding="utf-8")
    return list(tomllib.loads(text.partition("```toml\n")[2].partition("```")[0])["rules"])


def with_rules(policy: Policy) -> Policy:
    mapping = json.loads(policy.canonical)
    return loading.from_mapping({**mapping, "rules": [*mapping["rules"], *proposed()]})


@pytest.mark.parametrize("name", ["default", "cn"])
def test_they_keep_every_promise_of_a_shipped_document_and_ask_less_of_nobody(name: str) -> None:
    shipped = loading.from_file(ROOT / f"authsvc/policy/{name}.toml")
    tightened = with_rules(shipped)

    analysis = analyze(tightened)
    assert analysis.complete
    assert not analysis.has_errors
    difference = diff(shipped, tightened)
    assert difference.complete
    assert difference.changed > 0
    assert difference.weaker == 0


def test_they_ask_about_what_is_unlike_a_payer_and_of_somebody_unknown() -> None:
    policy = with_rules(loading.shipped())
    usual = {"payee_new": False, "amount_unusual": 1, "hour_unusual": False, "dormant": False}

    def level(**habits: object) -> Level:
        snapshot = {
            "type": "payment",
            "amount_minor": 60_000,
            "currency": "CNY",
            "novelty": Novelty.TRUSTED.value,
        }
        return policy.evaluate(Inputs.from_snapshot({**snapshot, "risk_score": 5, **habits})).level

    assert level(**usual) is Level.NONE
    assert level() is Level.OTP
    assert level(**{**usual, "amount_unusual": 4}) is Level.OTP
    assert level(**{**usual, "payee_new": True}) is Level.NONE
    assert level(**{**usual, "payee_new": True, "hour_unusual": True}) is Level.OTP
    assert level(**{**usual, "payee_new": True, "dormant": True}) is Level.OTP
