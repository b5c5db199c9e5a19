"""A condition is the same every time and keeps length and level."""

import numpy as np
import pytest

from authsvc.voice.conditions import noisy, reverberant, telephone
from tests.voice.sounds import say


@pytest.mark.parametrize("condition", [telephone, reverberant, noisy])
def test_a_condition_is_the_same_every_time_and_keeps_length_and_level(condition):
    sound = say("402917")
    copy = condition(sound)
    assert np.array_equal(copy, condition(sound))
    assert copy.dtype == np.float32
    assert copy.size == sound.size
    assert np.sqrt((copy**2).mean() / (sound**2).mean()) == pytest.approx(1, abs=0.3)
