"""Engine, an independent reference and the analysis say the same of ten thousand random documents."""

import json
from dataclasses import replace
from random import Random
from typing import Any

from authsvc.policy import loading
from authsvc.policy.analysis import analyze
from authsvc.policy.answers import Answer
from authsvc.policy.cells import Space
from authsvc.policy.engine import Policy
from authsvc.policy.inputs import Inputs
from authsvc.subject import Novelty
from tests.policy import chance, reference
from tests.policy.cells import cells, home

DOCUMENTS = 10_000
PAYMENTS_EACH = 4


def engine_answer(policy: Policy, inputs: Inputs) -> tuple[str, str | None, set[str]]:
    outcome = policy.evaluate(inputs)
    matching = {rule.id for rule in policy.matching(outcome.matched)}
    return outcome.level.value, outcome.exemption, matching


def engine_ways(policy: Policy, inputs: Inputs) -> list[dict[str, Any]]:
    ways = [json.loads(way.model_dump_json(exclude_none=True)) for way in policy.evaluate(inputs).ways]
    return [{**way, "factors": sorted(way["factors"])} for way in ways]


def test_the_engine_agrees_with_the_reference_whatever_the_order_of_rules() -> None:
    random = Random(2018)
    for _ in range(DOCUMENTS):
        document = chance.document(random)
        policy = loading.from_mapping(document)
        shuffled = loading.from_mapping(
            {**document, "rules": random.sample(document["rules"], len(document["rules"]))}
        )
        for _ in range(PAYMENTS_EACH):
            inputs = chance.payment(random)
            expected = reference.answer(document, inputs.to_snapshot())
            assert engine_answer(policy, inputs) == expected, (document, inputs)
            assert engine_answer(shuffled, inputs) == expected, (document, inputs)
            warning = policy.evaluate(inputs).warning
            said = None if warning is None or warning.warning is None else warning.warning.to_json()
            assert said == reference.warning(document, inputs.to_snapshot()), (document, inputs)
            assert engine_ways(policy, inputs) == reference.ways(document, inputs.to_snapshot(), expected[0])


def test_a_payments_cell_answers_as_the_payment_does() -> None:
    """What makes the walk a proof: nothing changes inside a cell."""
    random = Random(389)
    for _ in range(DOCUMENTS):
        document = chance.document(random, loosening=True)
        policy = loading.from_mapping(document, for_analysis=True)
        space = Space(policy)
        for inputs in (chance.payment(random) for _ in range(PAYMENTS_EACH)):
            if inputs.account_frozen or inputs.account_blocked or inputs.novelty is Novelty.REVOKED:
                continue
            stands_for = policy.evaluate(space.payment(home(space, policy, inputs)))
            expected = Answer.of(policy.evaluate(inputs))
            if len(inputs.risk_reasons) > 1:
                # One reason may ask for the level, and another one warn.
                expected = replace(expected, warning=Answer.of(stands_for).warning)
            assert Answer.of(stands_for) == expected, (document, inputs)


def test_the_analysis_finds_what_the_reference_finds_cell_by_cell() -> None:
    random = Random(16)
    seen = set()
    for document in (chance.document(random, loosening=True) for _ in range(250)):
        policy = loading.from_mapping(document, for_analysis=True)
        space = Space(policy)
        if space.size > 3_000:
            continue
        expected = _faults_by_reference(document, space)
        findings = analyze(policy).findings
        found = {(finding.code, finding.rules[:1]) for finding in findings if finding.code in _RULE_FAULTS}
        found |= {(finding.code, ()) for finding in findings if finding.code in ("not-monotone", "gap")}
        assert found == expected, document
        seen |= {code for code, _ in expected}
    assert seen == {*_RULE_FAULTS, "not-monotone", "gap"}


_RULE_FAULTS = ("unreachable-rule", "indecisive-rule")


def _faults_by_reference(document: dict[str, Any], space: Space) -> set[tuple[str, tuple[str, ...]]]:
    """The hard way: ask the reference about every cell, its riskier neighbours, and the document without each rule."""
    snapshots = {coords: space.payment(coords).to_snapshot() for coords in cells(space)}
    answers = {coords: reference.answer(document, each) for coords, each in snapshots.items()}
    faults: set[tuple[str, tuple[str, ...]]] = set()
    for coords, (level, _, fired) in answers.items():
        if not fired and "default" not in document:
            faults.add(("gap", ()))
        for number, edge in enumerate(space.edges):
            riskier = (*coords[:number], coords[number] + 1, *coords[number + 1 :])
            if edge.ordered and riskier in answers:
                weaker = reference.LEVELS.index(answers[riskier][0]) < reference.LEVELS.index(level)
                weaker |= _warns_less(document, snapshots[riskier], snapshots[coords])
                faults |= {("not-monotone", ())} if weaker else set()
    for rule in document["rules"]:
        without = {**document, "rules": [other for other in document["rules"] if other is not rule]}
        matched = [coords for coords, answer in answers.items() if rule["id"] in answer[2]]
        if not matched:
            faults.add(("unreachable-rule", (rule["id"],)))
        elif all(
            reference.answer(without, snapshots[coords])[:2] == answers[coords][:2]
            and reference.warning(without, snapshots[coords])
            == reference.warning(document, snapshots[coords])
            for coords in matched
        ):
            faults.add(("indecisive-rule", (rule["id"],)))
    return faults


def _warns_less(document: dict[str, Any], riskier: dict[str, Any], milder: dict[str, Any]) -> bool:
    """Whether a riskier payment that is asked for something carries less of a warning."""

    def emphasis(payment: dict[str, Any]) -> int:
        fired = reference.answer(document, payment)[2]
        warnings = [
            each["warning"] for each in document["rules"] if each["id"] in fired and "warning" in each
        ]
        return max((1 + each["strict"] for each in warnings), default=0)

    level = reference.answer(document, riskier)[0]
    before = reference.answer(document, milder)[0]
    return level != "deny" and before != "deny" and emphasis(riskier) < emphasis(milder)


def test_what_only_tightens_is_monotone_everywhere() -> None:
    random = Random(4)
    for _ in range(300):
        document = {"default": "none", **chance.document(random)}
        analysis = analyze(loading.from_mapping(document))
        assert analysis.complete
        assert "not-monotone" not in {finding.code for finding in analysis.findings}, document


def test_what_shadows_a_rule_matches_wherever_it_does() -> None:
    random = Random(8)
    for document in (chance.document(random, loosening=True) for _ in range(200)):
        policy = loading.from_mapping(document, for_analysis=True)
        space = Space(policy)
        if space.size > 2_000:
            continue
        walked = [policy.evaluate(space.payment(coords)).matched for coords in cells(space)]
        for number in range(len(policy.rules)):
            together = [matched for matched in walked if matched >> number & 1]
            if together:
                others = [other for other in range(len(policy.rules)) if other != number]
                expected = {
                    policy.rules[other] for other in others if all(each >> other & 1 for each in together)
                }
                assert set(policy.company(number)) == expected, document
