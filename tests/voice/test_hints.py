"""Every hint has a sentence in both languages."""

import pytest

from authsvc.voice.hints import Hint, sentence


@pytest.mark.parametrize("locale", ["zh-CN", "en-GB"])
def test_every_hint_has_its_sentence_in_both_languages(locale: str):
    assert len({sentence(hint, locale) for hint in Hint}) == len(Hint)
    with pytest.raises(KeyError):
        sentence("no such hint", locale)
