"""The console speaks both languages, whole."""

from pathlib import Path

from authsvc.web import console
from tests.support.sentences import filled_differently, left_over, untranslated
from tests.web.console.people import Person

PAGES = Path(console.__file__).parent


def test_every_sentence_is_there_in_chinese():
    assert untranslated(PAGES) == []


def test_no_translation_is_left_over():
    assert left_over(PAGES) == []


def test_what_is_filled_in_is_the_same_in_both():
    assert filled_differently(PAGES) == []


def test_a_chosen_language_is_remembered(auditor: Person):
    auditor.browser.get("/console/?lang=en")
    assert '<html lang="en">' in auditor.browser.page
    auditor.browser.get("/console/")
    assert '<html lang="en">' in auditor.browser.page
