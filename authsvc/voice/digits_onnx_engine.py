"""Hears digits through small networks that were trained on synthetic voices, and believes the mean of them.

Those that were trained in different ways err on different words: together they are right where each alone is not.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from authsvc.biometric.network import Network
from authsvc.errors import ModelUnusable
from authsvc.voice.audio import resampled
from authsvc.voice.engine import SAMPLE_RATE, Probabilities, Samples
from authsvc.voice.prompt_features import SAMPLE_RATE as PROMPT_RATE
from authsvc.voice.prompt_features import prompt_features

_LABELS = 21
_LANGUAGES = (slice(1, 11), slice(11, 21))
_LEAST = 1e-9


class OnnxDigitRecogniser:
    """Mel bands of 8 kHz sound in, one row of 21 logarithms for each 40 ms out."""

    id = "digits_onnx"

    def __init__(self, paths: Sequence[Path]) -> None:
        self._paths = tuple(paths)
        self._networks: tuple[Network, ...] = ()

    def load(self) -> None:
        self._networks = tuple(Network(path) for path in self._paths)
        features = prompt_features(np.zeros(PROMPT_RATE, dtype=np.float32))[None]
        answers = [network.output(features).shape for network in self._networks]
        if {answer[1:] for answer in answers} != {(_LABELS,)} or len(set(answers)) != 1:
            names = ", ".join(f"`{path.name}`" for path in self._paths)
            raise ModelUnusable(f"{names} do not answer {_LABELS} labels at the same pace")

    def log_probabilities(self, samples: Samples) -> Probabilities:
        if not self._networks:
            raise ModelUnusable("the digit recogniser was asked before it was loaded")
        features = prompt_features(resampled(samples, SAMPLE_RATE, PROMPT_RATE))[None]
        answers = [network.output(features) for network in self._networks]
        logarithms = np.zeros_like(answers[0])
        for digits in _LANGUAGES:
            mean = np.mean([_within(answer, digits) for answer in answers], axis=0) + _LEAST
            # Against the blank of the same language: the networks were taught differently how the languages share.
            logarithms[:, digits] = np.log(mean[:, 1:] / mean[:, :1])
        return logarithms


def _within(logarithms: Probabilities, digits: slice) -> Probabilities:
    """`steps x 11` probabilities of the blank and one language's digits, which add up to 1."""
    among = np.column_stack([logarithms[:, 0], logarithms[:, digits]])
    odds = np.exp(among - among.max(axis=1, keepdims=True))
    shares: Probabilities = odds / odds.sum(axis=1, keepdims=True)
    return shares
