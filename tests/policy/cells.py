"""Every cell of a space, one by one, and the cell that a payment lies in: the slow way, for checking the fast one."""

from collections.abc import Iterator
from itertools import product
from typing import Any

from authsvc.factor import Category
from authsvc.policy.cells import CUMULATIVE, IN_A_ROW, Coords, Edge, Space
from authsvc.policy.engine import Policy
from authsvc.policy.inputs import FLAGS, Inputs


def cells(space: Space) -> Iterator[Coords]:
    return product(*(range(len(edge.points)) for edge in space.edges))


def home(space: Space, policy: Policy, inputs: Inputs) -> Coords:
    """The cell whose every point is the last one that is not beyond the payment, or has its word.

    Of several risk reasons it is the one that is asked the most for alone.
    """
    candidates = [_place(space, policy, inputs, reason) for reason in (*inputs.risk_reasons, None)]

    def asked(coords: Coords) -> tuple[bool, int]:
        """What no rule covers is asked the most, and any reason that a rule knows ends that."""
        outcome = policy.evaluate(space.payment(coords))
        return outcome.matched != 0, outcome.asked.rank

    return max(candidates, key=asked)


def _place(space: Space, policy: Policy, inputs: Inputs, reason: str | None) -> Coords:
    seen = policy.seen(inputs)
    spent = inputs.low_value_sum
    values: dict[str, Any] = {
        "transaction.amount_minor": seen.amount,
        "risk.score": seen.risk,
        IN_A_ROW: inputs.low_value_count,
        CUMULATIVE: None if spent is None else spent + seen.amount,
        "transaction.type": inputs.type,
        "context.channel": inputs.channel,
        "device.novelty": inputs.novelty,
        "device.synced": seen.synced,
        "user.verify_always": inputs.verify_always,
        "risk.reasons": reason,
        "habit.amount_unusual": seen.amount_unusual,
        **{f"habit.{name}": getattr(seen, name) for name in FLAGS},
        **{f"proven {each.value}": each if each in inputs.proven else None for each in Category},
    }
    return tuple(_at(edge, values[edge.name]) for edge in space.edges)


def _at(edge: Edge, value: Any) -> int:
    """What no rule looks at has one point only; numbers that are not known are the largest."""
    if all(type(point) is int for point in edge.points):
        return sum(value is None or point <= value for point in edge.points) - 1
    if len(edge.points) == 1:
        return 0
    for place, point in enumerate(edge.points):
        if value == point or (place < len(edge.words) and value in edge.words[place]):
            return place
    # A word that nobody mentions: no reason at all, or the last point that is a word.
    unmentioned = [place for place, point in enumerate(edge.points) if point is not None]
    return 0 if edge.name == "risk.reasons" else unmentioned[-1]
