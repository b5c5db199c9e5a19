"""One payment explained: the rules that fired, those that nearly did, and the smallest change that changes the answer."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from authsvc.policy.conditions import Axis, Reason
from authsvc.policy.engine import Outcome, Policy
from authsvc.policy.inputs import RISKIEST, Inputs
from authsvc.policy.level import Level
from authsvc.policy.rules import Rule


@dataclass(frozen=True, slots=True)
class NearMiss:
    """A stricter rule that one condition kept from firing; `missing` is that condition."""

    level: Level
    missing: Reason


@dataclass(frozen=True, slots=True)
class Change:
    """The nearest other value of one input, all else equal, that gets another level."""

    field: str
    was: int | None
    becomes: int
    level: Level


@dataclass(frozen=True, slots=True)
class Explanation:
    outcome: Outcome
    nearly: tuple[NearMiss, ...]
    changes: tuple[Change, ...]

    def to_json(self) -> dict[str, object]:
        outcome = self.outcome
        return {
            "level": outcome.level.value,
            "asked": outcome.asked.value,
            "exemption": outcome.exemption,
            "warning": None
            if outcome.warning is None
            else {"rule": outcome.warning.id, **_said(outcome.warning)},
            "sets": [[factor.value for factor in each] for each in outcome.sets],
            "ways": [way.model_dump(mode="json", exclude_none=True) for way in outcome.ways],
            "gestures": outcome.gestures,
            "shut": [reason.to_json() for reason in outcome.shut],
            "fired": list(outcome.fired),
            "reasons": [reason.to_json() for reason in outcome.reasons],
            "nearly": [{"level": near.level.value, **near.missing.to_json()} for near in self.nearly],
            "changes": [
                {
                    "field": change.field,
                    "is": change.was,
                    "becomes": change.becomes,
                    "level": change.level.value,
                }
                for change in self.changes
            ],
            "inputs": outcome.inputs.to_snapshot(),
            "policy": {
                "id": outcome.policy.id,
                "version": outcome.policy.version,
                "digest": outcome.policy.digest,
            },
        }


def _said(rule: Rule) -> dict[str, object]:
    return {} if rule.warning is None else rule.warning.to_json()


def explain(policy: Policy, inputs: Inputs) -> Explanation:
    """Everything that can be said of one payment. Pure, like the evaluation itself; hundreds of them, so not for a hot path."""
    outcome = policy.evaluate(inputs)
    changes = (*_nearest(outcome, _risks(inputs)), *_nearest(outcome, _amounts(outcome)))
    return Explanation(outcome, tuple(_nearly(outcome)), changes)


def _nearly(outcome: Outcome) -> Iterator[NearMiss]:
    seen = outcome.policy.seen(outcome.inputs)
    for rule in outcome.policy.document.rules:
        missing = [condition for condition in rule.conditions if not condition.holds(seen)]
        if len(missing) == 1 and rule.level.rank > outcome.asked.rank:
            yield NearMiss(rule.level, missing[0].reason(rule.id, seen))


@dataclass(frozen=True, slots=True)
class _Steps:
    """Values of one input to try, from the nearest on, in one direction."""

    axis: Axis
    was: int | None
    tries: Iterable[tuple[int, Inputs]]


def _nearest(outcome: Outcome, directions: Iterable[_Steps]) -> Iterator[Change]:
    for steps in directions:
        for value, inputs in steps.tries:
            level = outcome.policy.evaluate(inputs).level
            if level is not outcome.level:
                yield Change(steps.axis.value, steps.was, value, level)
                break


def _risks(inputs: Inputs) -> Iterator[_Steps]:
    for scores in (range(inputs.risk + 1, RISKIEST + 1), range(inputs.risk - 1, -1, -1)):
        tries = ((score, replace(inputs, risk_score=score)) for score in scores)
        yield _Steps(Axis.RISK, inputs.risk_score, tries)


def _amounts(outcome: Outcome) -> Iterator[_Steps]:
    """Between two cuts nothing changes: upwards the cuts themselves are tried, downwards the last amount before each."""
    inputs, policy = outcome.inputs, outcome.policy
    convert = policy.document.conversion
    starts = [convert.smallest(cut, inputs.currency) for cut in policy.amount_cuts(inputs.low_value_sum or 0)]
    cuts = sorted({start for start in starts if start is not None})
    upwards = [cut for cut in cuts if cut > inputs.amount_minor]
    downwards = [cut - 1 for cut in reversed(cuts) if 0 < cut <= inputs.amount_minor]
    for amounts in (upwards, downwards):
        tries = ((amount, replace(inputs, amount_minor=amount)) for amount in amounts)
        yield _Steps(Axis.AMOUNT, inputs.amount_minor, tries)
