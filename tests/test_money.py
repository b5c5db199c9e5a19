"""Amounts as people read them: the digits of ISO 4217 in every language, and no guess for a currency nobody has heard of."""

import re
from decimal import Decimal

import pytest
from babel.numbers import format_currency, get_currency_precision, list_currencies, parse_decimal

from authsvc import money
from authsvc.money import MINOR_DIGITS, major_units, written
from authsvc.payment import LARGEST_AMOUNT


def test_the_table_names_no_currency_twice_and_none_that_is_unknown_elsewhere() -> None:
    words = [*money._TWO.split(), *money._NONE.split(), *money._THREE.split()]

    assert len(words) == len(MINOR_DIGITS) == 155
    assert set(words) - set(list_currencies()) <= {"XCG", "ZWG"}  # Newer than some releases of the CLDR.


@pytest.mark.parametrize("locale", ["zh_CN", "en-GB", "de"])
@pytest.mark.parametrize("currency", sorted(MINOR_DIGITS))
def test_what_is_read_is_what_the_backend_counted(currency: str, locale: str) -> None:
    found = re.search(r"\d[\d.,]*\d", written(123_456_789, currency, locale))
    assert found is not None
    number = found.group()
    digits = MINOR_DIGITS[currency]

    assert parse_decimal(number, locale=locale.replace("-", "_")) == Decimal(123_456_789).scaleb(-digits)
    assert number[-digits - 1] in ".," if digits else number.endswith("789")


def test_where_the_locale_library_agrees_nothing_else_changes() -> None:
    agreeing = [code for code, digits in MINOR_DIGITS.items() if get_currency_precision(code) == digits]

    assert len(agreeing) > 100
    for code in agreeing:
        expected = format_currency(Decimal(5).scaleb(-MINOR_DIGITS[code]), code, locale="en")
        assert written(5, code, "en") == expected


@pytest.mark.parametrize(
    ("amount", "currency", "locale", "shown"),
    [
        (125_000, "CNY", "zh-CN", "¥1,250.00"),
        (125_000, "CNY", "en", "CN¥1,250.00"),
        (1_250, "JPY", "en", "¥1,250"),
        (50_000, "KWD", "en", "50.000"),
        (2_000_000, "RSD", "en", "20,000.00"),
        (250_000_000, "IQD", "en", "250,000.000"),
        (1, "EUR", "zh-CN", "€0.01"),
        (LARGEST_AMOUNT, "USD", "en", "$90,071,992,547,409.91"),
    ],
)
def test_amounts_are_written_with_the_digits_of_their_currency(
    amount: int, currency: str, locale: str, shown: str
) -> None:
    assert shown in written(amount, currency, locale)


@pytest.mark.parametrize("currency", ["XTS", "XXX", "ZZZ", "XAU", "CLF", "UYW"])
def test_a_currency_that_nobody_has_heard_of_is_shown_as_it_was_counted(currency: str) -> None:
    assert written(125_000, currency, "en") == f"{currency} 125,000 (smallest units)"
    assert written(125_000, currency, "zh-CN") == f"{currency} 125,000（最小货币单位）"
    assert major_units(125_000, currency) == "125000"


@pytest.mark.parametrize(
    ("amount", "currency", "text"),
    [
        (125_000, "CNY", "1250.00"),
        (5, "EUR", "0.05"),
        (1_250, "JPY", "1250"),
        (0, "USD", "0.00"),
        (1, "KWD", "0.001"),
        (250_000_000, "IQD", "250000.000"),
    ],
)
def test_amounts_are_numbers_in_the_main_unit(amount: int, currency: str, text: str) -> None:
    assert major_units(amount, currency) == text
