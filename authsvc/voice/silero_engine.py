"""Speech detection by Silero's network, in its form that takes a whole recording at once."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from authsvc.biometric.network import Network
from authsvc.errors import ModelUnusable
from authsvc.voice.engine import Probabilities, Samples

_STEP = 512
_CONTEXT = 64
_PEAK, _MOST_GAIN = 0.3, 30.0


class SileroSpeechDetector:
    """Input rows are 64 samples of the piece before and 512 new ones; without the 64 the network hears no speech at all."""

    id = "silero_onnx"

    def __init__(self, path: Path) -> None:
        self._path = path
        self._network: Network | None = None

    def load(self) -> None:
        self._network = Network(self._path)
        if self.probabilities(np.zeros(_STEP, dtype=np.float32)).shape != (1,):
            raise ModelUnusable(f"`{self._path.name}` does not answer one probability for 32 ms")

    def probabilities(self, samples: Samples) -> Probabilities:
        if self._network is None:
            raise ModelUnusable("the speech detector was asked before it was loaded")
        gain = min(_PEAK / max(float(np.abs(samples).max(initial=0.0)), 1e-9), _MOST_GAIN)
        padded = np.pad(samples * np.float32(gain), (_CONTEXT, -samples.size % _STEP))
        rows = np.lib.stride_tricks.sliding_window_view(padded, _CONTEXT + _STEP)[::_STEP]
        state = np.zeros((1, 1, 128), dtype=np.float32)
        answers = self._network.run(
            {"input": np.ascontiguousarray(rows, dtype=np.float32), "h": state, "c": state}
        )
        return answers["speech_probs"].reshape(-1)
