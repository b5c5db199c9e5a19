"""Which part of a recording is speech, and how much of it there is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from authsvc.voice.audio import Recording
from authsvc.voice.engine import SAMPLE_RATE, Probabilities, Samples, SpeechDetector

FRAME = 512
"""Samples per probability of speech: 32 ms."""

_SPEECH = 0.5
_WIDENED = 3
_LEAST_S = 0.25


@dataclass(frozen=True, slots=True, eq=False)
class Speech:
    """A recording with the probability of speech in each of its 32 ms frames."""

    recording: Recording
    probabilities: Probabilities

    @property
    def mask(self) -> NDArray[np.bool_]:
        """The frames that hold speech, widened by three on either side so that no consonant is cut off."""
        spoken = (self.probabilities > _SPEECH).astype(np.int8)
        return np.convolve(spoken, np.ones(2 * _WIDENED + 1, dtype=np.int8), mode="same") > 0

    @property
    def seconds(self) -> float:
        """How long somebody speaks, without the widening."""
        return float((self.probabilities > _SPEECH).sum()) * FRAME / SAMPLE_RATE

    @property
    def only(self) -> Samples:
        """What is speech, joined together; the whole recording when that is nearly nothing, for the gate to refuse."""
        samples = self.recording.samples
        kept = samples[np.repeat(self.mask, FRAME)[: samples.size]]
        return kept if kept.size >= _LEAST_S * SAMPLE_RATE else samples

    @property
    def span(self) -> Samples:
        """From the first to the last speech, with the pauses between: what the digit recogniser hears."""
        spoken = np.flatnonzero(self.mask)
        if not spoken.size:
            return self.recording.samples
        return self.recording.samples[spoken[0] * FRAME : (spoken[-1] + 1) * FRAME]


def find_speech(recording: Recording, detector: SpeechDetector) -> Speech:
    return Speech(recording, detector.probabilities(recording.samples))
