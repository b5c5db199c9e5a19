"""Engine, an independent reference and the analysis say the same of thousands of random documents.

`AUTHSVC_POLICY_DOCUMENTS` says of how many.
"""

import json
import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from random import Random
from typing import Any

from authsvc.policy import loading
from authsvc.policy.analysis import analyze
from authsvc.policy.answers import Answer
from authsvc.policy.cells import Space
from authsvc.policy.engine import Policy
from authsvc.policy.inputs import FLAGS, Inputs
from authsvc.subject import Novelty
from tests.policy import chance, reference
from tests.policy.cells import cells, home

DOCUMENTS = int(os.environ.get("AUTHSVC_POLICY_DOCUMENTS", "2000"))
ANALYSED = int(os.environ.get("AUTHSVC_POLICY_DOCUMENTS", "300"))
PAYMENTS_EACH = 8


def engine_answer(policy: Policy, inputs: Inputs) -> tuple[str, str | None, set[str]]:
    outcome = policy.evaluate(inputs)
    matching = {rule.id for rule in policy.matching(outcome.matched)}
    return outcome.level.value, outcome.exemption, matching


def engine_ways(policy: Policy, inputs: Inputs) -> list[dict[str, Any]]:
    ways = [json.loads(way.model_dump_json(exclude_none=True)) for way in policy.evaluate(inputs).ways]
    return [{**way, "factors": sorted(way["factors"])} for way in ways]


def test_the_engine_agrees_with_the_reference_whatever_the_order_of_rules() -> None:
    random = Random(2018)
    met: Counter[tuple[str | bool | None, ...]] = Counter()
    for _ in range(DOCUMENTS):
        document = chance.document(random)
        policy = loading.from_mapping(document)
        shuffled = loading.from_mapping(
            {**document, "rules": random.sample(document["rules"], len(document["rules"]))}
        )
        for number in range(PAYMENTS_EACH):
            inputs = chance.payment(random) if number % 4 else chance.mild_payment(random)
            expected = reference.answer(document, inputs.to_snapshot())
            assert engine_answer(policy, inputs) == expected, (document, inputs)
            assert engine_answer(shuffled, inputs) == expected, (document, inputs)
            warning = policy.evaluate(inputs).warning
            said = None if warning is None or warning.warning is None else warning.warning.to_json()
            assert said == reference.warning(document, expected), (document, inputs)
            assert engine_ways(policy, inputs) == reference.ways(document, inputs.to_snapshot(), expected[0])
            met.update(_met(document, expected))
    assert len(met) == 2 * len(CONDITIONS) + len(reference.LEVELS) + 1
    assert min(met.values()) >= 100, met.most_common()[-3:]


OTHERS = [
    "device_worse_than",
    "type_in",
    "channel_in",
    "risk_reason_in",
    "synced",
    "verify_always",
    "proven_lacks",
]
CONDITIONS = {
    *FLAGS,
    *OTHERS,
    *(f"{each}_at_least" for each in ("amount", "risk", "device", "amount_unusual")),
}


def _met(
    document: dict[str, Any], expected: tuple[str, str | None, set[str]]
) -> Iterator[tuple[str | bool | None, ...]]:
    """What the draw met: each level, an exemption, and each condition where its rule matched and where it did not."""
    level, exemption, fired = expected
    yield (level,) if exemption is None else (exemption,)
    for rule in document["rules"]:
        yield from ((key, rule["id"] in fired) for key in rule.keys() & CONDITIONS)


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
    warnings = {coords: reference.warning(document, each) for coords, each in answers.items()}
    emphases = {coords: _emphasis(document, fired) for coords, (_, _, fired) in answers.items()}
    faults: set[tuple[str, tuple[str, ...]]] = set()
    for coords, (level, _, fired) in answers.items():
        if not fired and "default" not in document:
            faults.add(("gap", ()))
        for number, edge in enumerate(space.edges):
            riskier = (*coords[:number], coords[number] + 1, *coords[number + 1 :])
            if edge.ordered and riskier in answers:
                then = answers[riskier][0]
                weaker = reference.LEVELS.index(then) < reference.LEVELS.index(level)
                # A riskier payment that is asked for something carries less of a warning.
                weaker |= "deny" not in (then, level) and emphases[riskier] < emphases[coords]
                faults |= {("not-monotone", ())} if weaker else set()
    for rule in document["rules"]:
        without = {**document, "rules": [other for other in document["rules"] if other is not rule]}
        matched = [coords for coords, answer in answers.items() if rule["id"] in answer[2]]
        if not matched:
            faults.add(("unreachable-rule", (rule["id"],)))
        elif all(
            then[:2] == answers[coords][:2] and reference.warning(without, then) == warnings[coords]
            for coords in matched
            for then in [reference.answer(without, snapshots[coords])]
        ):
            faults.add(("indecisive-rule", (rule["id"],)))
    return faults


def _emphasis(document: dict[str, Any], fired: set[str]) -> int:
    warnings = [each["warning"] for each in document["rules"] if each["id"] in fired and "warning" in each]
    return max((1 + each["strict"] for each in warnings), default=0)


def test_what_only_tightens_is_monotone_everywhere() -> None:
    random, walked = Random(4), set()
    for _ in range(ANALYSED):
        document = {"default": "none", **chance.document(random)}
        policy = loading.from_mapping(document)
        analysis = analyze(policy)
        assert analysis.complete
        assert "not-monotone" not in {finding.code for finding in analysis.findings}, document
        walked |= {edge.name for edge in Space(policy).edges if edge.ordered and len(edge.points) > 1}
    assert walked >= {f"habit.{name}" for name in (*FLAGS, "amount_unusual")}


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
