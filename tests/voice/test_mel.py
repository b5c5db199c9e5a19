"""The front ends: the same numbers as the libraries that they stand for."""

import numpy as np
import pytest

from authsvc.voice.fbank import fbank
from authsvc.voice.mel import mel_power
from authsvc.voice.prompt_features import BANDS, prompt_features
from tests.voice.sounds import say

SOUND = say("402917")


def test_mel_power_is_librosas():
    librosa = pytest.importorskip("librosa", reason="the extra `voice-lab` is not installed")
    expected = librosa.feature.melspectrogram(y=SOUND, sr=16000, n_fft=400, hop_length=160, n_mels=40).T
    assert np.abs(mel_power(SOUND) - expected).max() < 1e-5 * expected.max()


def test_mel_power_of_a_tone_lies_in_the_tones_band():
    tone = np.sin(2 * np.pi * 1000 * np.arange(16000) / 16000).astype(np.float32)
    power = mel_power(tone)
    assert power.shape == (101, 40)
    # 1 kHz is 15 of the 45.2 mels of Slaney's scale, which 42 edges cut into 41 steps: next to the centre of band 13.
    assert power[50].argmax() == 13


def test_fbank_has_a_frame_for_every_whole_25_ms():
    assert fbank(SOUND[:16000] * 32768).shape == (98, 80)
    assert fbank(SOUND[:16000] * 32768, 40, "povey").shape == (98, 40)


def test_fbank_of_ten_times_the_amplitude_is_higher_by_a_constant():
    louder = fbank(SOUND * 100) - fbank(SOUND * 10)
    assert np.median(louder) == pytest.approx(np.log(100), abs=1e-3)


def test_prompt_features_do_not_depend_on_level_and_stand_still_in_silence():
    sound = SOUND[::2]
    features = prompt_features(sound)
    assert features.shape[1] == BANDS
    assert np.abs(features - prompt_features((sound / 10).astype(np.float32))).max() < 1e-3
    assert np.abs(prompt_features(np.zeros(8000, dtype=np.float32))).max() < 0.05
    assert prompt_features(np.zeros(1, dtype=np.float32)).shape == (1, BANDS)
