"""How phrases become a reference, and which part of it a probe is compared with.

A reference has three parts: the mean of the phrases as they were; of the phrases as they were, in a room and in noise; and of
telephone copies. A probe out of a quiet recording meets the first, one over a telephone band the last, any other the second:
reverberation and codecs are not seen in what is measured of a recording, so only what is better than they can be is called clean.
Each part has thresholds of its own, because strangers score differently on each. The best score of all parts would let strangers
in, and one mean over everything refuses owners everywhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from authsvc.biometric.vectors import Vectors, pack, unit, unpack
from authsvc.voice.conditions import CONDITIONS
from authsvc.voice.engine import Samples, SpeakerEncoder
from authsvc.voice.quality import Quality

PARTS = ("clean", "multi", "telephone")


@dataclass(frozen=True, slots=True, eq=False)
class Share:
    """What one phrase adds to each part: its own unit vector, the sum of those in the wide band, that of its telephone copy."""

    own: Vectors
    multi: Vectors
    telephone: Vectors

    @classmethod
    def of(cls, encoder: SpeakerEncoder, phrase: Samples) -> Share:
        """`phrase` is speech only."""
        own, *wide, telephone = encoder.describe([condition(phrase) for condition in CONDITIONS])
        return cls(own, np.sum([own, *wide], axis=0), telephone)

    @classmethod
    def unpacked(cls, data: bytes, dimension: int) -> Share:
        """What `packed` wrote; raises ValueError for another number of numbers."""
        return cls(*unpack(data).reshape(len(PARTS), dimension))

    def packed(self) -> bytes:
        return pack(np.concatenate([self.own, self.multi, self.telephone]))


@dataclass(frozen=True, slots=True, eq=False)
class Reference:
    """Three unit vectors of one person."""

    clean: Vectors
    multi: Vectors
    telephone: Vectors

    @classmethod
    def of(cls, shares: Sequence[Share]) -> Reference:
        own, multi, telephone = zip(*((one.own, one.multi, one.telephone) for one in shares), strict=True)
        return cls(*(unit(np.sum(vectors, axis=0)) for vectors in (own, multi, telephone)))

    @classmethod
    def unpacked(cls, data: bytes, dimension: int) -> Reference:
        """What `packed` wrote; raises ValueError for another number of numbers."""
        return cls(*unpack(data).reshape(len(PARTS), dimension))

    def packed(self) -> bytes:
        return pack(self.parts.reshape(-1))

    @property
    def parts(self) -> Vectors:
        """As rows, in the order of PARTS."""
        return np.stack([self.clean, self.multi, self.telephone])

    def for_probe(self, quality: Quality) -> Vectors:
        """The part that a probe of this quality is compared with."""
        return np.asarray(self.parts[PARTS.index(part_for(quality))])


def part_for(quality: Quality) -> str:
    """Which part of any reference a probe of this quality is compared with."""
    if quality.is_telephone:
        return "telephone"
    return "clean" if quality.is_pristine else "multi"
