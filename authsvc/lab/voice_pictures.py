"""A recording as a picture: what was loud when, with the speech that was found under it. For looking at what was refused."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from authsvc.voice.engine import Samples
from authsvc.voice.mel import HOP, mel_power
from authsvc.voice.speech import FRAME, Speech

_RANGE_DB = 80.0
_STRIP = 12
_SCALE = 8

Grey = NDArray[np.float64]


def draw_spectrogram(speech: Speech, path: Path) -> None:
    """A PNG, 100 columns for each second: 40 mel bands over 80 dB, high ones on top, and a strip that is white at speech."""
    grey = np.repeat(_grey(speech.recording.samples), _SCALE, axis=0)
    spoken = np.repeat(speech.mask, FRAME)[::HOP][: grey.shape[1]]
    strip = np.zeros((_STRIP, grey.shape[1]))
    strip[:, : spoken.size] = 255 * spoken
    Image.fromarray(np.concatenate([grey, strip]).round().astype(np.uint8)).save(path, "PNG")


def small_spectrogram(samples: Samples, width: int, height: int) -> bytes:
    """The same as a PNG of exactly this size, without the strip."""
    drawn = Image.fromarray(_grey(samples).round().astype(np.uint8)).resize((width, height))
    made = io.BytesIO()
    drawn.save(made, "PNG", optimize=True)
    return made.getvalue()


def _grey(samples: Samples) -> Grey:
    """0 to 255, `40 x frames`, high bands first; black where nothing is within 80 dB of the loudest."""
    power = mel_power(samples).T[::-1].astype(np.float64)
    decibels = 10 * np.log10(np.maximum(power, 1e-10))
    return np.asarray(255 * np.clip(1 + (decibels - decibels.max()) / _RANGE_DB, 0, 1))
