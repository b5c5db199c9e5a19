"""Every cell of a space and its answer, without visiting every cell: a decision diagram over the edges, equal parts shared.

Built from the first edge on, one state of boxes at a time. Cells that lead to the same state are gone through once, and an edge
on which nothing that is left depends is passed over. What is said of a finished diagram is said of every cell; one that would
take more steps than were granted raises Unfinished, and nothing is said at all.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Iterator, Mapping
from functools import cached_property, reduce
from itertools import groupby
from math import prod
from operator import or_
from typing import Generic, NamedTuple, TypeVar

from authsvc.policy.boxes import Boxes, State
from authsvc.policy.cells import Coords, Space

Leaf = TypeVar("Leaf", bound=Hashable)
States = tuple[State, ...]

Span = tuple[int, int]
"""From one place on an edge to another, both included."""

Box = tuple[Span, ...]

NOWHERE = -1
"""A place without answer, of an edge or of a part."""


class Unfinished(Exception):
    """More steps were needed than granted."""


class Budget:
    """How many steps an examination may take; a step is one place of one edge, for one state of the boxes."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.spent = 0

    def spend(self, steps: int) -> None:
        """Raises Unfinished where that is too much."""
        if self.spent + steps > self.most:
            raise Unfinished
        self.spent += steps


class Part(NamedTuple):
    """What follows for each place of an edge: the number of another part or of a leaf. A leaf has no edge and no places."""

    edge: int
    places: tuple[int, ...]


class Diagram(Generic[Leaf]):
    """`answer` makes a leaf of the states after the last edge. It is asked as well, with False, on the way, and may answer early;
    None means that it cannot.
    """

    def __init__(
        self, space: Space, boxes: Boxes, answer: Callable[[States, bool], Leaf | None], budget: Budget
    ) -> None:
        self.space = space
        self.leaves: dict[Leaf, int] = {}
        self.parts: list[Part] = []
        self.root = self._build(boxes, answer, budget)
        self._answers = {number: leaf for leaf, number in self.leaves.items()}

    def _build(self, boxes: Boxes, answer: Callable[[States, bool], Leaf | None], budget: Budget) -> int:
        end = len(self.space.edges)
        known: dict[tuple[int, States], int] = {}
        shared: dict[Part, int] = {}

        def numbered(part: Part) -> int:
            if (number := shared.get(part)) is None:
                number = shared[part] = len(self.parts)
                self.parts.append(part)
            return number

        def leaf(found: Leaf) -> int:
            if (number := self.leaves.get(found)) is None:
                number = self.leaves[found] = len(self.parts)
                self.parts.append(Part(end, ()))
            return number

        def follow(edge: int, states: States) -> int:
            left = reduce(or_, states)
            while edge < end and not left & boxes.touches[edge]:
                edge += 1
            if (found := answer(states, edge == end)) is not None:
                return leaf(found)
            if (number := known.get((edge, states))) is None:
                number = known[edge, states] = branch(edge, states)
            return number

        def branch(edge: int, states: States) -> int:
            table = boxes.tables[edge]
            budget.spend(len(table))
            nexts: dict[States, int] = {}
            places = []
            for mask in table:
                raw = tuple([state & mask for state in states])
                if (following := nexts.get(raw)) is None:
                    narrowed = tuple([boxes.narrowed(state, edge + 1) for state in raw])
                    following = nexts[raw] = follow(edge + 1, narrowed)
                places.append(following)
            return places[0] if len(set(places)) == 1 else numbered(Part(edge, tuple(places)))

        return follow(0, tuple(boxes.narrowed(state, 0) for state in boxes.starts))

    def leaf_at(self, number: int) -> Leaf | None:
        """The answer of a part that is one."""
        return self._answers.get(number)

    def counted(self) -> dict[Leaf, int]:
        """How many cells get each answer."""
        sizes = [len(edge.points) for edge in self.space.edges]
        cells = [0] * len(self.parts)
        cells[self.root] = prod(sizes[: self.parts[self.root].edge])
        # A part only leads to later edges, so all that leads to it was counted before it.
        for number in sorted(range(len(self.parts)), key=lambda number: self.parts[number].edge):
            edge, places = self.parts[number]
            for place in places if cells[number] else ():
                cells[place] += cells[number] * prod(sizes[edge + 1 : self.parts[place].edge])
        return {leaf: cells[number] for leaf, number in self.leaves.items()}

    def first(
        self, wanted: Callable[[Leaf], bool], within: Mapping[int, Collection[int]] | None = None
    ) -> Coords | None:
        """The first cell with a wanted answer; `within` are the only places to look at on some edges."""
        good = {number for leaf, number in self.leaves.items() if wanted(leaf)}
        barren: set[int] = set()
        allowed = within or {}

        def search(number: int) -> dict[int, int] | None:
            if number in good:
                return {}
            if number not in barren:
                edge, places = self.parts[number]
                for place, following in enumerate(places):
                    if place in allowed.get(edge, (place,)) and (found := search(following)) is not None:
                        return {edge: place, **found}
                barren.add(number)
            return None

        return self.cell(search(self.root), allowed)

    def cell(
        self, places: Mapping[int, int] | None, within: Mapping[int, Collection[int]] | None = None
    ) -> Coords | None:
        """The first cell with these places, on every other edge the first one that is allowed."""
        if places is None:
            return None
        allowed = within or {}
        edges = range(len(self.space.edges))
        return tuple(places.get(edge, min(allowed.get(edge, (0,)))) for edge in edges)

    def firsts(self) -> Iterator[tuple[Leaf, Coords]]:
        """Every answer with its first cell."""
        for leaf, number in self.leaves.items():
            yield leaf, tuple(self.way_to(number).get(edge, 0) for edge in range(len(self.space.edges)))

    def way_to(self, number: int) -> dict[int, int]:
        """The places that lead to a part first; edges that it leaves out are passed over."""
        places: dict[int, int] = {}
        while number != self.root:
            number, place = self._before[number]
            places[self.parts[number].edge] = place
        return places

    @cached_property
    def _before(self) -> dict[int, tuple[int, int]]:
        """For each part the one that leads to it first, in the order of cells, and from which place."""
        found: dict[int, tuple[int, int]] = {}

        def visit(number: int) -> None:
            for place, following in enumerate(self.parts[number].places):
                if following not in found:
                    found[following] = number, place
                    visit(following)

        visit(self.root)
        return found

    def regions(self, leaf: Leaf) -> Iterator[Box]:
        """The cells of one answer as boxes that do not overlap."""
        narrow = _Narrowed(self, self.leaves[leaf])
        return narrow.boxes()


