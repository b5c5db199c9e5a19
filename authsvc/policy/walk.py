"""One pass over every cell of a policy, keeping what the analysis asks about and nothing more."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from authsvc.factor import Category
from authsvc.policy.cells import Coords, Space
from authsvc.policy.engine import Outcome, Policy
from authsvc.policy.findings import Witness
from authsvc.policy.level import FactorSet, Level


@dataclass(frozen=True, slots=True)
class Answer:
    """What a payer meets: cells with the same answer are the same to every profile."""

    level: Level
    exempted: bool
    sets: tuple[FactorSet, ...]
    proven: tuple[Category, ...]


class Walk:
    """`ranks` holds the rank of each walked cell's level, one byte each, in the order of `Space.cells`.

    `reached` are the rules that match somewhere, `first` the first cell of each; `decisive` are those without which some
    cell would get another answer.
    `answers` has the first cell of each answer, `gap` the first cell that no rule covers and no default answers.
    """

    def __init__(self, policy: Policy, limit: int) -> None:
        self.policy = policy
        self.space = Space(policy)
        self.walked = min(limit, self.space.size)
        self.reached = 0
        self.first: dict[int, Coords] = {}
        self.decisive = 0
        self.gap: Coords | None = None
        self.answers: dict[Answer, Coords] = {}
        self.levels: Counter[Level] = Counter()
        self.ranks = bytearray()
        for coords in islice(self.space.cells(), limit):
            self._visit(coords)

    @property
    def complete(self) -> bool:
        """Whether every cell was walked, so that what is said of the document is proved."""
        return self.walked == self.space.size

    def falls(self, number: int) -> Iterator[int]:
        """The cells, by place in `ranks`, whose next riskier neighbour along edge `number` gets a weaker level."""
        step = self.space.step(number)
        row = step * len(self.space.edges[number].points)
        for start in range(0, self.walked, row):
            milder = self.ranks[start : start + row - step]
            riskier = self.ranks[start + step : start + row]
            # The last row may end early, where the walk did: what was not walked has no neighbour.
            for place, (before, after) in enumerate(zip(milder, riskier, strict=False), start):
                if after < before:
                    yield place

    def witness(self, coords: Coords) -> Witness:
        inputs = self.space.payment(coords)
        return Witness(inputs, self.policy.evaluate(inputs).level)

    def outcome(self, coords: Coords) -> Outcome:
        return self.policy.evaluate(self.space.payment(coords))

    def example(self, level: Level, factors: FactorSet) -> tuple[Witness, ...]:
        """A payment that may be proved at a level with these factors; none where no payment gets there."""
        found = (
            at for answer, at in self.answers.items() if answer.level is level and factors in answer.sets
        )
        return tuple(self.witness(coords) for coords in islice(found, 1))

    def _visit(self, coords: Coords) -> None:
        outcome = self.outcome(coords)
        self.ranks.append(outcome.level.rank)
        self.levels[outcome.level] += 1
        for number in _bits(outcome.matched & ~self.reached):
            self.first[number] = coords
        self.reached |= outcome.matched
        self.decisive |= self._deciding(outcome)
        if not outcome.matched and self.policy.document.default is None and self.gap is None:
            self.gap = coords
        answer = Answer(outcome.level, outcome.lifted_by is not None, outcome.sets, outcome.inputs.proven)
        self.answers.setdefault(answer, coords)

    def _deciding(self, outcome: Outcome) -> int:
        """The bit of the one rule that this answer hangs on, if it hangs on one."""
        first = outcome.matched & -outcome.matched
        without = self.policy.asked_by(outcome.matched ^ first)
        # What lifts the stricter level lifts the milder one too, so an exempted cell hangs on no rule.
        return first if without is not outcome.asked and outcome.lifted_by is None else 0


def _bits(mask: int) -> Iterator[int]:
    while mask:
        lowest = mask & -mask
        yield lowest.bit_length() - 1
        mask ^= lowest
