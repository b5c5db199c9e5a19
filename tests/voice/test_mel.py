"""The front ends: the same numbers as the libraries that they stand for."""

import librosa
import numpy as np

from authsvc.voice.mel import mel_power
from tests.voice.sounds import say

SOUND = say("402917")


def test_mel_power_is_librosas():
    expected = librosa.feature.melspectrogram(y=SOUND, sr=16000, n_fft=400, hop_length=160, n_mels=40).T
    assert np.abs(mel_power(SOUND) - expected).max() < 1e-5 * expected.max()


def test_mel_power_of_a_tone_lies_in_the_tones_band():
    tone = np.sin(2 * np.pi * 1000 * np.arange(16000) / 16000).astype(np.float32)
    power = mel_power(tone)
    assert power.shape == (101, 40)
    # 1 kHz is 15 of the 45.2 mels of Slaney's scale, which 42 edges cut into 41 steps: next to the centre of band 13.
    assert power[50].argmax() == 13