class _Narrowed(Generic[Leaf]):
    """A diagram with one answer left in it, again with equal parts shared, so that its boxes are few and large."""

    def __init__(self, diagram: Diagram[Leaf], leaf: int) -> None:
        self._space = diagram.space
        self._parts = diagram.parts
        self._known: dict[int, int] = {leaf: leaf}
        self._shared: dict[Part, int] = {}
        self._made: dict[int, Part] = {leaf: diagram.parts[leaf]}
        self._root = self._reduced(diagram.root)

    def boxes(self) -> Iterator[Box]:
        everywhere = tuple((0, len(edge.points) - 1) for edge in self._space.edges)
        return self._below(self._root, {}, everywhere)

    def _below(self, number: int, spans: dict[int, Span], everywhere: Box) -> Iterator[Box]:
        if number == NOWHERE:
            return
        edge, places = self._made[number]
        if not places:
            yield tuple(spans.get(each, span) for each, span in enumerate(everywhere))
        for following, run in groupby(enumerate(places), key=lambda each: each[1]):
            listed = [place for place, _ in run]
            yield from self._below(following, {**spans, edge: (listed[0], listed[-1])}, everywhere)

    def _reduced(self, number: int) -> int:
        if number not in self._known:
            self._known[number] = self._remade(number)
        return self._known[number]

    def _remade(self, number: int) -> int:
        edge, before = self._parts[number]
        places = tuple(self._reduced(place) for place in before)
        if not places:
            return NOWHERE
        if len(set(places)) == 1:
            return places[0]
        part = Part(edge, places)
        if part not in self._shared:
            self._shared[part] = len(self._parts) + len(self._shared)
            self._made[self._shared[part]] = part
        return self._shared[part]
