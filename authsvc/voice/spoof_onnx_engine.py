"""A spoof detector as ONNX that a manifest describes: one more doubt, never a reason to accept."""

from __future__ import annotations

from pathlib import Path

from authsvc.biometric.manifest import Manifest
from authsvc.biometric.network import Network
from authsvc.errors import ModelUnusable
from authsvc.voice.engine import Samples
from authsvc.voice.input_form import InputForm


class OnnxSpoofDetector:
    """The last number of the first output is how human the sound is; under `input.accept_from` it is suspicious."""

    def __init__(self, path: Path, manifest: Manifest) -> None:
        """Raises ModelUnusable for a manifest without an input form or a limit."""
        self.id = manifest.id
        self._path = path
        self._form = InputForm.of(manifest.input, manifest.id)
        if self._form.accept_from is None:
            raise ModelUnusable(f"manifest `{manifest.id}` needs `input.accept_from`")
        self._accept_from = self._form.accept_from
        self._network: Network | None = None

    def load(self) -> None:
        self._network = Network(self._path)

    def score(self, speech: Samples) -> float:
        if self._network is None:
            raise ModelUnusable("the spoof detector was asked before it was loaded")
        answers = self._network.run({self._network.inputs[0]: self._form.prepare(speech)})
        return float(answers[self._network.outputs[0]].reshape(-1)[-1])

    def is_suspicious(self, score: float) -> bool:
        return score < self._accept_from
