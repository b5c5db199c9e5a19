"""Every cell of a policy, gone through for what the analysis asks about and nothing more."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from itertools import pairwise

from authsvc.policy.answers import Answer
from authsvc.policy.boxes import Boxes
from authsvc.policy.cells import Coords, Edge, Space
from authsvc.policy.conditions import Axis
from authsvc.policy.coverage import Coverage
from authsvc.policy.diagram import Budget, Diagram, Unfinished
from authsvc.policy.engine import Outcome, Policy
from authsvc.policy.findings import Witness
from authsvc.policy.layout import laid_out
from authsvc.policy.level import FactorSet, Level
from authsvc.subject import Novelty

MOST_CELLS = 5_000_000
"""How many cells are gone through, equal ones once, where nobody says another number."""


class Walk:
    """`answers` has the first cell of each answer, `levels` how many cells get each level, `gap` the first cell that no rule
    covers and no default answers, `backwards` two neighbours for each edge along which the riskier gets the weaker level.

    `useless` are the numbers of rules that never match, `indecisive` of those without which no payment gets another answer,
    each with the first cell that it matches in. Where the budget ended first it is not `complete`, and all of this is empty.
    """

    def __init__(self, policy: Policy, limit: int) -> None:
        self.policy = policy
        self.space, boxes = laid_out(policy, alone=True)
        self.answers: Mapping[Answer, Coords] = {}
        self.levels: Counter[Level] = Counter()
        self.backwards: Mapping[Edge, tuple[Coords, Coords]] = {}
        self.useless: Collection[int] = ()
        self.indecisive: Mapping[int, Coords] = {}
        self._diagram: Diagram[Answer] | None = None
        budget = Budget(limit)
        try:
            self._go(boxes, budget)
        except Unfinished:
            self.complete = False
        else:
            self.complete = True
        self.walked = budget.spent

    def _go(self, boxes: Boxes, budget: Budget) -> None:
        diagram = Diagram(
            self.space, boxes, lambda states, last: boxes.answer(states[0]) if last else None, budget
        )
        coverage = Coverage(self.policy, boxes, budget)
        matching = {number: coverage.first(number) for number in range(len(self.policy.rules))}
        indecisive = {
            number: first for number, first in matching.items() if first and not coverage.is_decisive(number)
        }
        backwards = dict(_backwards(self.space, boxes, diagram, budget))
        for answer, cells in diagram.counted().items():
            self.levels[answer.level] += cells
        self.answers = dict(diagram.firsts())
        self.useless = [number for number, first in matching.items() if first is None]
        self.indecisive, self.backwards, self._diagram = indecisive, backwards, diagram

    @property
    def gap(self) -> Coords | None:
        return next((coords for answer, coords in self.answers.items() if not answer.covered), None)

    def witness(self, coords: Coords) -> Witness:
        inputs = self.space.payment(coords)
        return Witness(inputs, self.policy.evaluate(inputs).level)

    def outcome(self, coords: Coords) -> Outcome:
        return self.policy.evaluate(self.space.payment(coords))

    def example(
        self, level: Level, factors: FactorSet, device_at_least: Novelty = Novelty.TRUSTED
    ) -> tuple[Witness, ...]:
        """A payment that may be proved at a level with these factors; none where no payment gets there."""
        if self._diagram is None:
            return ()
        names = [edge.name for edge in self.space.edges]
        device = names.index(Axis.DEVICE.value)
        devices = [
            place
            for place, novelty in enumerate(self.space.edges[device].points)
            if novelty.rank >= device_at_least.rank
        ]
        found = self._diagram.first(
            lambda answer: answer.level is level and factors in answer.sets, {device: devices}
        )
        return () if found is None else (self.witness(found),)


def _backwards(
    space: Space, boxes: Boxes, diagram: Diagram[Answer], budget: Budget
) -> Iterator[tuple[Edge, tuple[Coords, Coords]]]:
    # A payment that no rule covers gets the strictest level, so that there a rule that begins to apply may lower it.
    gaps = any(not answer.covered for answer in diagram.leaves)
    for number, edge in enumerate(space.edges):
        if edge.ordered and (gaps or not _only_tightens(boxes, number)):
            found = _Falls(diagram, budget).along(number)
            if found is not None:
                yield edge, found


def _only_tightens(boxes: Boxes, edge: int) -> bool:
    """Whether each point of an edge holds for all rules of the one before it, and for no exemption that it does not hold for.

    Then no rule stops applying and no exemption begins to where risk grows, in whatever cell: nothing can become weaker.
    """
    return all(
        not (milder & ~riskier & boxes.rules) and not (riskier & ~milder & boxes.exemptions)
        for milder, riskier in pairwise(boxes.tables[edge])
    )


class _Falls:
    """Looks for two neighbours of which the riskier gets the weaker level, among parts of a diagram that differ."""

    def __init__(self, diagram: Diagram[Answer], budget: Budget) -> None:
        self._diagram = diagram
        self._budget = budget
        self._none: set[tuple[int, int]] = set()
        self._answers = {number: answer for answer, number in diagram.leaves.items()}

    def along(self, edge: int) -> tuple[Coords, Coords] | None:
        parts = self._diagram.parts
        for number in (number for number, part in enumerate(parts) if part.edge == edge):
            for place, (milder, riskier) in enumerate(pairwise(parts[number].places)):
                if (below := self._fall(milder, riskier)) is not None:
                    way = {**self._diagram.way_to(number), **below}
                    return self._cell({**way, edge: place}), self._cell({**way, edge: place + 1})
        return None

    def _cell(self, places: Mapping[int, int]) -> Coords:
        return tuple(places.get(edge, 0) for edge in range(len(self._diagram.space.edges)))

    def _fall(self, milder: int, riskier: int) -> dict[int, int] | None:
        """The places from here on at which the second gets a weaker level than the first."""
        if milder == riskier or (milder, riskier) in self._none:
            return None
        parts = self._diagram.parts
        edge = min(parts[milder].edge, parts[riskier].edge)
        if edge == len(self._diagram.space.edges):
            return {} if self._answers[riskier].is_weaker_than(self._answers[milder]) else None
        size = len(self._diagram.space.edges[edge].points)
        self._budget.spend(size)
        for place in range(size):
            found = self._fall(self._at(milder, edge, place), self._at(riskier, edge, place))
            if found is not None:
                return {edge: place, **found}
        self._none.add((milder, riskier))
        return None

    def _at(self, number: int, edge: int, place: int) -> int:
        part = self._diagram.parts[number]
        return part.places[place] if part.edge == edge else number
