"""Amounts in the reference currency: rounded up, and what cannot be converted is larger than every bound."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authsvc.payment import LARGEST_AMOUNT
from authsvc.policy.currency import UNBOUNDED, Conversion

CONVERT = Conversion({"CNY": Fraction(1), "EUR": Fraction(8), "JPY": Fraction(1, 20)})


@pytest.mark.parametrize(
    ("amount", "currency", "expected"),
    [
        (100, "CNY", 100),
        (100, "EUR", 800),
        (1, "JPY", 1),
        (21, "JPY", 2),
        (0, "JPY", 0),
        (100, "XAU", UNBOUNDED),
        (-1, "CNY", UNBOUNDED),
        (LARGEST_AMOUNT + 1, "CNY", UNBOUNDED),
    ],
)
def test_amounts_are_converted_upwards_or_unbounded(amount: int, currency: str, expected: int) -> None:
    assert CONVERT(amount, currency) == expected


@given(st.integers(0, 10**9), st.sampled_from(["CNY", "EUR", "JPY"]))
def test_the_smallest_amount_reaches_the_bound_and_one_less_does_not(bound: int, currency: str) -> None:
    least = CONVERT.smallest(bound, currency)
    assert least is not None
    assert CONVERT(least, currency) >= bound
    assert least == 0 or CONVERT(least - 1, currency) < bound


def test_an_unknown_currency_has_no_smallest_amount() -> None:
    assert CONVERT.smallest(5, "XAU") is None
