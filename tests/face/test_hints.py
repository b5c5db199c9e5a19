"""Every hint has a sentence in both languages."""

import numpy as np
import pytest

from authsvc.face.acquisition import Frame, hints_of
from authsvc.face.hints import OPPOSITE, Hint, sentence


@pytest.mark.parametrize("hint", list(Hint))
def test_every_hint_has_a_sentence_in_both_languages(hint: Hint) -> None:
    assert sentence(hint, "en-GB").endswith(".")
    assert sentence(hint, "zh-CN").endswith("。")
    assert sentence(hint, "fr") == sentence(hint, "en")


def test_an_unknown_hint_is_an_error() -> None:
    with pytest.raises(KeyError, match="no sentence for hint `smile`"):
        sentence("smile", "en")


@pytest.mark.parametrize("often", list(OPPOSITE))
def test_nobody_is_asked_for_a_thing_and_its_opposite(often: Hint) -> None:
    """Somebody who comes closer and closer has frames of both kinds; what most of them lack is asked for."""
    picture = np.zeros((1, 1, 3), np.uint8)
    seldom = OPPOSITE[often]
    frames = [
        Frame(picture, None, None, hints) for hints in ((seldom, Hint.TURNED), (often,), (often, Hint.TURNED))
    ]
    assert sorted(hints_of(frames, 1)) == sorted((often.value, Hint.TURNED.value))
