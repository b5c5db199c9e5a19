"""One speech, many copies: the signal-to-noise estimate is that of the speech, not of one frame that a detector misses."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from authsvc.lab.voice_corpus import speakers
from authsvc.voice.audio import recording_of, resampled
from authsvc.voice.engine import SAMPLE_RATE, Samples
from authsvc.voice.hints import Hint
from authsvc.voice.quality import ENROLLMENT, VERIFICATION, measure
from authsvc.voice.service import VoiceService
from authsvc.voice.speech import Speech, find_speech
from tests.voice.sounds import LoudDetector, say

CEILING = 60.0


def at_8_khz(samples: Samples) -> Samples:
    return resampled(resampled(samples, SAMPLE_RATE, 8000), 8000, SAMPLE_RATE)


def shifted(semitones: float) -> Callable[[Samples], Samples]:
    return lambda samples: resampled(samples, SAMPLE_RATE, round(SAMPLE_RATE * 2 ** (-semitones / 12)))


def with_hum(hertz: float) -> Callable[[Samples], Samples]:
    """At -30 dBFS."""

    def spoil(samples: Samples) -> Samples:
        hum = np.sin(2 * np.pi * hertz * np.arange(samples.size) / SAMPLE_RATE)
        return (samples + 10 ** (-30 / 20) * np.sqrt(2) * hum).astype(np.float32)

    return spoil


COPIES: dict[str, Callable[[Samples], Samples]] = {
    "8 kHz": at_8_khz,
    "three semitones lower": shifted(-3),
    "two semitones higher": shifted(2),
    "20 dB quieter": lambda samples: samples * np.float32(0.1),
    "mains hum of 50 Hz": with_hum(50),
    "mains hum of 60 Hz": with_hum(60),
}


@pytest.fixture(scope="module")
def spoken(voices_dir: Path) -> list[Samples]:
    """Read speech of twelve people in ordinary rooms."""
    people = [
        *speakers(voices_dir / "chapters").values(),
        *list(speakers(voices_dir / "cohort").values())[:9],
    ]
    recordings = [own[0].load() for own in people]
    return [recording.samples for recording in recordings if recording is not None]


@pytest.fixture
def find(default_service: VoiceService) -> Callable[[Samples], Speech]:
    return lambda samples: find_speech(
        recording_of(samples, SAMPLE_RATE), default_service._ears.detector
    )  # the installed detector


@pytest.mark.parametrize("name", COPIES)
def test_a_copy_of_the_same_speech_has_the_same_signal_to_noise(
    spoken: list[Samples], find: Callable[[Samples], Speech], name: str
):
    for samples in spoken:
        assert measure(find(COPIES[name](samples))).snr == pytest.approx(measure(find(samples)).snr, abs=3)


@pytest.mark.parametrize("decibels", [5, 10, 15, 20])
@pytest.mark.parametrize("copy", ["clean", "8 kHz", "three semitones lower"])
def test_the_noise_that_was_added_is_the_noise_that_is_measured(
    spoken: list[Samples], find: Callable[[Samples], Speech], copy: str, decibels: int
):
    chance = np.random.default_rng(decibels)
    for original in spoken:
        samples = COPIES.get(copy, lambda sound: sound)(original)
        clean = find(samples)
        own = measure(clean)
        level = 10 ** ((own.level - decibels) / 20)
        noisy = (samples + level * chance.standard_normal(samples.size)).astype(np.float32)
        both = -10 * np.log10(10 ** (-own.snr / 10) + 10 ** (-decibels / 10))
        assert measure(find(noisy)).snr == pytest.approx(both, abs=3)


def test_one_frame_that_the_detector_misses_decides_nothing(spoken: list[Samples], find):
    speech = find(spoken[0])
    before = measure(speech).snr
    missed = speech.probabilities.copy()
    missed[np.argmax(missed)] = 0.0
    assert measure(Speech(speech.recording, missed)).snr == pytest.approx(before, abs=1)


def test_pauses_of_exact_zeros_are_no_better_than_a_quiet_room(spoken: list[Samples], find):
    pieces = [np.zeros(SAMPLE_RATE, dtype=np.float32), spoken[0][: 3 * SAMPLE_RATE]]
    assert measure(find(np.concatenate([*pieces, pieces[0]]))).snr <= CEILING


@pytest.mark.parametrize("around", [0.0, 3e-5], ids=["zeros", "the faintest hiss"])
def test_silence_around_a_noisy_row_does_not_make_a_quiet_room(spoken: list[Samples], find, around: float):
    chance = np.random.default_rng(2)
    for samples in spoken:
        level = 10 ** ((measure(find(samples)).level - 2) / 20)
        noisy = (samples + level * chance.standard_normal(samples.size)).astype(np.float32)[: 6 * SAMPLE_RATE]
        quiet = (around * chance.standard_normal(2 * SAMPLE_RATE)).astype(np.float32)
        drowned = np.concatenate([quiet[: SAMPLE_RATE // 2], noisy, quiet])
        assert Hint.TOO_NOISY in ENROLLMENT.hints(measure(find(drowned)))


def test_a_mains_hum_is_no_reason_to_record_again(spoken: list[Samples], find):
    assert not any(ENROLLMENT.hints(measure(find(with_hum(50)(samples)))) for samples in spoken)


def heard(samples: Samples) -> Speech:
    return find_speech(recording_of(samples, 16000), LoudDetector())


def test_speech_is_what_is_loud_and_the_span_keeps_the_pauses():
    speech = heard(say("402917"))
    assert 0 < speech.only.size <= speech.span.size <= speech.recording.samples.size
    assert speech.seconds < speech.duration < speech.recording.seconds
    assert speech.seconds == pytest.approx(6 * 0.45, abs=0.4)


def test_nearly_no_speech_leaves_the_recording_whole_for_the_gate():
    speech = heard(np.zeros(16000, dtype=np.float32))
    assert speech.only.size == speech.span.size == 16000
    assert VERIFICATION.hints(measure(speech)) == (Hint.NO_SPEECH,)
