"""In which order the edges of a space are gone through: first those that take the rules apart, so that little is left to combine.

Forty risk reasons with twenty rules each are forty small documents, where thousands of combinations of all their amounts and
scores would have to be gone through for each reason else. The order changes what it costs and nothing that is found.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import reduce
from math import prod
from operator import or_

from authsvc.policy.boxes import Boxes, State
from authsvc.policy.cells import Space
from authsvc.policy.engine import Policy

MOST_PARTS = 500
"""Into how many parts a space is taken apart at most while the order is thought about."""


def laid_out(*policies: Policy, alone: bool = False) -> tuple[Space, Boxes]:
    """The space of some policies and its boxes, in an order that is good to go through; see `Space` and `Boxes`."""
    space = Space(*policies)
    boxes = Boxes(space, policies, alone=alone)
    first = [space.edges[edge].name for edge in _telling_apart(space, boxes)]
    if not first:
        return space, boxes
    space = Space(*policies, first=first)
    return space, Boxes(space, policies, alone=alone)


def _telling_apart(space: Space, boxes: Boxes) -> Sequence[int]:
    """The edges of words that are better gone through first, the best one first."""
    chosen: list[int] = []
    parts = {reduce(or_, boxes.starts)}
    words = {number for number, edge in enumerate(space.edges) if not edge.ordered and len(edge.points) > 1}
    rest = set(range(len(space.edges)))
    least = _combinations(parts, rest, boxes)
    while words:
        costs = {}
        for edge in words:
            apart = {part & mask for part in parts for mask in boxes.tables[edge]}
            if len(apart) <= MOST_PARTS:
                costs[_combinations(apart, rest - {edge}, boxes)] = edge, apart
        if not costs or min(costs) >= least:
            break
        least = min(costs)
        edge, parts = costs[least]
        chosen.append(edge)
        words.remove(edge)
        rest.remove(edge)
    return chosen


def _combinations(parts: Collection[State], edges: Collection[int], boxes: Boxes) -> int:
    """How many combinations of what some edges tell apart there are, over all parts."""
    return sum(prod(len({part & mask for mask in boxes.tables[edge]}) for edge in edges) for part in parts)
