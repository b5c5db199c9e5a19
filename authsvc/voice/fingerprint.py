"""Has this recording been sent before, perhaps trimmed, quieter, through a telephone or from a loudspeaker?

A fingerprint keeps how loud each band of 300 to 3400 Hz is against its own last 150 ms: that survives lines and rooms, and
two takes of the same digits by the same person do not share it. It is biometric data, sealed like a template.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from authsvc.errors import InvalidRequest
from authsvc.voice.audio import Recording
from authsvc.voice.engine import Samples
from authsvc.voice.excerpts import EXCERPT, SAME_TAKE, excerpted, repeated
from authsvc.voice.mel import mel_power

COPY = 0.55
"""A copy from this similarity on, where every recording answers fresh digits: other prompts by the same person were at most
0.458 alike in 4,260 pairs. Of a fixed sentence two takes can reach 0.757; it would need 0.78."""

_BANDS = slice(8, 31)
_WIDTH = 23
_RANGE_DB, _MARGIN = 30, 5
_MEAN_FRAMES = 15
_SCALE = 32
_FLOOR = 1e-3
"""Of a band's mean power: without it, gaps of digital silence outweigh everything, and a little noise hides a copy."""
_MOST_FRAMES = 1300


@dataclass(frozen=True, slots=True, eq=False)
class Fingerprint:
    """`file` and `sound` are SHA-256 of the bytes and of the decoded samples; `relief` is `frames x 23` int8."""

    file: str
    sound: str
    relief: NDArray[np.int8]

    @classmethod
    def of(cls, data: bytes, recording: Recording) -> Fingerprint:
        return cls(hashlib.sha256(data).hexdigest(), recording.digest, relief_of(recording.samples))

    @classmethod
    def parse(cls, text: str) -> Fingerprint:
        """What `text` wrote; raises InvalidRequest for anything else."""
        try:
            version, file, sound, packed = text.split(".")
            unpacker = zlib.decompressobj()
            raw = unpacker.decompress(base64.b64decode(packed, validate=True), _MOST_FRAMES * _WIDTH)
            relief = np.frombuffer(raw, dtype=np.int8).reshape(-1, _WIDTH)
        except (ValueError, binascii.Error, zlib.error) as error:
            raise InvalidRequest("not the fingerprint of a recording") from error
        if version != "v1" or not unpacker.eof:
            raise InvalidRequest("not the fingerprint of a recording")
        return cls(file, sound, relief)

    def text(self) -> str:
        packed = base64.b64encode(zlib.compress(self.relief.tobytes())).decode()
        return f"v1.{self.file}.{self.sound}.{packed}"

    def similarity(self, other: Fingerprint) -> float:
        """1 for the same bytes or samples; else the largest normalised cross-correlation at any lag, in [0, 1]."""
        if other.file == self.file or other.sound == self.sound:
            return 1.0
        return _correlations(self.relief, [other.relief])[0]


@dataclass(frozen=True, slots=True)
class Likeness:
    """To earlier recordings: `copy` of the whole to any one of them, `excerpts` of its pieces to pieces of all of them.

    `repeated` is that of two places within the recording itself.
    """

    copy: float
    excerpts: float
    repeated: float

    @property
    def is_copy(self) -> bool:
        return self.copy >= COPY or self.excerpts >= EXCERPT or self.repeated >= SAME_TAKE


def likeness(fingerprint: Fingerprint, earlier: Iterable[str]) -> Likeness:
    """Raises InvalidRequest for text that is no fingerprint."""
    others = [Fingerprint.parse(text) for text in earlier]
    return Likeness(
        _closest_of(fingerprint, others),
        excerpted(fingerprint.relief, [other.relief for other in others]),
        repeated(fingerprint.relief),
    )


def closest(fingerprint: Fingerprint, earlier: Iterable[str]) -> float:
    """The largest likeness as a whole to any of the earlier ones; 0 when there are none."""
    return _closest_of(fingerprint, [Fingerprint.parse(text) for text in earlier])


def _closest_of(fingerprint: Fingerprint, others: Sequence[Fingerprint]) -> float:
    if any(other.file == fingerprint.file or other.sound == fingerprint.sound for other in others):
        return 1.0
    return max(_correlations(fingerprint.relief, [other.relief for other in others]), default=0.0)


def relief_of(samples: Samples) -> NDArray[np.int8]:
    """`frames x 23` int8: 32 times the deviation of each band from its moving mean."""
    peak = float(np.abs(samples).max(initial=0.0))
    power = _loud_part(mel_power(samples / np.float32(max(peak, 1e-9))))[:, _BANDS]
    floor = 3 * np.quantile(power, 0.1, axis=0) + _FLOOR * power.mean(axis=0) + 1e-9
    logarithm = np.log(power + floor)
    raised = logarithm - _moving_mean(logarithm)
    scaled = raised / (raised.std(axis=0) + 1e-6)
    relief: NDArray[np.int8] = np.clip(np.round(_SCALE * scaled), -127, 127).astype(np.int8)
    return relief


def _loud_part(power: Samples) -> Samples:
    """Without quiet ends. By loudness and not by a speech detector, which cuts a spoiled copy elsewhere than its original."""
    level = power.sum(axis=1)
    loud = np.flatnonzero(level >= level.max(initial=0.0) * 10 ** (-_RANGE_DB / 10))
    return power[max(0, loud[0] - _MARGIN) : loud[-1] + _MARGIN + 1][:_MOST_FRAMES]


def _moving_mean(values: NDArray[np.float32]) -> NDArray[np.float64]:
    """Over 15 frames around each, over those that exist at the ends."""
    half = _MEAN_FRAMES // 2
    sums = np.cumsum(np.pad(values.astype(np.float64), ((1, 0), (0, 0))), axis=0)
    frames = np.arange(len(values))
    low, high = np.maximum(frames - half, 0), np.minimum(frames + half + 1, len(values))
    mean: NDArray[np.float64] = (sums[high] - sums[low]) / (high - low)[:, None]
    return mean


def _correlations(one: NDArray[np.int8], others: Sequence[NDArray[np.int8]]) -> list[float]:
    """The largest normalised cross-correlation with each, over all lags."""
    size = 1 << (len(one) + max(map(len, others), default=0) - 1).bit_length()
    spectrum, length = _spectrum(one, size)
    found = []
    for other in others:
        theirs, their_length = _spectrum(other, size)
        lags = np.fft.irfft((spectrum * theirs.conj()).sum(axis=0), size)
        found.append(float(np.clip(lags.max() / max(length * their_length, 1e-9), 0.0, 1.0)))
    return found


def _spectrum(relief: NDArray[np.int8], size: int) -> tuple[NDArray[np.complexfloating[Any]], float]:
    bands = np.ascontiguousarray(relief.T, dtype=np.float32)
    return np.fft.rfft(bands, size), float(np.linalg.norm(bands))
