"""How phrases become a reference, and which part of it a probe is compared with.

A reference has two parts: the mean of the phrases as they were, and their mean over every condition of `conditions`. A good
probe is compared with the first, for which thresholds were measured; a narrowband or noisy one with the second, whose scores
are lower for strangers too. One mean for both would refuse owners in good conditions (on the development voices two thirds of
clean two-second phrases at the shipped threshold), and the better score of the two would let strangers in.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from authsvc.biometric.vectors import Vectors, pack, unit, unpack
from authsvc.voice.conditions import CONDITIONS
from authsvc.voice.engine import Samples, SpeakerEncoder
from authsvc.voice.quality import Quality


@dataclass(frozen=True, slots=True, eq=False)
class Share:
    """What one phrase adds: its own unit vector, the sum of those under every condition, and whether it was narrowband."""

    own: Vectors
    conditions: Vectors
    is_narrowband: bool

    @classmethod
    def of(cls, encoder: SpeakerEncoder, phrase: Samples, quality: Quality) -> Share:
        """`phrase` is speech only."""
        vectors = encoder.describe([condition(phrase) for condition in CONDITIONS])
        return cls(vectors[0], vectors.sum(axis=0), quality.is_narrowband)

    @classmethod
    def unpacked(cls, data: bytes, dimension: int) -> Share:
        """What `packed` wrote; raises ValueError for another number of numbers."""
        numbers = unpack(data)
        own, conditions = numbers[:-1].reshape(2, dimension)
        return cls(own, conditions, bool(numbers[-1]))

    def packed(self) -> bytes:
        return pack(np.concatenate([self.own, self.conditions, [self.is_narrowband]]))


@dataclass(frozen=True, slots=True, eq=False)
class Reference:
    """Two unit vectors of one person."""

    clean: Vectors
    degraded: Vectors

    @classmethod
    def of(cls, shares: Sequence[Share]) -> Reference:
        clean = unit(np.sum([share.own for share in shares], axis=0))
        # Who enrolled over a narrowband line is not degraded by one: their own phrases fit better than copies of them.
        if all(share.is_narrowband for share in shares):
            return cls(clean, clean)
        return cls(clean, unit(np.sum([share.conditions for share in shares], axis=0)))

    @classmethod
    def unpacked(cls, data: bytes, dimension: int) -> Reference:
        """What `packed` wrote; raises ValueError for another number of numbers."""
        clean, degraded = unpack(data).reshape(2, dimension)
        return cls(clean, degraded)

    def packed(self) -> bytes:
        return pack(np.concatenate([self.clean, self.degraded]))

    @property
    def parts(self) -> Vectors:
        """Both parts as rows, in the order of `part_for`."""
        return np.stack([self.clean, self.degraded])

    def for_probe(self, quality: Quality) -> Vectors:
        """The part that a probe of this quality is compared with."""
        return (self.clean, self.degraded)[part_for(quality)]


def part_for(quality: Quality) -> int:
    """Which part of any reference a probe of this quality is compared with."""
    return 1 if quality.is_degraded else 0
