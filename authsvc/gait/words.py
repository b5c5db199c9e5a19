"""What is known of a way of walking: a recording as it comes in, what is kept of it, and what a comparison says.

A recording is samples of an accelerometer: base64 of little-endian 16-bit integers, x, y, z after x, y, z, in thousandths of
a standard gravity.
"""

from __future__ import annotations

import base64
import struct
from array import array
from binascii import Error as NoBase64
from dataclasses import dataclass
from enum import StrEnum
from sys import byteorder

from authsvc.errors import InvalidRequest

MODEL = "gait-cycles-1"
"""A template compares only with what the same method made."""

POINTS = 64
SHORTEST_SECONDS, LONGEST_SECONDS = 5, 60
ENROLLED_SECONDS = 20
"""How long somebody walks to enroll; a payment's recording may be shorter."""

LEAST_RATE, MOST_RATE = 20.0, 100.0
LONGEST_TEXT = 4 * (int(LONGEST_SECONDS * MOST_RATE) * 6 // 3)
"""Characters of the longest recording, before it is decoded."""

_AXES, _THOUSAND = 3, 1_000.0
_VECTOR = struct.Struct(f"<{POINTS + 1}f")


class Likeness(StrEnum):
    """What a recording says of a payer; UNKNOWN where nothing was recorded, nothing is enrolled, or nobody can tell."""

    LIKE = "like"
    UNLIKE = "unlike"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Recording:
    """Accelerations in units of gravity, `rate` a second."""

    rate: float
    samples: tuple[tuple[float, float, float], ...]

    @property
    def seconds(self) -> float:
        return len(self.samples) / self.rate

    @classmethod
    def read(cls, rate: float, text: str) -> Recording:
        """Raises InvalidRequest for what is none, is too short or too long."""
        if not LEAST_RATE <= rate <= MOST_RATE or len(text) > LONGEST_TEXT:
            raise InvalidRequest(
                f"expected {SHORTEST_SECONDS} to {LONGEST_SECONDS} seconds at {LEAST_RATE:.0f} to {MOST_RATE:.0f} Hz"
            )
        numbers = array("h", _decoded(text))
        if byteorder == "big":
            numbers.byteswap()
        seconds = len(numbers) / _AXES / rate
        if not SHORTEST_SECONDS <= seconds <= LONGEST_SECONDS:
            raise InvalidRequest(
                f"the recording is {seconds:.1f} seconds long, expected {SHORTEST_SECONDS} to {LONGEST_SECONDS}"
            )
        scaled = [each / _THOUSAND for each in numbers]
        return cls(rate, tuple(zip(scaled[0::3], scaled[1::3], scaled[2::3], strict=True)))


@dataclass(frozen=True, slots=True)
class Gait:
    """A template or a probe: one cycle of POINTS values with mean 0 and deviation 1, and its length in seconds."""

    cycle: tuple[float, ...]
    seconds: float

    def packed(self) -> bytes:
        return _VECTOR.pack(self.seconds, *self.cycle)

    @classmethod
    def unpacked(cls, data: bytes) -> Gait:
        seconds, *cycle = _VECTOR.unpack(data)
        return cls(tuple(cycle), seconds)


@dataclass(frozen=True, slots=True)
class Walked:
    """A recording of somebody who walks evenly, and what tells it again should it be replayed."""

    gait: Gait
    trace: str


def _decoded(text: str) -> bytes:
    try:
        raw = base64.b64decode(text, validate=True)
    except (NoBase64, ValueError):
        raise InvalidRequest("`samples` is not base64") from None
    if len(raw) % (2 * _AXES):
        raise InvalidRequest("`samples` must hold three 16-bit integers a sample")
    return raw
