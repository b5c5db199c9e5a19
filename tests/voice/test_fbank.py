"""Filter banks have a frame for every whole 25 ms."""

import numpy as np
import pytest

from authsvc.voice.fbank import fbank
from tests.voice.sounds import say

SOUND = say("402917")


def test_fbank_has_a_frame_for_every_whole_25_ms():
    assert fbank(SOUND[:16000] * 32768).shape == (98, 80)
    assert fbank(SOUND[:16000] * 32768, 40, "povey").shape == (98, 40)


def test_fbank_of_ten_times_the_amplitude_is_higher_by_a_constant():
    louder = fbank(SOUND * 100) - fbank(SOUND * 10)
    assert np.median(louder) == pytest.approx(np.log(100), abs=1e-3)
