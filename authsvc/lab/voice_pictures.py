"""A recording as a picture: what was loud when, with the speech that was found under it. For looking at what was refused.

The only file that knows librosa; the extra `voice-lab` brings it, and nothing on the serving path does.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from authsvc.errors import ModelUnusable
from authsvc.voice.engine import SAMPLE_RATE
from authsvc.voice.speech import FRAME, Speech

_BANDS, _HOP = 128, 160
_RANGE_DB = 80.0
_STRIP = 12
_SCALE = 3


def draw_spectrogram(speech: Speech, path: Path) -> None:
    """A PNG, 100 columns for each second: 128 mel bands over 80 dB, high ones on top, and a strip that is white at speech.

    Raises ModelUnusable where librosa is not installed.
    """
    try:
        import librosa
    except ModuleNotFoundError as error:
        raise ModelUnusable("pictures need librosa: install the extra `voice-lab`") from error
    power = librosa.feature.melspectrogram(
        y=speech.recording.samples, sr=SAMPLE_RATE, n_fft=512, hop_length=_HOP, n_mels=_BANDS
    )
    decibels = librosa.power_to_db(power, ref=np.max, top_db=_RANGE_DB)
    grey = np.repeat(255 * (1 + decibels[::-1] / _RANGE_DB), _SCALE, axis=0)
    spoken = np.repeat(speech.mask, FRAME)[::_HOP][: grey.shape[1]]
    strip = np.zeros((_STRIP, grey.shape[1]))
    strip[:, : spoken.size] = 255 * spoken
    Image.fromarray(np.concatenate([grey, strip]).round().astype(np.uint8)).save(path, "PNG")
