"""A spectrogram is drawn as long as its recording, with its extra and not without."""

import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from authsvc.errors import ModelUnusable
from authsvc.lab.voice_pictures import draw_spectrogram
from authsvc.voice.audio import recording_of
from authsvc.voice.speech import find_speech
from tests.voice.sounds import LoudDetector, say


def test_a_spectrogram_is_as_long_as_its_recording(tmp_path: Path):
    pytest.importorskip("librosa", reason="the extra `voice-lab` is not installed")
    speech = find_speech(recording_of(say("402917"), 16000), LoudDetector())
    draw_spectrogram(speech, tmp_path / "digits.png")
    with Image.open(tmp_path / "digits.png") as picture:
        assert picture.width == 1 + speech.recording.samples.size // 160
        strip = np.asarray(picture)[-1]
    assert strip[:8].max() == 0
    assert (strip == 255).mean() > 0.5


def test_without_librosa_a_picture_names_its_extra(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setitem(sys.modules, "librosa", None)
    speech = find_speech(recording_of(say("402917"), 16000), LoudDetector())
    with pytest.raises(ModelUnusable, match="voice-lab"):
        draw_spectrogram(speech, tmp_path / "digits.png")
