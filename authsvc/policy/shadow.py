"""What a candidate would have answered to live payments, counted beside what the active policy did answer.

Pure counting; `authsvc.policy_life.shadowing` feeds it, away from the decisions, and puts it into the store.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from authsvc.policy.engine import Policy
from authsvc.policy.inputs import Inputs

SAMPLES = 20
"""How many decisions of each difference are kept to look at."""

FAILED = "failed"
"""What stands in place of the candidate's answer where it gave none: a finding."""

NOT_COMPARED = "not_compared"
"""What was decided while the comparison could not keep up."""

Move = tuple[str, str]
"""The active policy's answer, and the candidate's: a level, or `exempted` and the kind of the exemption."""


@dataclass(slots=True)
class Differences:
    """Counts by move, equal answers included, and the decisions that show each difference."""

    moves: Counter[Move] = field(default_factory=Counter)
    samples: dict[Move, list[str]] = field(default_factory=dict)

    def count(self, decision_id: str, before: str, after: str) -> None:
        move = before, after
        self.moves[move] += 1
        kept = self.samples.setdefault(move, [])
        if before != after and len(kept) < SAMPLES:
            kept.append(decision_id)


def answer_of(candidate: Policy, inputs: Mapping[str, object]) -> str:
    """What a candidate says to an input snapshot, or FAILED where it says nothing."""
    try:
        outcome = candidate.evaluate(Inputs.from_snapshot(inputs))
    except Exception:  # noqa: BLE001  # Whatever goes wrong in a candidate is a finding about it and nobody else's trouble.
        return FAILED
    return named(outcome.level.value, outcome.exemption)


def named(level: str, exemption: str | None) -> str:
    """An answer in one word, as the backtest's matrix names it."""
    return level if exemption is None else f"exempted {exemption}"


@dataclass(frozen=True, slots=True)
class Comparison:
    """A shadow run as it stands: every move with its count, and sampled decisions of those that differ."""

    moves: Mapping[Move, int]
    samples: Mapping[Move, tuple[str, ...]]

    @property
    def compared(self) -> int:
        return sum(
            times for (before, after), times in self.moves.items() if NOT_COMPARED not in (before, after)
        )

    @property
    def failed(self) -> int:
        """How often the candidate failed: anything but 0 is a finding."""
        return sum(times for (_, after), times in self.moves.items() if after == FAILED)

    @property
    def not_compared(self) -> int:
        return sum(times for (_, after), times in self.moves.items() if after == NOT_COMPARED)

    @property
    def different(self) -> int:
        return sum(
            times
            for (before, after), times in self.moves.items()
            if before != after and after not in (FAILED, NOT_COMPARED)
        )
