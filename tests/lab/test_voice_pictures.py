"""A spectrogram is drawn as long as its recording, and a small one as large as it may be."""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from authsvc.lab.voice_pictures import draw_spectrogram, small_spectrogram
from authsvc.voice.audio import recording_of
from authsvc.voice.speech import find_speech
from tests.voice.sounds import LoudDetector, say


def test_a_spectrogram_is_as_long_as_its_recording(tmp_path: Path):
    speech = find_speech(recording_of(say("402917"), 16000), LoudDetector())
    draw_spectrogram(speech, tmp_path / "digits.png")
    with Image.open(tmp_path / "digits.png") as picture:
        assert picture.width == 1 + speech.recording.samples.size // 160
        strip = np.asarray(picture)[-1]
    assert strip[:8].max() == 0
    assert (strip == 255).mean() > 0.5


def test_a_tone_is_bright_at_its_height_and_nowhere_else():
    tone = np.sin(2 * np.pi * 4000 * np.arange(16000) / 16000).astype(np.float32)
    with Image.open(io.BytesIO(small_spectrogram(tone, 100, 40))) as picture:
        rows = np.asarray(picture).mean(axis=1)
    assert 5 < rows.argmax() < 20
    assert rows[30:].max() < rows.max() / 2


@pytest.mark.parametrize("samples", [np.zeros(0), np.zeros(1), np.zeros(16000), np.ones(3)])
def test_silence_and_nearly_nothing_are_pictures_too(samples: np.ndarray):
    with Image.open(io.BytesIO(small_spectrogram(samples.astype(np.float32), 200, 60))) as picture:
        assert picture.size == (200, 60)
