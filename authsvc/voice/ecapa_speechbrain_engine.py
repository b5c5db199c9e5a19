"""SpeechBrain's ECAPA-TDNN, from the operator's copy of its weights; the only file that knows torch and speechbrain.

The network is built here in code. The published YAML is never opened, because a YAML there can run anything, and nothing
asks a hub. Accuracy was not measured here, so none is claimed.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from authsvc.biometric.vectors import Vectors, unit
from authsvc.errors import ModelUnusable
from authsvc.voice.engine import SAMPLE_RATE, Samples

_MINIMUM_SAMPLES = SAMPLE_RATE


class EcapaEncoder:
    """80 log-mel bands of a phrase, their mean taken away, to 192 numbers.

    `channels` and `attention_channels` are those of the published checkpoint; a smaller one of the same shape serves a test.
    """

    id = "ecapa_speechbrain"
    dimension = 192

    def __init__(
        self,
        path: Path,
        *,
        channels: tuple[int, ...] = (1024, 1024, 1024, 1024, 3072),
        attention_channels: int = 128,
    ) -> None:
        self._path = path
        self._channels = channels
        self._attention_channels = attention_channels
        # Any: torch modules, which this file loads late.
        self._features: Any = None
        self._normalise: Any = None
        self._network: Any = None

    def load(self) -> None:
        """Raises ModelUnusable where the extra `ecapa` is not installed or cannot be loaded, or for other weights."""
        torch, parts = _libraries()
        torch.set_num_threads(1)
        self._features = parts["Fbank"](n_mels=80)
        self._normalise = parts["InputNormalization"](norm_type="sentence", std_norm=False)
        network = parts["ECAPA_TDNN"](
            80,
            channels=list(self._channels),
            kernel_sizes=[5, 3, 3, 3, 1],
            dilations=[1, 2, 3, 4, 1],
            attention_channels=self._attention_channels,
            lin_neurons=self.dimension,
        )
        try:
            network.load_state_dict(torch.load(self._path, map_location="cpu", weights_only=True))
        except (
            Exception
        ) as error:  # torch raises many kinds for a file that is not a checkpoint of this shape.
            raise ModelUnusable(f"`{self._path.name}` is not a checkpoint of ECAPA-TDNN") from error
        self._network = network.eval()

    def describe(self, phrases: Sequence[Samples]) -> Vectors:
        if self._network is None:
            raise ModelUnusable("the speaker encoder was asked before it was loaded")
        vectors = np.stack([self._vector(phrase) for phrase in phrases])
        if not np.isfinite(vectors).all():
            raise ModelUnusable(f"`{self._path.name}` answered numbers that are not finite")
        return unit(vectors)

    def _vector(self, phrase: Samples) -> Vectors:
        import torch

        long_enough = phrase if phrase.size >= _MINIMUM_SAMPLES else np.resize(phrase, _MINIMUM_SAMPLES)
        with torch.no_grad():
            features = self._features(torch.from_numpy(np.ascontiguousarray(long_enough))[None])
            vector = self._network(self._normalise(features, torch.ones(1)))
        numbers: Vectors = vector.reshape(-1).numpy()
        return numbers


def _libraries() -> tuple[Any, dict[str, Any]]:  # Any: modules and classes of untyped libraries
    # SpeechBrain would otherwise ask a hub for whatever it does not find.
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    try:
        import torch
    except ModuleNotFoundError as error:
        raise ModelUnusable("torch is not installed: install the extra `ecapa`") from error
    try:
        import torchaudio  # noqa: F401 - SpeechBrain imports it, and its own error would not say what to do.
    except (ImportError, OSError) as error:
        raise ModelUnusable(
            f"torchaudio cannot be loaded: {error}: install the build that belongs to this torch (CPU or CUDA)"
        ) from error
    try:
        from speechbrain.lobes.features import Fbank
        from speechbrain.lobes.models.ECAPA_TDNN import ECAPA_TDNN
        from speechbrain.processing.features import InputNormalization
    except (ImportError, OSError) as error:
        raise ModelUnusable(f"speechbrain cannot be loaded: {error}: install the extra `ecapa`") from error
    return torch, {"Fbank": Fbank, "InputNormalization": InputNormalization, "ECAPA_TDNN": ECAPA_TDNN}
