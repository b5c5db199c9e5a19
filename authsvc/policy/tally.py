"""What a backtest counts: a bounded number of counters and a few sampled flips, however many decisions there are."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from authsvc.policy.engine import Outcome
from authsvc.policy.level import CHALLENGES, Level
from authsvc.policy.recorded import ABANDONED, Recorded

SAMPLES = 20
"""How many payments are kept to look at, of those that become stricter and of those that become weaker."""

MOST_REASONS = 50
STRICTER, WEAKER = "stricter", "weaker"
UNWARNED = "no warning"
_ARROW = " > "


@dataclass(slots=True)
class Tally:
    """Counters, keyed by words so that they are JSON as they stand. `read` counts lines, eligible or not.

    `moves` counts `before > after`; `fraud` and `settled` the same of those payments that the backend labelled so.
    `flips`, `amounts` and `samples` are of the payments that change their level, by direction; `challenges` and
    `abandoned` are what payers really did, by level and by factor. `warned` counts `before > after` of the kind of the warning,
    `fraud_warned` the same of payments labelled fraud, `shown` and `stopped` the warnings that payers really met.
    """

    read: int = 0
    eligible: int = 0
    skipped: Counter[str] = field(default_factory=Counter)
    moves: Counter[str] = field(default_factory=Counter)
    fraud: Counter[str] = field(default_factory=Counter)
    settled: Counter[str] = field(default_factory=Counter)
    challenges: Counter[str] = field(default_factory=Counter)
    abandoned: Counter[str] = field(default_factory=Counter)
    flips: Counter[str] = field(default_factory=Counter)
    amounts: Counter[str] = field(default_factory=Counter)
    not_convertible: Counter[str] = field(default_factory=Counter)
    warned: Counter[str] = field(default_factory=Counter)
    fraud_warned: Counter[str] = field(default_factory=Counter)
    shown: Counter[str] = field(default_factory=Counter)
    stopped: Counter[str] = field(default_factory=Counter)
    samples: dict[str, list[dict[str, object]]] = field(default_factory=dict)

    def skip(self, reason: str) -> None:
        """A decision that cannot be used. Reasons may quote what they complain of, so their number is bounded."""
        known = reason in self.skipped or len(self.skipped) < MOST_REASONS
        self.skipped[reason if known else "other reasons"] += 1

    def count(self, decision: Recorded, before: Outcome, after: Outcome, amount: int | None) -> None:
        """A decision that was reproduced; `amount` is None where it cannot be converted."""
        self.eligible += 1
        move = f"{_answer(before)}{_ARROW}{_answer(after)}"
        self.moves[move] += 1
        if decision.ending == "fraud":
            self.fraud[move] += 1
        elif decision.ending == "settled":
            self.settled[move] += 1
        if before.level.asks and decision.status is not None:
            self._watch(decision, before.level)
        self._warn(decision, before, after)
        if before.level is not after.level:
            direction = STRICTER if after.level.rank > before.level.rank else WEAKER
            self._flip(direction, amount)
            self._sample(direction, decision, move)

    def to_json(self) -> dict[str, Any]:  # Any: JSON.
        return {each.name: getattr(self, each.name) for each in fields(self)}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Tally:  # Any: JSON.
        counters = {each.name for each in fields(cls)} - {"read", "eligible", "samples"}
        values: dict[str, Any] = {
            name: Counter(value) if name in counters else value for name, value in stored.items()
        }
        return cls(**values)

    def _watch(self, decision: Recorded, level: Level) -> None:
        """How the payer took the challenge that was really asked."""
        for name in (level.value, *(f"factor {factor.value}" for factor in decision.factors)):
            self.challenges[name] += 1
            self.abandoned[name] += decision.status in ABANDONED

    def _warn(self, decision: Recorded, before: Outcome, after: Outcome) -> None:
        kinds = _warning(before), _warning(after)
        if kinds != (UNWARNED, UNWARNED):
            self.warned[_ARROW.join(kinds)] += 1
            self.fraud_warned[_ARROW.join(kinds)] += decision.ending == "fraud"
        if decision.warning is not None:
            self.shown[kinds[0]] += 1
            self.stopped[kinds[0]] += decision.warning == "stopped"

    def _flip(self, direction: str, amount: int | None) -> None:
        self.flips[direction] += 1
        if amount is None:
            self.not_convertible[direction] += 1
        else:
            self.amounts[direction] += amount

    def _sample(self, direction: str, decision: Recorded, move: str) -> None:
        """Keep each flip with equal chance (Vitter 1985, algorithm R), seeded by its place so that reruns keep the same."""
        kept = self.samples.setdefault(direction, [])
        place = random.Random(self.read).randrange(self.flips[direction])  # noqa: S311  # A sample is no secret.
        if len(kept) >= SAMPLES and place >= SAMPLES:
            return
        inputs = decision.inputs.to_snapshot()
        flip: dict[str, object] = {
            "id": decision.id,
            "move": move,
            "ending": decision.ending,
            "inputs": inputs,
        }
        if len(kept) < SAMPLES:
            kept.append(flip)
        else:
            kept[place] = flip


def report(tally: Tally) -> dict[str, object]:
    """The counters as figures; every rate is None where nothing was counted."""
    return {
        "read": tally.read,
        "eligible": tally.eligible,
        "skipped": dict(tally.skipped),
        "migrations": _matrix(tally.moves),
        "challenge_rate": _both(tally.moves, _rate_of_challenges),
        "fraud": {"labelled": tally.fraud.total(), **_both(tally.fraud, _caught_and_missed)},
        "settled": {
            "labelled": tally.settled.total(),
            "challenge_rate": _both(tally.settled, _rate_of_challenges),
        },
        "warnings": _warnings(tally),
        "abandonment": _abandonment(tally),
        STRICTER: _direction(tally, STRICTER),
        WEAKER: _direction(tally, WEAKER),
    }


def _answer(outcome: Outcome) -> str:
    return outcome.level.value if outcome.exemption is None else f"exempted {outcome.exemption}"


def _warning(outcome: Outcome) -> str:
    rule = outcome.warning
    return UNWARNED if rule is None or rule.warning is None else rule.warning.kind.value


def _warnings(tally: Tally) -> dict[str, object]:
    """By kind: payments with a warning, those of them labelled fraud, and how often one that was shown stopped a payment."""
    return {
        "warned": _both(tally.warned, _by_kind),
        "fraud_warned": _both(tally.fraud_warned, _by_kind),
        "shown": dict(tally.shown),
        "stopped": dict(+tally.stopped),
    }


def _by_kind(kinds: Counter[str]) -> dict[str, int]:
    return {kind: times for kind, times in sorted(kinds.items()) if kind != UNWARNED and times}


def _matrix(moves: Counter[str]) -> dict[str, dict[str, int]]:
    matrix: dict[str, dict[str, int]] = {}
    for move, times in sorted(moves.items()):
        before, after = move.split(_ARROW)
        matrix.setdefault(before, {})[after] = times
    return matrix


def _by_answer(moves: Counter[str], side: int) -> Counter[str]:
    """How often each answer was given before (side 0) or would be given after (side 1)."""
    answers: Counter[str] = Counter()
    for move, times in moves.items():
        answers[move.split(_ARROW)[side]] += times
    return answers


def _both(moves: Counter[str], figure: Callable[[Counter[str]], object]) -> dict[str, object]:
    return {"before": figure(_by_answer(moves, 0)), "after": figure(_by_answer(moves, 1))}


def _rate_of_challenges(answers: Counter[str]) -> float | None:
    return _rate(sum(answers[level.value] for level in CHALLENGES), answers.total())


def _caught_and_missed(answers: Counter[str]) -> dict[str, int]:
    """Caught is whatever was asked or denied; what passed unasked was missed."""
    caught = sum(answers[level.value] for level in (*CHALLENGES, Level.DENY))
    return {"caught": caught, "missed": answers.total() - caught}


def _abandonment(tally: Tally) -> dict[str, object]:
    """What was seen of each level and factor, and what to expect: the level's own rate for every challenge of it."""
    seen = {
        name: {
            "challenges": begun,
            "abandoned": tally.abandoned[name],
            "rate": _rate(tally.abandoned[name], begun),
        }
        for name, begun in sorted(tally.challenges.items())
    }
    return {"seen": seen, "expected": _both(tally.moves, lambda answers: _expected(tally, answers))}


def _expected(tally: Tally, answers: Counter[str]) -> float | None:
    """Abandoned challenges; None where a level would be asked that nobody was watched at."""
    expected = 0.0
    for level in CHALLENGES:
        rate = _rate(tally.abandoned[level.value], tally.challenges[level.value])
        if answers[level.value] and rate is None:
            return None
        expected += answers[level.value] * (rate or 0.0)
    return expected


def _direction(tally: Tally, direction: str) -> dict[str, object]:
    return {
        "decisions": tally.flips[direction],
        "amount_minor": tally.amounts[direction],
        "not_convertible": tally.not_convertible[direction],
        "samples": tally.samples.get(direction, []),
    }


def _rate(part: int, whole: int) -> float | None:
    return part / whole if whole else None
