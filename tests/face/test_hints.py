"""Every hint has a sentence in both languages."""

import pytest

from authsvc.face.hints import Hint, sentence


@pytest.mark.parametrize("hint", list(Hint))
def test_every_hint_has_a_sentence_in_both_languages(hint: Hint) -> None:
    assert sentence(hint, "en-GB").endswith(".")
    assert sentence(hint, "zh-CN").endswith("。")
    assert sentence(hint, "fr") == sentence(hint, "en")


def test_an_unknown_hint_is_an_error() -> None:
    with pytest.raises(KeyError, match="no sentence for hint `smile`"):
        sentence("smile", "en")
