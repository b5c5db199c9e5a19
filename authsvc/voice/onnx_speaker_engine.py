"""Any speaker network as ONNX that a manifest describes: CAM++, WeSpeaker's, an exported ECAPA.

Weights and thresholds are the operator's: nothing of the kind ships, and no accuracy is claimed for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from authsvc.biometric.manifest import Manifest
from authsvc.biometric.network import Network
from authsvc.biometric.vectors import Vectors, unit
from authsvc.errors import ModelUnusable
from authsvc.voice.engine import SAMPLE_RATE, Samples
from authsvc.voice.input_form import InputForm


class OnnxSpeakerEncoder:
    """One phrase at a time, in the form that the manifest's `[input]` table states; the first output is the vector."""

    id = "onnx_speaker"

    def __init__(self, path: Path, manifest: Manifest) -> None:
        """Raises ModelUnusable for a manifest without an input form or a dimension."""
        if manifest.dimension is None:
            raise ModelUnusable(f"manifest `{manifest.id}` needs the `dimension` of its vectors")
        self.dimension = manifest.dimension
        self._path = path
        self._form = InputForm.of(manifest.input, manifest.id)
        self._network: Network | None = None

    def load(self) -> None:
        self._network = Network(self._path)
        if len(self._network.inputs) != 1:
            raise ModelUnusable(
                f"`{self._path.name}` wants {len(self._network.inputs)} inputs, and 1 is given"
            )
        noise = np.random.default_rng(0).standard_normal(SAMPLE_RATE, dtype=np.float32)
        self.describe([noise * np.float32(0.1)])

    def describe(self, phrases: Sequence[Samples]) -> Vectors:
        return unit(np.stack([self._vector(phrase) for phrase in phrases]))

    def _vector(self, phrase: Samples) -> Vectors:
        if self._network is None:
            raise ModelUnusable("the speaker encoder was asked before it was loaded")
        answers = self._network.run({self._network.inputs[0]: self._form.prepare(phrase)})
        vector = answers[self._network.outputs[0]].reshape(-1)
        if vector.shape != (self.dimension,):
            raise ModelUnusable(
                f"`{self._path.name}` answered {vector.size} numbers, and {self.dimension} are expected"
            )
        return vector
