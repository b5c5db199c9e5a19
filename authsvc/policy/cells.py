"""The input space of one or two policies, cut at every bound that occurs in them.

Inside a cell nothing that any of these policies looks at changes, so one representative payment speaks for all of it and
going through the cells is a proof, not a sample. Left out are frozen and blocked accounts and revoked devices, on which the
engine itself decides before any document.

Of several risk reasons at once the space holds only the single ones. A rule applies where *one* of its reasons is named, so
several reasons get the strictest level that a rule asks for one of them alone: nothing can be weaker for them than for each.
(Where nothing covers a payment a further reason may lower what it is asked, as any input may: that gap is a finding of its own.)
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

from authsvc.errors import InvalidRequest
from authsvc.factor import Category
from authsvc.policy.conditions import HABIT_AXES, Axis
from authsvc.policy.engine import Policy
from authsvc.policy.inputs import HABITS, RISKIEST, Inputs
from authsvc.subject import Novelty

Coords = tuple[int, ...]
"""A cell: the place of one point on every edge."""

OTHER = "something_else"
"""A payment type or channel that no rule mentions, where the everyday word is one that a rule does."""

IN_A_ROW, CUMULATIVE = "exemption.in_a_row", "exemption.cumulative"


@dataclass(frozen=True, slots=True)
class Edge:
    """One input: its points, from the mildest on where it is `ordered`.

    A point that is a word stands for all words that the same rules and exemptions mention; `words` lists them.
    """

    name: str
    ordered: bool
    points: tuple[Any, ...]  # Any: each edge has its own type of point.
    words: tuple[tuple[str, ...], ...] = ()

    def described(self, first: int, last: int) -> str:
        """A span of points in words: numbers as the interval that the points cut, everything else by its names."""
        if all(type(point) is int for point in self.points):
            end = f" to {self.points[last + 1] - 1}" if last + 1 < len(self.points) else " and more"
            return f"{self.points[first]}{end}"
        return ", ".join(name for place in range(first, last + 1) for name in self._names(place))

    def _names(self, place: int) -> tuple[str, ...]:
        if place < len(self.words):
            return self.words[place]
        point = self.points[place]
        return ("not stated",) if point is None else (str(point),)


class Space:
    """All cells of some policies that share a reference currency; raises InvalidRequest where they do not.

    The edges stand in one order, amount, risk and device before all others, but for those that are wanted `first`.
    """

    def __init__(self, *policies: Policy, first: Sequence[str] = ()) -> None:
        currencies = {policy.document.reference_currency for policy in policies}
        if len(currencies) != 1:
            raise InvalidRequest(
                f"the policies think in different currencies: {', '.join(sorted(currencies))}"
            )
        self.currency = currencies.pop()
        edges = {
            edge.name: edge for edge in (*_edges(policies), *_proof_edges(policies), *_habit_edges(policies))
        }
        self.edges = tuple(edges[name] for name in dict.fromkeys((*first, *edges)))
        self.size = prod(len(edge.points) for edge in self.edges)
        self._proofs = tuple((each, name) for each in Category if (name := proof_edge(each)) in edges)
        self._habits = tuple((name, edge) for name in HABITS if (edge := f"habit.{name}") in edges)

    def payment(self, coords: Coords) -> Inputs:
        """The payment that stands for a cell."""
        at = {edge.name: edge.points[place] for edge, place in zip(self.edges, coords, strict=True)}
        amount, reason = at[Axis.AMOUNT.value], at[Axis.RISK_REASONS.value]
        return Inputs(
            type=at[Axis.TYPE.value],
            amount_minor=amount,
            currency=self.currency,
            novelty=at[Axis.DEVICE.value],
            risk_score=at[Axis.RISK.value],
            risk_reasons=() if reason is None else (reason,),
            channel=at[Axis.CHANNEL.value],
            device_synced=at[Axis.SYNCED.value],
            proven=tuple(each for each, edge in self._proofs if at[edge] is each),
            verify_always=at[Axis.VERIFY_ALWAYS.value],
            low_value_count=at[IN_A_ROW],
            low_value_sum=max(0, at[CUMULATIVE] - amount),
            **{name: at[edge] for name, edge in self._habits},
        )


def proof_edge(category: Category) -> str:
    return f"{Axis.PROVEN.value} {category.value}"


def _edges(policies: Sequence[Policy]) -> Iterator[Edge]:
    """The edges that every space has."""
    amounts = {cut for policy in policies for cut in policy.amount_cuts()}
    risks = {bound + up for bound, up in _bounds(policies, Axis.RISK) if bound + up <= RISKIEST}
    devices = tuple(novelty for novelty in Novelty if novelty is not Novelty.REVOKED)
    yield Edge(Axis.AMOUNT.value, True, _from(0, amounts))
    yield Edge(Axis.RISK.value, True, _from(0, risks))
    yield Edge(Axis.DEVICE.value, True, devices)
    yield _word_edge(policies, Axis.TYPE, "payment")
    yield _word_edge(policies, Axis.CHANNEL, "app", None)
    capped = any(policy.document.devices.synced_amount_at_most is not None for policy in policies)
    yield Edge(
        Axis.SYNCED.value, True, (False, True) if capped or _bounds(policies, Axis.SYNCED) else (True,)
    )
    exemptions = [exemption for policy in policies for exemption in policy.document.exemptions]
    wishes = (False, True) if exemptions or _bounds(policies, Axis.VERIFY_ALWAYS) else (False,)
    yield Edge(Axis.VERIFY_ALWAYS.value, True, wishes)
    yield Edge(IN_A_ROW, True, _from(0, _stated(each.in_a_row_at_most for each in exemptions)))
    sums = _stated(each.cumulative_at_most for each in exemptions)
    yield Edge(CUMULATIVE, True, _from(0, {most + 1 for most in sums}))
    reasons = _groups(policies, Axis.RISK_REASONS)
    yield Edge(
        Axis.RISK_REASONS.value, False, (None, *(group[0] for group in reasons)), (("not stated",), *reasons)
    )


def _word_edge(policies: Sequence[Policy], axis: Axis, everyday: str, *others: None) -> Edge:
    """One point for all words that the same rules and exemptions mention, and one for words that none does."""
    groups = _groups(policies, axis)
    mentioned = {word for group in groups for word in group}
    unmentioned = OTHER if everyday in mentioned else everyday
    points = (*(group[0] for group in groups), unmentioned, *(others if groups else ()))
    return Edge(axis.value, False, points, groups)


def _groups(policies: Sequence[Policy], axis: Axis) -> tuple[tuple[str, ...], ...]:
    mentions = [bound for bound, _ in _bounds(policies, axis)]
    patterns: dict[str, list[int]] = {}
    for number, bound in enumerate(mentions):
        for word in dict.fromkeys(bound):
            patterns.setdefault(word, []).append(number)
    alike: dict[tuple[int, ...], list[str]] = {}
    for word in sorted(patterns):
        alike.setdefault(tuple(patterns[word]), []).append(word)
    return tuple(map(tuple, alike.values()))


def _proof_edges(policies: Sequence[Policy]) -> Iterator[Edge]:
    """From proven to not proven: less proof is riskier."""
    for category in sorted({bound for bound, _ in _bounds(policies, Axis.PROVEN)}):
        yield Edge(proof_edge(category), True, (category, None))


def _habit_edges(policies: Sequence[Policy]) -> Iterator[Edge]:
    """Of what rules look at, from as usual to unlike; what is not known is no point of its own, since it reads as unlike."""
    for axis in HABIT_AXES:
        bounds = {bound for bound, _ in _bounds(policies, axis)}
        if bounds:
            is_number = axis is Axis.AMOUNT_UNUSUAL
            yield Edge(axis.value, True, _from(0, bounds) if is_number else (False, True))


def _bounds(policies: Sequence[Policy], axis: Axis) -> list[tuple[Any, bool]]:
    """The bounds on one axis, each with whether it is an upper one. Any: each axis has its own type of bound."""
    documents = [policy.document for policy in policies]
    conditions = [
        *(condition for document in documents for rule in document.rules for condition in rule.conditions),
        *(
            condition
            for document in documents
            for each in document.exemptions
            for condition in each.conditions
        ),
    ]
    return [(condition.bound, condition.loosens) for condition in conditions if condition.axis is axis]


def _stated(bounds: Iterable[int | None]) -> set[int]:
    return {bound for bound in bounds if bound is not None}


def _from(start: int, cuts: set[int]) -> tuple[int, ...]:
    return tuple(sorted({start, *cuts}))
