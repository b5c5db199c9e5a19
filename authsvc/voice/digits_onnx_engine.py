"""Hears digits through the small network that was trained on synthetic voices."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from authsvc.arrays.network import Network
from authsvc.errors import ModelUnusable
from authsvc.voice.audio import resampled
from authsvc.voice.engine import SAMPLE_RATE, Probabilities, Samples
from authsvc.voice.prompt_features import SAMPLE_RATE as PROMPT_RATE
from authsvc.voice.prompt_features import prompt_features

_LABELS = 21


class OnnxDigitRecogniser:
    """Mel bands of 8 kHz sound in, one row of 21 log-probabilities for each 40 ms out."""

    id = "digits_onnx"

    def __init__(self, path: Path) -> None:
        self._path = path
        self._network: Network | None = None

    def load(self) -> None:
        self._network = Network(self._path)
        if self.log_probabilities(np.zeros(SAMPLE_RATE, dtype=np.float32)).shape[1:] != (_LABELS,):
            raise ModelUnusable(f"`{self._path.name}` does not answer {_LABELS} labels")

    def log_probabilities(self, samples: Samples) -> Probabilities:
        if self._network is None:
            raise ModelUnusable("the digit recogniser was asked before it was loaded")
        features = prompt_features(resampled(samples, SAMPLE_RATE, PROMPT_RATE))
        return self._network.run({"features": features[None]})["log_probabilities"]
