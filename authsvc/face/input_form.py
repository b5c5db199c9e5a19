"""What a matcher's network expects of a face, as its manifest states it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from authsvc.biometric.form import InputTable
from authsvc.errors import ModelUnusable
from authsvc.face.engine import Pixels, PointKind, Points

_Triple = tuple[float, float, float]
_Five = Annotated[tuple[tuple[float, float], ...], Field(min_length=5, max_length=5)]


class InputForm(InputTable):
    """Side of the square chip in pixels, channel order, `(value - mean) / scale`, and where the five points belong on it."""

    detector: str
    long_side: int = Field(480, ge=160, le=960)
    size: int = Field(ge=32, le=512)
    channels: Literal["RGB", "BGR"]
    mean: _Triple = (0.0, 0.0, 0.0)
    scale: float = Field(1.0, gt=0)
    points: Mapping[PointKind, _Five]

    def target(self, kind: PointKind) -> Points:
        """Where points of this kind belong on the chip, `5 x 2`; raises ModelUnusable when the manifest does not say."""
        if kind not in self.points:
            raise ModelUnusable(f"the matcher was not measured with a detector that gives `{kind}`")
        return np.array(self.points[kind], dtype=np.float64)

    def normalise(self, chips: Sequence[Pixels]) -> NDArray[np.float32]:
        """`n x 3 x size x size` float32 as the network takes it, from uint8 RGB chips."""
        values = np.stack(chips)[..., ::-1] if self.channels == "BGR" else np.stack(chips)
        mean = np.array(self.mean if self.channels == "RGB" else self.mean[::-1], dtype=np.float32)
        return np.ascontiguousarray(
            ((values - mean) / np.float32(self.scale)).transpose(0, 3, 1, 2), dtype=np.float32
        )
