"""The input space of one or two policies, cut at every bound that occurs in them.

Inside a cell nothing that any of these policies looks at changes, so one representative payment speaks for all of it and
walking the cells is a proof, not a sample. Left out are frozen and blocked accounts and revoked devices, on which the
engine itself decides before any document.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from math import prod
from typing import Any

from authsvc.errors import InvalidRequest
from authsvc.factor import Category
from authsvc.policy.conditions import Axis
from authsvc.policy.engine import Policy
from authsvc.policy.inputs import RISKIEST, Inputs
from authsvc.subject import Novelty

Coords = tuple[int, ...]
"""A cell: the place of one point on every edge."""

MOST_CELLS = 1_000_000
"""How many cells are walked where nobody says another number."""

OTHER = "something_else"
"""A payment type or channel that no rule mentions, where the everyday word is one that a rule does."""


@dataclass(frozen=True, slots=True)
class Edge:
    """One input: its points, from the mildest on where it is `ordered`, and the place of the point for given inputs.

    `place` gets the inputs and their amount in the smallest unit of the reference currency.
    """

    name: str
    ordered: bool
    points: tuple[Any, ...]  # Any: each edge has its own type of point.
    place: Callable[[Inputs, int], int]


class Space:
    """All cells of some policies that share a reference currency; raises InvalidRequest where they do not."""

    def __init__(self, *policies: Policy) -> None:
        currencies = {policy.document.reference_currency for policy in policies}
        if len(currencies) != 1:
            raise InvalidRequest(
                f"the policies think in different currencies: {', '.join(sorted(currencies))}"
            )
        self.currency = currencies.pop()
        self.edges = (*_edges(policies), *_reason_edges(policies), *_proof_edges(policies))
        self.size = prod(len(edge.points) for edge in self.edges)
        self._policy = policies[0]

    def cells(self) -> Iterator[Coords]:
        """Every cell, in the order of its coordinates."""
        return product(*(range(len(edge.points)) for edge in self.edges))

    def step(self, number: int) -> int:
        """How many cells further in the order of `cells` the next point of edge `number` lies."""
        return prod(len(edge.points) for edge in self.edges[number + 1 :])

    def at(self, place: int) -> Coords:
        """The cell that stands at this place in the order of `cells`."""
        return tuple(place // self.step(number) % len(edge.points) for number, edge in enumerate(self.edges))

    def payment(self, coords: Coords) -> Inputs:
        """The payment that stands for a cell."""
        points = [edge.points[place] for edge, place in zip(self.edges, coords, strict=True)]
        amount, risk, novelty, kind, channel, synced, wish, count, total, *words = points
        return Inputs(
            type=kind,
            amount_minor=amount,
            currency=self.currency,
            novelty=novelty,
            risk_score=risk,
            risk_reasons=tuple(word for word in words if type(word) is str),
            channel=channel,
            device_synced=synced,
            proven=tuple(word for word in words if type(word) is Category),
            verify_always=wish,
            low_value_count=count,
            low_value_sum=max(0, total - amount),
        )

    def home(self, inputs: Inputs) -> Coords:
        """The cell that a payment lies in."""
        amount = self._policy.seen(inputs).amount
        return tuple(edge.place(inputs, amount) for edge in self.edges)


def _edges(policies: Sequence[Policy]) -> Iterator[Edge]:
    """The edges that every space has, in the order in which `Space.payment` reads them."""
    amounts = _from(0, {cut for policy in policies for cut in policy.amount_cuts()})
    risks = _from(0, {bound + up for bound, up in _bounds(policies, Axis.RISK) if bound + up <= RISKIEST})
    devices = tuple(novelty for novelty in Novelty if novelty is not Novelty.REVOKED)
    yield Edge("transaction.amount_minor", True, amounts, lambda _, amount: _place(amounts, amount))
    yield Edge("risk.score", True, risks, lambda inputs, _: _place(risks, inputs.risk))
    yield Edge("device.novelty", True, devices, lambda inputs, _: devices.index(inputs.novelty))
    yield _word_edge("transaction.type", policies, Axis.TYPE, lambda inputs: inputs.type, ("payment",))
    yield _word_edge("context.channel", policies, Axis.CHANNEL, lambda inputs: inputs.channel, ("app", None))
    capped = any(policy.document.devices.synced_amount_at_most is not None for policy in policies)
    synced = (False, True) if capped or _bounds(policies, Axis.SYNCED) else (True,)
    yield Edge("device.synced", True, synced, _flag(synced, lambda inputs: inputs.device_synced is not False))
    exemptions = [exemption for policy in policies for exemption in policy.document.exemptions]
    wishes = (False, True) if exemptions or _bounds(policies, Axis.VERIFY_ALWAYS) else (False,)
    yield Edge("user.verify_always", True, wishes, _flag(wishes, lambda inputs: inputs.verify_always))
    counts = _from(0, {each.in_a_row_at_most for each in exemptions if each.in_a_row_at_most is not None})
    totals = _from(
        0, {each.cumulative_at_most + 1 for each in exemptions if each.cumulative_at_most is not None}
    )
    yield Edge("exemption.in_a_row", True, counts, lambda inputs, _: _place(counts, inputs.low_value_count))
    yield Edge(
        "exemption.cumulative",
        True,
        totals,
        lambda inputs, amount: _place(totals, _plus(inputs.low_value_sum, amount)),
    )


def _word_edge(
    name: str,
    policies: Sequence[Policy],
    axis: Axis,
    read: Callable[[Inputs], str | None],
    others: tuple[str | None, ...],
) -> Edge:
    """One point for all words that the same rules and exemptions mention, and one for words that none does."""
    words = sorted({word for bound, _ in _bounds(policies, axis) for word in bound})
    others = (OTHER if others[0] in words else others[0], *others[1:])
    alike: dict[tuple[bool, ...], list[str]] = {}
    mentions = [bound for bound, _ in _bounds(policies, axis)]
    for word in words:
        alike.setdefault(tuple(word in bound for bound in mentions), []).append(word)
    points = (*(group[0] for group in alike.values()), *(others if mentions else others[:1]))
    places: dict[str | None, int] = {
        word: place for place, group in enumerate(alike.values()) for word in group
    }
    if mentions and None in others:
        places[None] = len(points) - 1
    return Edge(name, False, points, lambda inputs, _: places.get(read(inputs), len(alike)))


def _reason_edges(policies: Sequence[Policy]) -> Iterator[Edge]:
    for word in sorted({word for bound, _ in _bounds(policies, Axis.RISK_REASONS) for word in bound}):
        yield Edge(f"risk.reasons {word}", True, (None, word), _names(word))


def _proof_edges(policies: Sequence[Policy]) -> Iterator[Edge]:
    """From proven to not proven: less proof is riskier."""
    for category in sorted({bound for bound, _ in _bounds(policies, Axis.PROVEN)}):
        yield Edge(f"proven {category.value}", True, (category, None), _lacks(category))


def _flag(points: tuple[bool, ...], read: Callable[[Inputs], bool]) -> Callable[[Inputs, int], int]:
    """The last point for yes, the first for no; where no rule asks, the two are one."""
    return lambda inputs, _: (len(points) - 1) * read(inputs)


def _names(word: str) -> Callable[[Inputs, int], int]:
    return lambda inputs, _: int(word in inputs.risk_reasons)


def _lacks(category: Category) -> Callable[[Inputs, int], int]:
    return lambda inputs, _: int(category not in inputs.proven)


def _bounds(policies: Sequence[Policy], axis: Axis) -> list[tuple[Any, bool]]:
    """The bounds on one axis, each with whether it is an upper one. Any: each axis has its own type of bound."""
    documents = [policy.document for policy in policies]
    rules = [condition for document in documents for rule in document.rules for condition in rule.conditions]
    exemptions = [
        condition for document in documents for each in document.exemptions for condition in each.conditions
    ]
    return [
        (condition.bound, condition.loosens) for condition in (*rules, *exemptions) if condition.axis is axis
    ]


def _from(start: int, cuts: set[int]) -> tuple[int, ...]:
    return tuple(sorted({start, *cuts}))


def _place(points: tuple[int, ...], value: int | None) -> int:
    """The last point that is not above the value; for a value that is not known, the last of all."""
    return len(points) - 1 if value is None else bisect_right(points, value) - 1


def _plus(known: int | None, amount: int) -> int | None:
    return None if known is None else known + amount
