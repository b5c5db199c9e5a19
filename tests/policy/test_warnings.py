"""A rule's warning: which one a payer reads, and that it is part of what is compared, explained and proved."""

import json
from typing import Any

import pytest

from authsvc.errors import PolicyInvalid
from authsvc.policy import loading
from authsvc.policy.analysis import analyze
from authsvc.policy.backtest import Backtest
from authsvc.policy.diff import diff
from authsvc.policy.engine import Policy
from authsvc.policy.examination import examine
from authsvc.policy.explain import explain
from authsvc.policy.inputs import Inputs
from authsvc.policy.life import WEAKENS
from authsvc.policy.recorded import read
from authsvc.policy.wording import difference_lines, explanation_lines, report_lines
from tests.policy.builders import mapping

MILD, STRICT = {"kind": "refund"}, {"kind": "investment", "strict": True}


def policy_of(low: dict[str, Any] | None, high: dict[str, Any] | None, **changes: Any) -> Policy:
    """A code from a risk of 40 on, a face from 70 on, each with its warning."""
    rules = [
        {"id": "low", "level": "otp", "risk_at_least": 40, **({"warning": low} if low else {})},
        {"id": "high", "level": "face", "risk_at_least": 70, **({"warning": high} if high else {})},
    ]
    return loading.from_mapping(mapping(*rules, default="none", **changes))


def payment(risk: int, **fields: Any) -> Inputs:
    stated = {"type": "payment", "amount_minor": 100, "currency": "CNY", "novelty": "trusted"}
    return Inputs.from_snapshot({**stated, "risk_score": risk, **fields})


def shown(policy: Policy, risk: int, **fields: Any) -> str | None:
    rule = policy.evaluate(payment(risk, **fields)).warning
    return None if rule is None else rule.id


def test_a_strict_warning_goes_first_then_that_of_the_strictest_rule():
    both = policy_of(STRICT, MILD)
    assert [shown(both, risk) for risk in (39, 40, 70)] == [None, "low", "low"]
    assert [shown(policy_of(MILD, STRICT), risk) for risk in (40, 70)] == ["low", "high"]
    assert [shown(policy_of(MILD, MILD), risk) for risk in (40, 70)] == ["low", "high"]
    assert shown(both, 70, account_frozen=True) is None
    assert shown(both, 70, account_blocked=True) is None


@pytest.mark.parametrize(
    ("before", "after", "weaker"),
    [
        ((STRICT, None), (None, None), True),
        ((STRICT, None), ({**STRICT, "strict": False}, None), True),
        ((MILD, None), (None, None), True),
        ((MILD, None), ({"kind": "acquaintance"}, None), False),
        ((None, None), (MILD, STRICT), False),
        ((MILD, None), (STRICT, None), False),
    ],
)
def test_a_warning_that_is_gone_or_milder_is_weaker_and_is_told(
    before: tuple[Any, Any], after: tuple[Any, Any], weaker: bool
):
    old, new = policy_of(*before), policy_of(*after)
    change = diff(old, new)
    assert change.changed > 0
    assert (change.weaker > 0) is weaker
    assert ("asks less" in next(iter(list(difference_lines(change))[1:]))) is weaker
    said = json.dumps(change.to_json()["regions"])
    assert '"kind"' in said
    examined = examine(new, old, None, 10_000)
    assert (WEAKENS in examined["errors"]) is weaker


def test_more_risk_never_gets_less_of_a_warning():
    assert not analyze(policy_of(STRICT, None)).findings
    loosened = mapping(
        {"id": "warned", "level": "otp", "risk_at_least": 40, "risk_at_most": 60, "warning": STRICT},
        {"id": "code", "level": "otp", "risk_at_least": 40},
        default="none",
    )
    found = analyze(loading.from_mapping(loosened, for_analysis=True)).findings
    assert "not-monotone" in {finding.code for finding in found}


def test_a_rule_that_only_warns_changes_an_outcome_and_one_that_says_the_same_does_not():
    def rules(*warnings: dict[str, Any]) -> Policy:
        stated = [
            {"id": f"rule-{number}", "level": "otp", "risk_at_least": 40, "warning": warning}
            for number, warning in enumerate(warnings)
        ]
        bare = {"id": "bare", "level": "otp", "risk_at_least": 40}
        return loading.from_mapping(mapping(bare, *stated, default="none"))

    assert {finding.rules[0] for finding in analyze(rules(MILD)).findings} == {"bare"}
    assert {finding.rules[0] for finding in analyze(rules(STRICT, MILD)).findings} == {"bare", "rule-1"}


def test_an_unknown_kind_is_a_finding_that_says_what_was_meant():
    with pytest.raises(PolicyInvalid) as refused:
        policy_of({"kind": "investmnt"}, None)
    said = json.dumps(refused.value.extra["findings"])
    assert '"invalid-document"' in said
    assert "did you mean `investment`?" in said
    with pytest.raises(PolicyInvalid, match="nobody to warn"):
        loading.from_mapping(
            mapping({"id": "no", "level": "deny", "risk_at_least": 90, "warning": MILD}, default="none")
        )


def test_it_is_explained():
    explanation = explain(policy_of(MILD, STRICT), payment(75))
    assert explanation.to_json()["warning"] == {"rule": "high", "kind": "investment", "strict": True}
    assert "warning  investment (strict) by high" in list(explanation_lines(explanation))


def test_a_backtest_counts_payments_with_a_warning_and_what_it_stopped():
    old, new = policy_of(MILD, None), policy_of(STRICT, STRICT)
    backtest = Backtest(new, [old])
    ends = [(45, "stopped", "fraud"), (45, "acknowledged", "settled"), (75, None, "fraud"), (5, None, None)]
    for risk, warning, ending in ends:
        inputs = payment(risk)
        level = old.evaluate(inputs).level
        line = {"id": f"dec_{risk}", "policy": old.digest, "level": level, "inputs": inputs.to_snapshot(),
                "status": "authenticated", "ending": ending, "warning": warning}  # fmt: skip
        assert backtest.take(read(json.dumps(line)))
    report = Backtest.resumed(new, [old], json.loads(json.dumps(backtest.state()))).report()
    assert report["warnings"] == {
        "warned": {"before": {"refund": 3}, "after": {"investment": 3}},
        "fraud_warned": {"before": {"refund": 2}, "after": {"investment": 2}},
        "shown": {"refund": 2},
        "stopped": {"refund": 1},
    }
    assert any(line.startswith("fraud warned") for line in report_lines(report))
