"""What holds where: the rules, exemptions and ways of some policies as boxes in their space, one bit each.

A box demands something of some edges, and holds in a cell where every edge meets its demands. So the boxes of a cell are an
AND over one mask an edge; and what can no longer make a difference is dropped on the way (`narrowed`), so that cells which
get the same answer for the same reasons become one and the same state, however many dummies a document has.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from enum import IntEnum
from typing import Any, NamedTuple

from authsvc.factor import Category
from authsvc.policy.answers import Answer, most_lenient
from authsvc.policy.cells import CUMULATIVE, IN_A_ROW, Space, proof_edge
from authsvc.policy.conditions import Axis, Condition
from authsvc.policy.engine import NO_RULE, Policy
from authsvc.policy.level import CHALLENGES, Level
from authsvc.policy.rules import Exemption
from authsvc.policy.warnings import PayerWarning, emphasis_of
from authsvc.policy.ways import Offer, Way

State = int
"""The boxes that a policy has left after some edges, as bits of one numbering for all policies of a space."""


class Kind(IntEnum):
    RULE = 0
    EXEMPTION = 1
    WAY = 2
    PROOF = 3
    WARNING = 4


class Demand(NamedTuple):
    """What a box wants of one edge; two demands with the same key are the same."""

    edge: str
    key: tuple[object, ...]
    admits: Callable[[Any], bool]  # Any: a point of that edge.


class Box(NamedTuple):
    """`level` is what a rule asks, an exemption waives at most, a way proves; `says` what it adds to an answer.

    `number` tells boxes apart that demand the same: exemptions and ways count in their order.
    """

    kind: Kind
    level: Level
    says: object
    demands: tuple[Demand, ...]
    number: int = 0

    @property
    def key(self) -> tuple[object, ...]:
        demands = frozenset((demand.edge, demand.key) for demand in self.demands)
        return self.kind, self.level, self.says, demands, self.number


class Boxes:
    """All boxes of some policies. Bit n is box n: rules first, the strictest first, then exemptions and ways in their order.

    `starts` holds each policy's state before the first edge, `tables` the mask of each point of each edge, `touches` the boxes
    that demand something of an edge, `settled` those that demand nothing from an edge on.
    """

    def __init__(self, space: Space, policies: Sequence[Policy], *, alone: bool = False) -> None:
        owned = [[*_unconditional(), *_boxes(policy, alone)] for policy in policies]
        self.boxes = sorted({box.key: box for boxes in owned for box in boxes}.values(), key=_place)
        bits = {box.key: 1 << number for number, box in enumerate(self.boxes)}
        self._bare = {box.level: bits[box.key] for box in _unconditional()}
        self.all: State = (1 << len(self.boxes)) - 1
        self.rules = self._mask(lambda box: box.kind is Kind.RULE)
        self._conditional = self.rules & ~sum(self._bare.values())
        self.exemptions = self._mask(lambda box: box.kind is Kind.EXEMPTION)
        self._warnings = self._mask(lambda box: box.kind is Kind.WARNING)
        self.starts = tuple(
            sum({bits[box.key] for box in boxes} - set(self._bare.values())) | self._default(policy)
            for policy, boxes in zip(policies, owned, strict=True)
        )
        self.own_rules = [bits[box.key] for box in owned[0][len(self._bare) :] if box.kind is Kind.RULE]
        self._answers: dict[State, Answer] = {}
        self._measure(space)
        self._keep = {level: self._bare[level] | self._counting_beside(level) for level in self._bare}
        self._final = {level: self._counting_at(level) for level in Level}
        self._opposed = {level: self._against(level) for level in Level}
        self._needless = {number: self._shadow(number) for number in range(len(self.boxes))}

    def _measure(self, space: Space) -> None:
        """Ask every point of every edge what it admits, each different demand once."""
        on: dict[str, dict[tuple[object, ...], tuple[Demand, State]]] = {
            edge.name: {} for edge in space.edges
        }
        for number, box in enumerate(self.boxes):
            for demand in box.demands:
                _, known = on[demand.edge].get(demand.key, (demand, 0))
                on[demand.edge][demand.key] = demand, known | 1 << number
        demanding = [list(on[edge.name].values()) for edge in space.edges]
        self.touches = [_either(bits for _, bits in each) for each in demanding]
        self.settled = [self.all & ~_either(self.touches[edge:]) for edge in range(len(space.edges) + 1)]
        self.tables = [
            [self.all & ~_refused(point, each) for point in edge.points]
            for edge, each in zip(space.edges, demanding, strict=True)
        ]

    def narrowed(self, state: State, edge: int) -> State:
        """A state before an edge without what can no longer make a difference."""
        settled = state & self.settled[edge]
        if rules := settled & self.rules:
            level = self.boxes[_lowest(rules)].level
            state = state & self._keep[level] | self._bare[level]
        if exemptions := settled & state & self.exemptions:
            state &= ~self._needless[_lowest(exemptions)]
        if warnings := settled & state & self._warnings:
            # The first one is shown, whatever else warns.
            state &= ~self._warnings | ((warnings & -warnings) << 1) - 1
        # No rule is left that could still ask for more.
        return (
            state
            if state & self._conditional
            else state & self._final[self._asked(state)] | state & self.rules
        )

    def against(self, rule: State) -> State:
        """What makes a rule needless: other rules that ask as much, and the exemptions that lift its level."""
        return self._opposed[self.boxes[_lowest(rule)].level] & ~rule

    def lifting(self, level: Level) -> State:
        """The exemptions that lift a level."""
        return self._final[level] & self.exemptions

    def answer(self, state: State) -> Answer:
        """What a state says after the last edge."""
        if (known := self._answers.get(state)) is None:
            known = self._answers[state] = self._read(state)
        return known

    def _read(self, state: State) -> Answer:
        asked, left = self._asked(state), [self.boxes[bit] for bit in bits_of(state & ~self.rules)]
        lifting = next((box for box in left if box.kind is Kind.EXEMPTION), None)
        level = asked if lifting is None else Level.NONE
        offers = [box.says for box in left if box.kind is Kind.WAY and box.level is level]
        return Answer(
            level,
            None if lifting is None else str(lifting.says),
            most_lenient(offer for offer in offers if isinstance(offer, Offer)),
            tuple(box.says for box in left if isinstance(box.says, Category)),
            covered=state & self.rules != 0,
            warning=next((box.says for box in left if isinstance(box.says, PayerWarning)), None)
            if asked.asks
            else None,
        )

    def _asked(self, state: State) -> Level:
        rules = state & self.rules
        return self.boxes[_lowest(rules)].level if rules else NO_RULE

    def _default(self, policy: Policy) -> State:
        default = policy.document.default
        return 0 if default is None else self._bare[default]

    def _mask(self, chosen: Callable[[Box], bool]) -> State:
        return sum(1 << number for number, box in enumerate(self.boxes) if chosen(box))

    def _counting_beside(self, level: Level) -> State:
        """What still counts where this level is asked at least: stricter rules, what lifts it, the ways of it and above."""
        return self._mask(
            lambda box: (
                box.kind in _BESIDE
                or (
                    box.level.rank > level.rank
                    if box.kind is Kind.RULE
                    else _is_of(box, level, at_least=True)
                )
            )
        )

    def _against(self, level: Level) -> State:
        stricter = self._mask(lambda box: box.kind is Kind.RULE and box.level.rank >= level.rank)
        return stricter & self._conditional | self._final[level] & self.exemptions

    def _counting_at(self, level: Level) -> State:
        """What still counts where nothing else can be asked."""
        return self._mask(
            lambda box: (
                box.kind is Kind.PROOF
                or (box.kind is Kind.WARNING and level.asks)
                or _is_of(box, level, at_least=False)
            )
        )

    def _shadow(self, number: int) -> State:
        """The later exemptions that lift no more than this one does."""
        first = self.boxes[number]
        if first.kind is not Kind.EXEMPTION:
            return 0
        return self._mask(
            lambda box: (
                box.kind is Kind.EXEMPTION
                and box.number > first.number
                and box.level.rank <= first.level.rank
            )
        )


_BESIDE = (Kind.PROOF, Kind.WARNING)
"""What counts beside whatever level is asked."""


def _is_of(box: Box, level: Level, *, at_least: bool) -> bool:
    if box.kind is Kind.EXEMPTION:
        return level is not Level.DENY and box.level.rank >= level.rank and (at_least or level.asks)
    if box.kind is Kind.WAY:
        return level is not Level.DENY and (box.level.rank >= level.rank if at_least else box.level is level)
    return False


def _place(box: Box) -> tuple[int, int, int]:
    """Strict rules before mild ones, the one without demands before its equals; everything else in its order."""
    return box.kind, -box.level.rank if box.kind is Kind.RULE else box.number, len(box.demands) > 0


def _unconditional() -> list[Box]:
    """A rule without demands for each level: what a state is left with once nothing else matters."""
    return [Box(Kind.RULE, level, None, ()) for level in Level]


def _boxes(policy: Policy, alone: bool) -> Iterator[Box]:
    document = policy.document
    for number, rule in enumerate(policy.rules):
        yield Box(Kind.RULE, rule.level, None, tuple(map(_demand, rule.conditions)), number if alone else 0)
    warning = sorted(
        (rule for rule in policy.rules if rule.warning is not None),
        key=lambda rule: -emphasis_of(rule.warning),
    )
    for number, rule in enumerate(warning):
        yield Box(Kind.WARNING, Level.NONE, rule.warning, tuple(map(_demand, rule.conditions)), number)
    for number, exemption in enumerate(document.exemptions):
        says = exemption.kind.value
        yield Box(Kind.EXEMPTION, exemption.waives, says, tuple(_bounds(exemption)), number)
    limit = document.devices.synced_amount_at_most
    for level in CHALLENGES:
        for number, way in enumerate(document.levels[level].ways):  # type: ignore[index]  # a challenge
            for demands in _alternatives(way, limit):
                yield Box(Kind.WAY, level, way.offer, demands, number)
    if alone:
        lacking = {rule.proven_lacks for rule in document.rules}
        looked_at = (each for each in Category if each in lacking)
        yield from (Box(Kind.PROOF, Level.NONE, each, (_proven(each),)) for each in looked_at)


def _demand(condition: Condition) -> Demand:
    if condition.axis is Axis.PROVEN:
        return Demand(proof_edge(condition.bound), (condition,), lambda point: point is None)
    if condition.axis is Axis.RISK_REASONS:
        return Demand(condition.axis.value, (condition,), lambda point: condition.admits((point,)))
    return Demand(condition.axis.value, (condition,), condition.admits)


def _proven(category: Category) -> Demand:
    return Demand(proof_edge(category), ("proven", category), lambda point: point is category)


def _bounds(exemption: Exemption) -> Iterator[Demand]:
    """As in `exemptions.lifts`. What was let through before is never less than this payment, so the sum bounds that too."""
    yield from map(_demand, exemption.conditions)
    yield Demand(Axis.VERIFY_ALWAYS.value, ("unless",), lambda wished: not wished)
    if (most := exemption.in_a_row_at_most) is not None:
        yield Demand(IN_A_ROW, (most,), lambda count: count + 1 <= most)
    if (total := exemption.cumulative_at_most) is not None:
        yield Demand(CUMULATIVE, (total,), lambda spent: spent <= total)
        yield _demand(Condition("amount_at_most", total))


def _alternatives(way: Way, synced_amount_at_most: int | None) -> Iterator[tuple[Demand, ...]]:
    """A way, or the two that the limit of synced passkeys makes of it: up to that amount, and with a passkey that stays."""
    bounds = tuple(map(_demand, way.bounds))
    if synced_amount_at_most is None or not way.falls_with_the_cloud:
        yield bounds
    else:
        yield (*bounds, _demand(Condition("amount_at_most", synced_amount_at_most)))
        yield (*bounds, Demand(Axis.SYNCED.value, ("unless",), lambda synced: not synced))


def bits_of(state: State) -> Iterator[int]:
    """The numbers of the boxes of a state, in their order."""
    while state:
        lowest = state & -state
        yield lowest.bit_length() - 1
        state ^= lowest


def _lowest(state: State) -> int:
    return (state & -state).bit_length() - 1


def _refused(point: Any, demands: Iterable[tuple[Demand, State]]) -> State:  # Any: as in `Demand`.
    return _either(bits for demand, bits in demands if not demand.admits(point))


def _either(masks: Iterable[State]) -> State:
    found = 0
    for mask in masks:
        found |= mask
    return found
