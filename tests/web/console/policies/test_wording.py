"""Amounts and rates as the pages write them."""

import pytest

from authsvc.web.console.policies.report_view import Share
from authsvc.web.console.policies.wording import money, percent


def test_a_rate_of_nothing_is_a_dash_and_no_zero() -> None:
    assert percent(Share(0, 0).rate) == "–"
    assert percent(Share(0, 5).rate) == "0.00 %"


@pytest.mark.parametrize(
    ("minor", "digits", "said"), [(500_000, 2, "5,000.00"), (7, 0, "7"), (1_234, 3, "1.234")]
)
def test_amounts_have_their_point_where_the_currency_has_it(minor: int, digits: int, said: str) -> None:
    assert money(minor, digits) == said
