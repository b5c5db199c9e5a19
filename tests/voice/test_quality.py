"""What is measured of a recording, and what is told to the person."""

from dataclasses import replace

import numpy as np
import pytest

from authsvc.voice.audio import recording_of
from authsvc.voice.conditions import noisy, telephone
from authsvc.voice.engine import Samples
from authsvc.voice.hints import Hint
from authsvc.voice.quality import ENROLLMENT, VERIFICATION, Quality, measure
from authsvc.voice.speech import Speech, find_speech
from tests.voice.sounds import LoudDetector, say

GOOD = Quality(seconds=4, speech=3, snr=30, clipped=0, level=-20, upper_band=-20)


def heard(samples: Samples) -> Speech:
    return find_speech(recording_of(samples, 16000), LoudDetector())


@pytest.mark.parametrize(
    ("spoiled", "hints"),
    [
        ({}, ()),
        ({"speech": 0.0}, (Hint.NO_SPEECH,)),
        ({"speech": 1.4}, (Hint.TOO_SHORT,)),
        ({"seconds": 12.5}, (Hint.TOO_LONG,)),
        ({"snr": 9.0}, (Hint.TOO_NOISY,)),
        ({"clipped": 0.02}, (Hint.CLIPPED,)),
        ({"level": -50.0}, (Hint.TOO_QUIET,)),
        ({"level": -50.0, "snr": 5.0}, (Hint.TOO_QUIET, Hint.TOO_NOISY)),
    ],
)
def test_everything_that_is_wrong_is_told_at_once(spoiled: dict[str, float], hints: tuple[Hint, ...]):
    assert VERIFICATION.hints(replace(GOOD, **spoiled)) == hints


def test_enrollment_asks_for_more_speech_and_less_noise():
    doubtful = replace(GOOD, speech=2.0, snr=12.0)
    assert VERIFICATION.hints(doubtful) == ()
    assert ENROLLMENT.hints(doubtful) == (Hint.TOO_SHORT, Hint.TOO_NOISY)


@pytest.mark.parametrize("decibels", [5, 10, 20])
def test_the_noise_is_measured_to_within_four_decibels(decibels: int):
    clean = say("402917", each=0.4)
    spoken = heard(clean)
    noise = np.random.default_rng(1).standard_normal(clean.size)
    level = np.sqrt((spoken.only.astype(np.float64) ** 2).mean())
    samples = (clean + noise * level * 10 ** (-decibels / 20)).astype(np.float32)
    loud = Speech(recording_of(samples, 16000), spoken.probabilities)
    assert measure(loud).snr == pytest.approx(decibels, abs=4)


def test_a_telephone_line_is_told_by_what_it_leaves_out():
    assert measure(heard(telephone(noisy(say("402917"), 20)))).is_telephone
    assert not measure(heard(noisy(say("402917"), 20))).is_telephone
