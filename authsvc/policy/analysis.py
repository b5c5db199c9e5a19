"""What a policy document does, proved for every cell before anybody relies on it.

Nothing here is sampled: the input space is cut at every bound that occurs (`cells`), every cell is accounted for (`walk`), and
each finding carries a payment that shows it. Of a document that takes more steps than were granted nothing is claimed, and it
cannot be approved.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from authsvc.errors import InvalidRequest
from authsvc.factor import Factor
from authsvc.policy.cells import Coords
from authsvc.policy.document import EmbeddedTest
from authsvc.policy.engine import Policy
from authsvc.policy.findings import Finding, Witness
from authsvc.policy.inputs import Inputs
from authsvc.policy.level import CHALLENGES, FactorSet, Level
from authsvc.policy.profiles import Profile, check
from authsvc.policy.promises import failure_of
from authsvc.policy.walk import MOST_CELLS, Walk
from authsvc.policy.ways import Way, capture_of, sets_of


@dataclass(frozen=True, slots=True)
class Analysis:
    """`levels` counts `cells` by level; `walked` is the work that it took, equal cells once. Not `complete`: it ended early."""

    policy: Policy
    cells: int
    walked: int
    complete: bool
    levels: Mapping[Level, int]
    findings: tuple[Finding, ...]

    @property
    def has_errors(self) -> bool:
        return any(finding.severity == "error" for finding in self.findings)

    def to_json(self) -> dict[str, object]:
        return {
            "policy": {"id": self.policy.id, "version": self.policy.version, "digest": self.policy.digest},
            "cells": self.cells,
            "walked": self.walked,
            "complete": self.complete,
            "levels": {level.value: self.levels.get(level, 0) for level in Level},
            "findings": [finding.to_json() for finding in self.findings],
        }


def analyze(
    policy: Policy,
    *,
    profile: Profile | None = None,
    enrolled: frozenset[Factor] | None = None,
    most_cells: int = MOST_CELLS,
) -> Analysis:
    """Everything that can be found in a document, of all payers or of those who have just `enrolled` these factors."""
    walk = Walk(policy, most_cells)
    findings = [
        *_backwards(walk),
        *_gaps(walk),
        *_useless_rules(walk),
        *_weaker_sets(walk),
        *_broken_promises(policy),
        *_without_a_way(walk),
        *(_out_of_reach(walk, enrolled) if enrolled is not None else ()),
        *(check(profile, walk) if profile is not None else ()),
        *_unfinished(walk),
    ]
    return Analysis(policy, walk.space.size, walk.walked, walk.complete, walk.levels, tuple(findings))


def _backwards(walk: Walk) -> Iterator[Finding]:
    """Neighbours along an ordered input of which the riskier gets the weaker level. No such pair: monotone everywhere."""
    for edge, cells in walk.backwards.items():
        number = walk.space.edges.index(edge)
        before, after = (walk.outcome(cell) for cell in cells)
        mild, risky = (edge.points[cell[number]] for cell in cells)
        text = (
            f"a riskier `{edge.name}` gets a weaker level: `{before.level}` at `{mild}`, "
            f"`{after.level}` at `{risky}`"
        )
        escaped = tuple(rule for rule in before.fired if rule not in after.fired)
        witnesses = tuple(walk.witness(cell) for cell in cells)
        yield Finding("not-monotone", "error", text, escaped, witnesses=witnesses)


def _gaps(walk: Walk) -> Iterator[Finding]:
    if walk.gap is not None:
        text = "no rule covers this payment and the document has no `default`; it gets the strictest level"
        yield Finding("gap", "error", text, witnesses=(walk.witness(walk.gap),))


def _useless_rules(walk: Walk) -> Iterator[Finding]:
    for number in walk.useless:
        rule = walk.policy.rules[number]
        yield Finding("unreachable-rule", "error", f"rule `{rule.id}` can never match", (rule.id,))
    for number, first in walk.indecisive.items():
        yield _indecisive(walk, number, first)


def _indecisive(walk: Walk, number: int, first: Coords) -> Finding:
    """A rule that others overrule or repeat wherever it matches, with those that do so everywhere."""
    rule = walk.policy.rules[number]
    always = [other.id for other in walk.policy.company(number) if other.level.rank >= rule.level.rank]
    by = f"; wherever it matches, so does `{always[0]}`" if always else ""
    text = f"rule `{rule.id}` never changes an outcome{by}"
    return Finding("indecisive-rule", "warning", text, (rule.id, *always), witnesses=(walk.witness(first),))


def _weaker_sets(walk: Walk) -> Iterator[Finding]:
    """A stricter level that is proved with less than a milder one is not stricter."""
    for milder, stricter in pairwise(CHALLENGES):
        ways, strong_ways = walk.policy.ways_for(stricter), walk.policy.ways_for(milder)
        for weak in sets_of(ways):
            strong = [each for each in sets_of(strong_ways) if _is_less(weak, ways, each, strong_ways)]
            if strong:
                text = f"`{stricter}` is proved with {_shown(weak)}, less than {_shown(strong[0])} of the milder `{milder}`"
                witnesses = (*walk.example(milder, strong[0]), *walk.example(stricter, weak))
                yield Finding("weaker-set", "error", text, witnesses=witnesses)


def _is_less(weak: FactorSet, ways: Sequence[Way], strong: FactorSet, strong_ways: Sequence[Way]) -> bool:
    """Fewer factors, or the same ones by captures of which less is known."""
    if weak == strong:
        return capture_of(ways, weak).rank < capture_of(strong_ways, strong).rank
    return set(weak) < set(strong)


def _broken_promises(policy: Policy) -> Iterator[Finding]:
    for test in policy.document.tests:
        failure = failure_of(policy, test)
        if failure is not None:
            yield Finding(
                "failed-test", "error", f"test `{test.name}`: {failure}", witnesses=_stated(policy, test)
            )


def _stated(policy: Policy, test: EmbeddedTest) -> tuple[Witness, ...]:
    try:
        inputs = Inputs.from_snapshot(test.payment)
    except InvalidRequest:
        return ()
    return (Witness(inputs, policy.evaluate(inputs).level),)


def _without_a_way(walk: Walk) -> Iterator[Finding]:
    for answer, coords in walk.answers.items():
        if answer.level.asks and not answer.sets:
            text = f"`{answer.level}` is asked and its limits leave no set of factors that proves it"
            yield Finding(
                "no-way", "error", text, walk.outcome(coords).fired, witnesses=(walk.witness(coords),)
            )


def _out_of_reach(walk: Walk, enrolled: frozenset[Factor]) -> Iterator[Finding]:
    for answer, coords in walk.answers.items():
        if answer.sets and not any(enrolled.issuperset(each) for each in answer.sets):
            wanted = " or ".join(map(_shown, answer.sets))
            text = (
                f"`{answer.level}` asks for {wanted}, and only {_shown(tuple(sorted(enrolled)))} is enrolled"
            )
            yield Finding("out-of-reach", "warning", text, witnesses=(walk.witness(coords),))


def _unfinished(walk: Walk) -> Iterator[Finding]:
    if not walk.complete:
        text = f"the analysis ended after {walk.walked} steps and knows nothing of the document: it cannot be approved"
        yield Finding("not-finished", "error", text)


def _shown(factors: FactorSet) -> str:
    return " + ".join(f"`{factor}`" for factor in factors) or "nothing"
