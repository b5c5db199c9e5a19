"""Whether a named exemption may lift a challenge (RTS Art. 16 to 18), and the bounds that it was within.

Doubt is not yes: a counter that is not known, a user who wants to be asked every time, an account under lock-out and an
amount that cannot be converted all leave the challenge in place.
"""

from __future__ import annotations

from collections.abc import Iterator

from authsvc.policy.conditions import Reason, Seen
from authsvc.policy.inputs import Inputs
from authsvc.policy.rules import Exemption


def lifts(exemption: Exemption, inputs: Inputs, seen: Seen) -> bool:
    """Whether a payment is within every bound of an exemption; which levels that lifts is the exemption's `waives`."""
    if inputs.verify_always or inputs.account_blocked:
        return False
    if not all(condition.holds(seen) for condition in exemption.conditions):
        return False
    return all(known is not None and known <= bound for _, known, bound in _counters(exemption, inputs, seen))


def bounds_met(exemption: Exemption, inputs: Inputs, seen: Seen) -> Iterator[Reason]:
    """What the exemption looked at: each value and the bound that it was within."""
    yield from (condition.reason(exemption.id, seen) for condition in exemption.conditions)
    for name, known, bound in _counters(exemption, inputs, seen):
        yield Reason(exemption.id, name, known, bound)


def _counters(exemption: Exemption, inputs: Inputs, seen: Seen) -> Iterator[tuple[str, int | None, int]]:
    """Sum and count with this payment in them, read strictly: Art. 16 would be content with one of the two."""
    if exemption.cumulative_at_most is not None:
        total = None if inputs.low_value_sum is None else inputs.low_value_sum + seen.amount
        yield "exemption.cumulative", total, exemption.cumulative_at_most
    if exemption.in_a_row_at_most is not None:
        count = None if inputs.low_value_count is None else inputs.low_value_count + 1
        yield "exemption.in_a_row", count, exemption.in_a_row_at_most
