"""What a policy document does, proved cell by cell before anybody relies on it.

Nothing here is sampled: the input space is cut at every bound that occurs (`cells`), every cell is visited (`walk`), and
each finding carries a payment that shows it. A document too large to walk is said to be so, and nothing is claimed of
what was not seen.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise

from authsvc.errors import InvalidRequest
from authsvc.factor import Factor
from authsvc.policy.cells import MOST_CELLS
from authsvc.policy.document import EmbeddedTest
from authsvc.policy.engine import Policy
from authsvc.policy.findings import Finding, Witness
from authsvc.policy.inputs import Inputs
from authsvc.policy.level import CHALLENGES, FactorSet, Level
from authsvc.policy.profiles import Profile, check
from authsvc.policy.promises import failure_of
from authsvc.policy.walk import Walk


@dataclass(frozen=True, slots=True)
class Analysis:
    """`levels` counts cells by level; `complete` says that all `cells` were walked."""

    policy: Policy
    cells: int
    walked: int
    levels: Mapping[Level, int]
    findings: tuple[Finding, ...]

    @property
    def complete(self) -> bool:
        return self.walked == self.cells

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
    return Analysis(policy, walk.space.size, walk.walked, walk.levels, tuple(findings))


def _backwards(walk: Walk) -> Iterator[Finding]:
    """Neighbours along an ordered input of which the riskier gets the weaker level. No such pair: monotone everywhere."""
    for number, edge in enumerate(walk.space.edges):
        falls = list(walk.falls(number)) if edge.ordered else []
        if not falls:
            continue
        cells = [walk.space.at(place) for place in (falls[0], falls[0] + walk.space.step(number))]
        before, after = (walk.outcome(cell) for cell in cells)
        mild, risky = (edge.points[cell[number]] for cell in cells)
        text = (
            f"a riskier `{edge.name}` gets a weaker level: `{before.level}` at `{mild}`, "
            f"`{after.level}` at `{risky}` ({len(falls)} pairs of cells)"
        )
        escaped = tuple(rule for rule in before.fired if rule not in after.fired)
        witnesses = tuple(walk.witness(cell) for cell in cells)
        yield Finding("not-monotone", "error", text, escaped, witnesses=witnesses)


def _gaps(walk: Walk) -> Iterator[Finding]:
    if walk.gap is not None:
        text = "no rule covers this payment and the document has no `default`; it gets the strictest level"
        yield Finding("gap", "error", text, witnesses=(walk.witness(walk.gap),))


def _useless_rules(walk: Walk) -> Iterator[Finding]:
    for number, rule in enumerate(walk.policy.rules if walk.complete else ()):
        if not walk.reached >> number & 1:
            yield Finding("unreachable-rule", "error", f"rule `{rule.id}` can never match", (rule.id,))
        elif not walk.decisive >> number & 1:
            yield _indecisive(walk, number)


def _indecisive(walk: Walk, number: int) -> Finding:
    """A rule that others overrule or repeat wherever it matches, with those that do so everywhere."""
    rule = walk.policy.rules[number]
    always = [other.id for other in walk.policy.company(number) if other.level.rank >= rule.level.rank]
    by = f"; wherever it matches, so does `{always[0]}`" if always else ""
    text = f"rule `{rule.id}` never changes an outcome{by}"
    return Finding(
        "indecisive-rule", "warning", text, (rule.id, *always), witnesses=(walk.witness(walk.first[number]),)
    )


def _weaker_sets(walk: Walk) -> Iterator[Finding]:
    """A stricter level that is proved with less than a milder one is not stricter."""
    for milder, stricter in pairwise(CHALLENGES):
        for weak in walk.policy.sets_for(stricter):
            strong = [each for each in walk.policy.sets_for(milder) if set(weak) < set(each)]
            if strong:
                text = f"`{stricter}` is proved with {_shown(weak)}, less than {_shown(strong[0])} of the milder `{milder}`"
                witnesses = (*walk.example(milder, strong[0]), *walk.example(stricter, weak))
                yield Finding("weaker-set", "error", text, witnesses=witnesses)


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
        text = f"{walk.walked} of {walk.space.size} cells were walked; nothing is claimed of the others"
        yield Finding("not-finished", "warning", text)


def _shown(factors: FactorSet) -> str:
    return " + ".join(f"`{factor}`" for factor in factors) or "nothing"
