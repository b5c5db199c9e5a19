"""Spoiled copies of a recording, by the names that `--degrade` takes: what lines, rooms and codecs do to a voice."""

from __future__ import annotations

import re
from collections.abc import Callable

import numpy as np

from authsvc.voice.audio import decode, encode_opus
from authsvc.voice.conditions import noisy, reverberant, telephone
from authsvc.voice.engine import Samples

Degradation = Callable[[Samples], Samples]

_NUMBERED = re.compile(r"(noise|opus)(\d+)k?\Z")
_REVERBERATION_S = 0.5


def degradation(name: str) -> Degradation:
    """`clean`, `telephone`, `reverb`, `clip`, `noise10` (dB) or `opus8k` (bit/s); KeyError for any other name."""
    match = _NUMBERED.match(name)
    if match is not None and match[1] == "noise":
        return lambda samples: noisy(samples, float(match[2]))
    if match is not None:
        return lambda samples: through_opus(samples, 1000 * int(match[2]))
    return _NAMED[name]


def through_opus(samples: Samples, bits_per_second: int) -> Samples:
    """Encoded and decoded, of the same length."""
    decoded = decode(encode_opus(samples, bits_per_second)).samples
    return np.resize(np.pad(decoded, (0, max(0, samples.size - decoded.size))), samples.size)


def clipped(samples: Samples) -> Samples:
    """Cut off where a tenth of the speech is louder."""
    level = float(np.quantile(np.abs(samples), 0.9))
    return np.clip(samples, -level, level)


_NAMED: dict[str, Degradation] = {
    "clean": lambda samples: samples,
    "telephone": telephone,
    "reverb": lambda samples: reverberant(samples, _REVERBERATION_S),
    "clip": clipped,
}
