"""Every sentence is there in both languages, and whoever reads gets theirs."""

from pathlib import Path

import pytest
from werkzeug.test import EnvironBuilder
from werkzeug.wrappers import Request as PlainRequest

from enrollment import language
from tests.support.sentences import filled_differently, left_over, untranslated

PAGES = Path(language.__file__).parent


def test_every_sentence_is_there_in_chinese():
    assert untranslated(PAGES) == []


def test_no_translation_is_left_over():
    assert left_over(PAGES) == []


def test_what_is_filled_in_is_the_same_in_both():
    assert filled_differently(PAGES) == []


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({}, "zh"),
        ({"headers": {"Accept-Language": "en-GB,en;q=0.8"}}, "en"),
        ({"headers": {"Accept-Language": "zh-TW"}}, "zh"),
        ({"headers": {"Accept-Language": "de"}}, "zh"),
        ({"headers": {"Accept-Language": "zh-CN", "Cookie": "lang=en"}}, "en"),
        ({"query_string": "lang=zh", "headers": {"Cookie": "lang=en"}}, "zh"),
        ({"query_string": "lang=xx", "headers": {"Accept-Language": "en"}}, "en"),
    ],
)
def test_what_was_chosen_goes_before_what_the_browser_asks_for(asked: dict, expected: str):
    request = EnvironBuilder(**asked).get_request(PlainRequest)
    assert language.choose(request) == expected  # type: ignore[arg-type]  # Flask's request is one of these.
