"""Kokoro-82M by hexgrad (Apache-2.0), a neural synthesiser: 54 voices, eight of them Mandarin, that say any phonemes.

A voice is two vectors, how it sounds and how it says things. So the sound of one voice, or of two mixed, speaks with the melody
of another: native Mandarin out of more throats than eight. The folder that `KOKORO` names holds `model.onnx`, `vocab.json` and
`voices/`; docs/voice.md says which packages carry them.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray

RATE = 24000

_SOUND = slice(0, 128)
_STYLES = 256

Samples = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Speaker:
    """The sound of `first` and `second`, mixed with `share` of the first, saying things as `melody` does."""

    first: str
    share: float
    second: str
    melody: str

    @classmethod
    def named(cls, name: str) -> Speaker:
        """`zf_xiaoyi`, or `af_sky*0.60+zf_xiaoyi:zf_xiaobei`."""
        sound, _, melody = name.partition(":")
        first, _, rest = sound.partition("*")
        share, _, second = rest.partition("+")
        return cls(first, float(share or 1), second or first, melody or first)

    def style(self, tokens: int) -> Samples:
        """`1 x 256`: the voices keep one row for each number of tokens."""
        first, second, melody = (_voice(name)[tokens - 1] for name in (self.first, self.second, self.melody))
        style = melody.copy()
        style[_SOUND] = (self.share * first + (1 - self.share) * second)[_SOUND]
        return style[None]


def say(name: str, speed: float, phonemes: str) -> Samples:
    """One line at 24 kHz. Nothing makes a voice pause between digits, so that each is a line where it shall stand alone."""
    known = _vocabulary()
    tokens = [known[phoneme] for phoneme in phonemes]
    inputs = {
        "tokens": np.array([[0, *tokens, 0]]),
        "style": Speaker.named(name).style(len(tokens)),
        "speed": np.array([speed], dtype=np.float32),
    }
    sound: Samples = _session().run(None, inputs)[0].ravel()
    return sound


@cache
def _session() -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(_folder() / "model.onnx", options, ["CPUExecutionProvider"])


@cache
def _vocabulary() -> Mapping[str, int]:
    found: Mapping[str, int] = json.loads((_folder() / "vocab.json").read_text(encoding="utf-8"))["vocab"]
    return found


@cache
def _voice(name: str) -> Samples:
    return np.fromfile(_folder() / "voices" / f"{name}.bin", dtype=np.float32).reshape(-1, _STYLES)


def _folder() -> Path:
    return Path(os.environ["KOKORO"])
