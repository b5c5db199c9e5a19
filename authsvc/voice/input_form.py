"""What a speaker or spoof network expects of sound, as its manifest states it."""

from __future__ import annotations

from typing import Literal

import numpy as np
from pydantic import Field

from authsvc.biometric.form import InputTable
from authsvc.voice.engine import SAMPLE_RATE, Samples
from authsvc.voice.fbank import fbank


class InputForm(InputTable):
    """`samples` goes in as `1 x n` at 16 kHz; `fbank` as `1 x frames x bands` log-mel energies, or bands before frames.

    `scale` multiplies the samples first (Kaldi's recipes want 32768); `centred` takes each band's mean away. Speech shorter
    than `least_seconds` is repeated, longer than `most_seconds` is cut.
    """

    form: Literal["samples", "fbank"]
    scale: float = Field(1.0, gt=0)
    bands: int = Field(80, ge=20, le=128)
    window: Literal["hamming", "povey"] = "hamming"
    centred: bool = True
    bands_first: bool = False
    least_seconds: float = Field(1.0, gt=0, le=12)
    most_seconds: float = Field(12.0, gt=0, le=12)
    accept_from: float | None = None

    def prepare(self, speech: Samples) -> Samples:
        """The network's input for one phrase, float32, with a leading axis of 1."""
        least, most = (round(seconds * SAMPLE_RATE) for seconds in (self.least_seconds, self.most_seconds))
        samples = (speech if speech.size >= least else np.resize(speech, least))[:most] * np.float32(
            self.scale
        )
        if self.form == "samples":
            return samples[None]
        energies = fbank(samples, self.bands, self.window)
        if self.centred:
            energies = energies - energies.mean(axis=0)
        return np.ascontiguousarray(energies.T if self.bands_first else energies)[None]
