"""What the voice room needs from engines: something that finds speech, describes a voice, and hears digits.

Sound passes here as mono float32 in [-1, 1] at 16 kHz, unless it is said otherwise.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from authsvc.biometric.vectors import Vectors

SAMPLE_RATE = 16000

Samples = NDArray[np.float32]
Probabilities = NDArray[np.float32]


class SpeechDetector(Protocol):
    """Says where somebody speaks. One engine, one instance per process; `load` comes first."""

    @property
    def id(self) -> str: ...

    def load(self) -> None:
        """Open the weights; raises ModelUnusable."""

    def probabilities(self, samples: Samples) -> Probabilities:
        """One probability of speech for each 32 ms (512 samples), the last piece filled up with silence."""


class SpeakerEncoder(Protocol):
    """Describes voices by vectors whose cosine similarity says how alike they are; higher is more alike."""

    @property
    def id(self) -> str: ...

    @property
    def dimension(self) -> int: ...

    def load(self) -> None:
        """Open the weights; raises ModelUnusable."""

    def describe(self, phrases: Sequence[Samples]) -> Vectors:
        """`n x dimension` float32 of unit length, one row per phrase, each speech only and not empty.

        Raises ModelUnusable when the network answers numbers that are not finite.
        """


class DigitRecogniser(Protocol):
    """Hears digits. Label 0 is the blank, 1 to 10 are zero to nine in English, 11 to 20 in Mandarin."""

    @property
    def id(self) -> str: ...

    def load(self) -> None:
        """Open the weights; raises ModelUnusable."""

    def log_probabilities(self, samples: Samples) -> Probabilities:
        """`steps x 21` natural logarithms, one row for each 40 ms.

        They are comparable within a row, between the blank and one language's digits, and need not add up to 1.
        """
