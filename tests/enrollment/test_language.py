"""Every sentence is there in both languages, and whoever reads gets theirs."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po
from werkzeug.test import EnvironBuilder
from werkzeug.wrappers import Request as PlainRequest

from enrollment import language

PAGES = Path(language.__file__).parent
_METHODS = [("**.py", "python"), ("templates/**.html", "jinja2")]
_KEYWORDS = {"_": None, "N_": None, "gettext": None, "ngettext": (1, 2)}
_PLACE = re.compile(r"%\((\w+)\)")


def sentences() -> Iterator[str]:
    """Every sentence that the pages can say, in English."""
    for _, _, message, _, _ in extract_from_dir(str(PAGES), _METHODS, keywords=_KEYWORDS):
        yield _first(message)


def catalogue() -> dict[str, tuple[str, ...]]:
    """Each English sentence with its Chinese ones, one for every plural form that Chinese has."""
    with (PAGES / "locales" / "zh.po").open("rb") as file:
        return {_first(each.id): _all(each.string) for each in read_po(file) if each.id}


def _all(said: object) -> tuple[str, ...]:
    return tuple(map(str, said)) if isinstance(said, list | tuple) else (str(said or ""),)


def _first(said: object) -> str:
    return _all(said)[0]


def test_every_sentence_is_there_in_chinese():
    known = catalogue()
    assert [sentence for sentence in sorted(set(sentences())) if not all(known.get(sentence, ("",)))] == []


def test_no_translation_is_left_over():
    assert sorted(set(catalogue()) - set(sentences())) == []


def test_what_is_filled_in_is_the_same_in_both():
    differing = [
        english
        for english, chinese in catalogue().items()
        if any(set(_PLACE.findall(english)) != set(_PLACE.findall(each)) for each in chinese)
    ]
    assert differing == []


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
