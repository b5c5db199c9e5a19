"""Amounts and rates as the pages write them."""

from collections.abc import Iterator

import pytest
from flask import Flask, g

from authsvc.web.console.policies.report_view import Share
from authsvc.web.console.policies.wording import in_words, percent
from authsvc.web.console.wording import amount, lead, typed_amount, when


@pytest.fixture(params=["zh", "en"], autouse=True)
def language(request: pytest.FixtureRequest) -> Iterator[None]:
    with Flask(__name__).app_context():
        g.language = request.param
        yield


def test_a_rate_of_nothing_is_a_dash_and_no_zero() -> None:
    assert percent(Share(0, 0).rate) == "–"
    assert percent(Share(0, 5).rate) == "0.00 %"


@pytest.mark.parametrize(
    ("minor", "currency", "said"),
    [
        (3_969_004, "CNY", "¥39,690.04"),
        (7, "JPY", "JP¥7"),
        (5, "EUR", "€0.05"),
    ],
)
def test_amounts_are_written_alike_in_both_languages(minor: int, currency: str, said: str) -> None:
    assert amount(minor, currency) == said
    assert in_words(f"{minor} to {minor}", "transaction.amount_minor", currency) == f"{said} – {said}"


def test_an_amount_is_read_as_it_is_written() -> None:
    assert typed_amount("¥39,690.04", "CNY") == typed_amount("39690.04", "CNY") == 3_969_004
    assert typed_amount("7", "JPY") == 7
    assert typed_amount("", "CNY") is None


def test_an_instant_without_a_script_is_in_utc_and_says_so() -> None:
    written = when("2026-11-27T06:30:00.000Z")
    assert written == '<time datetime="2026-11-27T06:30:00.000Z">2026-11-27 06:30:00 UTC</time>'
    assert when(None) == "–"


def test_behind_a_full_width_colon_stands_no_space() -> None:
    assert lead("级别：") + lead("Level:") == "级别：Level: "
