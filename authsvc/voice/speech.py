"""Which part of a recording is speech, and how much of it there is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from authsvc.voice.audio import Recording
from authsvc.voice.engine import SAMPLE_RATE, Probabilities, Samples, SpeechDetector

FRAME = 512
"""Samples per probability of speech: 32 ms."""

_SPEECH, _PERHAPS = 0.5, 0.15
_WIDENED, _MARGIN = 3, 16
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
        """From half a second before the first speech to half a second after the last: what the digit recogniser hears.

        A speech detector misses soft ends on a telephone or in a room; cut to them, one prompt in six was misheard there.
        """
        heard = np.flatnonzero(self.probabilities > _PERHAPS)
        if not heard.size:
            return self.recording.samples
        start, end = max(0, heard[0] - _MARGIN), heard[-1] + 1 + _MARGIN
        return self.recording.samples[start * FRAME : end * FRAME]

    @property
    def duration(self) -> float:
        """Seconds from the first speech to the last, with the pauses between."""
        spoken = np.flatnonzero(self.mask)
        return float(spoken[-1] + 1 - spoken[0]) * FRAME / SAMPLE_RATE if spoken.size else 0.0


def find_speech(recording: Recording, detector: SpeechDetector) -> Speech:
    return Speech(recording, detector.probabilities(recording.samples))
