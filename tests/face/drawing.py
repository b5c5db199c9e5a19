"""Pictures that no camera took, and a detector and a matcher that understand nothing else.

A drawn face is a coloured square with a dotted texture on grey. The detector finds the square, the matcher describes its colour.
"""

import io
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from authsvc.biometric.vectors import Vectors, unit
from authsvc.face.engine import Box, Face, Pixels, PointKind, Points

GREY = 128
RED, GREEN, BLUE = (230, 60, 60), (60, 230, 60), (60, 60, 230)


def drawn(
    *colours: tuple[int, int, int], width: int = 120, size: tuple[int, int] = (640, 480), texture: int = 25
) -> Pixels:
    """A picture with one square for each colour, from left to right."""
    picture = np.full((size[1], size[0], 3), GREY, dtype=np.uint8)
    dots = np.random.default_rng(7).integers(-texture, texture + 1, (width, width, 1))
    for number, colour in enumerate(colours):
        left, top = 40 + number * (width + 40), 100
        picture[top : top + width, left : left + width] = np.clip(np.array(colour) + dots, 0, 255)
    return picture


def jpeg(picture: Pixels, **options: object) -> bytes:
    return _encoded(picture, "JPEG", {"quality": 95, "subsampling": 0} | options)


def png(picture: Pixels, **options: object) -> bytes:
    return _encoded(picture, "PNG", options)


def _encoded(picture: Pixels, kind: str, options: dict[str, object]) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, kind, **options)
    return buffer.getvalue()


class SquareDetector:
    """Finds coloured squares; it looks as far as it is told to, so `fine` finds what is narrower than 60 pixels."""

    id = "squares"
    points = PointKind.EYES_NOSE_MOUTH

    def load(self) -> None:
        return None

    def detect(self, picture: Pixels, *, fine: bool = False) -> tuple[Face, ...]:
        coloured = np.ptp(picture.astype(int), axis=2).max(axis=0) > 60
        edges = np.flatnonzero(np.diff(np.concatenate([[0], coloured.astype(int), [0]])))
        boxes = [
            self._box(picture, int(left), int(right))
            for left, right in zip(edges[::2], edges[1::2], strict=True)
        ]
        seen = [box for box in boxes if box.width >= (8 if fine else 60)]
        return tuple(Face(box, _points(box), 1.0) for box in sorted(seen, key=lambda box: -box.width))

    def _box(self, picture: Pixels, left: int, right: int) -> Box:
        rows = np.flatnonzero(np.ptp(picture[:, left:right].astype(int), axis=2).max(axis=1) > 60)
        return Box(left, float(rows[0]), right - left, float(rows[-1] - rows[0] + 1))


def _points(box: Box) -> Points:
    shares = np.array([(0.3, 0.35), (0.7, 0.35), (0.5, 0.6), (0.35, 0.8), (0.65, 0.8)])
    return np.array([box.left, box.top]) + shares * np.array([box.width, box.height])


class ColourMatcher:
    """The mean colour around the nose, less its grey, as a vector of three numbers."""

    id = "colours"
    dimension = 3

    def load(self) -> None:
        return None

    def describe(self, pictures: Sequence[Pixels], points: Sequence[Points]) -> Vectors:
        return unit(
            np.array([_colour(picture, five[2]) for picture, five in zip(pictures, points, strict=True)])
        )


def _colour(picture: Pixels, nose: NDArray[np.float64]) -> NDArray[np.float32]:
    x, y = nose.astype(int)
    mean = picture[y - 10 : y + 10, x - 10 : x + 10].mean(axis=(0, 1))
    return np.asarray(mean - mean.mean() + 1e-3, dtype=np.float32)
