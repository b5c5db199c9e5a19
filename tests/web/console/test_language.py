"""The console speaks both languages, whole."""

from pathlib import Path

from authsvc.web import console
from tests.support.sentences import filled_differently, left_over, untranslated

PAGES = Path(console.__file__).parent


def test_every_sentence_is_there_in_chinese():
    assert untranslated(PAGES) == []


def test_no_translation_is_left_over():
    assert left_over(PAGES) == []


def test_what_is_filled_in_is_the_same_in_both():
    assert filled_differently(PAGES) == []
