"""Amounts of any currency in the smallest unit of the one that a policy document thinks in.

What cannot be converted is larger than every bound: an unknown currency, a negative amount, something that is no
number. Fractions round up, so that no payment is taken for smaller than it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

from authsvc.payment import LARGEST_AMOUNT

UNBOUNDED = 1 << 200
"""The amount of a payment that cannot be converted."""


class Conversion:
    """`factors` holds, by ISO 4217 code, what the smallest unit of a currency is worth in that of the reference."""

    def __init__(self, factors: Mapping[str, Fraction]) -> None:
        self._ratios = {code: factor.as_integer_ratio() for code, factor in factors.items()}

    def __call__(self, amount_minor: int, currency: str) -> int:
        """The amount in the reference currency's smallest unit, rounded up; UNBOUNDED when that is not known."""
        ratio = self._ratios.get(currency)
        if ratio is None or not 0 <= amount_minor <= LARGEST_AMOUNT:
            return UNBOUNDED
        return -(-amount_minor * ratio[0] // ratio[1])

    def smallest(self, reference_minor: int, currency: str) -> int | None:
        """The smallest amount of `currency` that converts to at least `reference_minor`; None for an unknown one."""
        ratio = self._ratios.get(currency)
        if ratio is None:
            return None
        return max(0, (reference_minor - 1) * ratio[1] // ratio[0] + 1)
