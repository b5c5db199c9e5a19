"""How a thief makes new recordings of old ones: as fast, as high and as long as is said."""

import numpy as np
import pytest

from authsvc.lab.voice_copies import at_speed, at_tempo, spliced, with_shorter_pauses
from tests.voice.sounds import say

SOUND = say("402917")


def pitch(samples: np.ndarray) -> float:
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(samples.size)))
    return float(np.fft.rfftfreq(samples.size, 1 / 16000)[spectrum.argmax()])


def tone(hertz: float = 440) -> np.ndarray:
    return np.sin(2 * np.pi * hertz * np.arange(32000) / 16000).astype(np.float32)


def test_faster_is_shorter_and_higher_by_the_same_factor() -> None:
    made = at_speed(tone(), 1.25)
    assert made.size == pytest.approx(32000 / 1.25, rel=0.01)
    assert pitch(made) == pytest.approx(550, rel=0.01)


def test_another_tempo_is_shorter_and_as_high_as_before() -> None:
    made = at_tempo(tone(), 1.25)
    assert made.size == pytest.approx(32000 / 1.25, rel=0.05)
    assert pitch(made) == pytest.approx(440, rel=0.01)


def test_pauses_are_cut_and_what_is_loud_is_kept() -> None:
    gap = np.zeros(16000, dtype=np.float32)
    made = with_shorter_pauses(np.concatenate([tone(), gap, tone()]))
    assert made.size == pytest.approx(64000 + 8000, rel=0.02)


def test_a_splice_is_the_same_for_the_same_chance() -> None:
    one, other = (spliced([SOUND[:4000], SOUND[4000:8000]], np.random.default_rng(1)) for _ in range(2))
    assert np.array_equal(one, other)
    assert one.size > 8000 + 2 * 4000
