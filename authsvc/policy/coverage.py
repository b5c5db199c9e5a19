"""Which rules of a document matter: those that can match at all, and those without which some payment would get another answer.

A rule decides in a cell where it matches and neither another rule that asks as much, nor the default, nor an exemption makes it
needless. Such a cell is looked for edge by edge, only at places that leave the least of what could stand in its way.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from authsvc.policy.boxes import Boxes, State
from authsvc.policy.cells import Coords
from authsvc.policy.diagram import Budget
from authsvc.policy.engine import NO_RULE, Policy
from authsvc.policy.level import Level
from authsvc.policy.warnings import emphasis_of

Places = tuple[tuple[int, ...], ...]
"""For each edge the places that a rule admits."""


class Coverage:
    """The rules of one policy, by their number in `Policy.rules`; raises Unfinished where the budget ends."""

    def __init__(self, policy: Policy, boxes: Boxes, budget: Budget) -> None:
        self._policy = policy
        self._boxes = boxes
        self._bits = boxes.own_rules
        self._budget = budget

    def first(self, number: int) -> Coords | None:
        """The first cell in which a rule matches; none where it never does."""
        places = self._admitted(self._bits[number])
        return tuple(each[0] for each in places) if all(places) else None

    def is_decisive(self, number: int) -> bool:
        """Whether some payment gets another answer for this rule."""
        if self._warns(number):
            return True
        rule, default = self._policy.rules[number], self._policy.document.default
        if default is not None and default.rank >= rule.level.rank:
            return False
        against = self._boxes.against(self._bits[number])
        if default is None and rule.level is NO_RULE:
            # Without it the payment would be one that no rule covers, and would be asked the same.
            return any(self._is_open(self._bits[number] | other, against) for other in self._milder(number))
        return self._is_open(self._bits[number], against)

    def _warns(self, number: int) -> bool:
        """Whether some payer reads the rule's warning, and would not read it without the rule."""
        rule, default = self._policy.rules[number], self._policy.document.default
        if rule.warning is None or default is Level.DENY:
            return False
        first = self._instead(number)
        return any(
            self._is_open(self._bits[number] | bit, first | self._boxes.lifting(other.level))
            for bit, other in zip(self._bits, self._policy.rules, strict=True)
            if other.level.asks and other.level.rank >= rule.level.rank
        )

    def _instead(self, number: int) -> State:
        """What keeps a rule's warning from being read, or says the same: warnings that go before it, and refusals."""
        own = self._policy.rules[number].warning
        place = (-emphasis_of(own), number)
        found = 0
        for other, rule in enumerate(self._policy.rules):
            goes_before = rule.warning is not None and (-emphasis_of(rule.warning), other) < place
            if other != number and (goes_before or rule.warning == own or rule.level is Level.DENY):
                found |= self._bits[other]
        return found

    def _milder(self, number: int) -> Iterator[State]:
        level = self._policy.rules[number].level
        pairs = zip(self._bits, self._policy.rules, strict=True)
        return (bit for bit, other in pairs if other.level.rank < level.rank)

    def _admitted(self, wanted: State) -> Places:
        """For each edge the places at which all the wanted boxes hold."""
        return tuple(
            tuple(place for place, mask in enumerate(table) if mask & wanted == wanted)
            for table in self._boxes.tables
        )

    def _is_open(self, wanted: State, against: State) -> bool:
        """Whether in some cell all the wanted boxes hold and none of those against them."""
        places = self._admitted(wanted)
        return all(places) and self._escapes(places, against)

    def _escapes(self, places: Sequence[Sequence[int]], against: State) -> bool:
        tables, touches, settled = self._boxes.tables, self._boxes.touches, self._boxes.settled
        tried: set[tuple[int, State]] = set()

        def search(edge: int, left: State) -> bool:
            while left and not left & settled[edge] and not left & touches[edge]:
                edge += 1
            if not left or left & settled[edge] or (edge, left) in tried:
                return not left
            tried.add((edge, left))
            self._budget.spend(len(places[edge]))
            return any(
                search(edge + 1, each)
                for each in _least(left & tables[edge][place] for place in places[edge])
            )

        return search(0, against)


def _least(states: Iterator[State]) -> list[State]:
    """The states that hold no other one whole."""
    kept: list[State] = []
    for state in states:
        if not any(other & state == other for other in kept):
            kept = [other for other in kept if other & state != state]
            kept.append(state)
    return sorted(kept, key=int.bit_count)
