"""What the face room needs from engines: something that finds faces, and something that describes them.

Arrays pass here. A picture is `h x w x 3` uint8, RGB, upright. Points are `5 x 2` float64, x and y in pixels of that picture.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from authsvc.biometric.vectors import Vectors

Pixels = NDArray[np.uint8]
Points = NDArray[np.float64]


class PointKind(StrEnum):
    """Which five points a detector gives, and in which order.

    `EYE_CORNERS`: outer and inner corner of the eye on the picture's right, outer and inner of the one on its left, below
    the nose. `EYES_NOSE_MOUTH`: eye, eye, tip of the nose, corner and corner of the mouth, the picture's left first.
    """

    EYE_CORNERS = "eye_corners"
    EYES_NOSE_MOUTH = "eyes_nose_mouth"


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle in pixels; it may reach over the picture's edge."""

    left: float
    top: float
    width: float
    height: float


@dataclass(frozen=True, slots=True, eq=False)
class Face:
    """One face found: where, its five points, and the detector's own score (higher is surer, scale of the detector)."""

    box: Box
    points: Points
    score: float


class Detector(Protocol):
    """Finds faces. One engine, one instance per process; `load` comes first."""

    @property
    def id(self) -> str: ...

    @property
    def points(self) -> PointKind: ...

    def load(self) -> None:
        """Open the weights; raises ModelUnusable."""

    def detect(self, picture: Pixels, *, fine: bool = False) -> tuple[Face, ...]:
        """All faces, the widest first. `fine` makes sure of any that is half as wide as the widest, at some cost."""


class Matcher(Protocol):
    """Describes faces by vectors whose cosine similarity says how alike they are; higher is more alike."""

    @property
    def id(self) -> str: ...

    @property
    def dimension(self) -> int: ...

    def load(self) -> None:
        """Open the weights; raises ModelUnusable."""

    def describe(self, pictures: Sequence[Pixels], points: Sequence[Points]) -> Vectors:
        """`n x dimension` float32 of unit length, one row for the face at each picture's points."""
