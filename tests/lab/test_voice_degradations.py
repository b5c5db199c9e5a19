"""Degraded copies are as long as their original, and unknown ways to degrade are refused."""

import pytest

from authsvc.lab.voice_degradations import degradation
from tests.voice.sounds import say


@pytest.mark.parametrize("name", ["clean", "telephone", "reverb", "clip", "noise5", "opus8k"])
def test_a_degraded_copy_is_as_long_as_its_original(name: str):
    sound = say("402917")
    assert degradation(name)(sound).shape == sound.shape


@pytest.mark.parametrize("name", ["", "noise", "opus", "autotune", "noise-3"])
def test_an_unknown_degradation_is_none(name: str):
    with pytest.raises(KeyError):
        degradation(name)
