"""The default detector: dlib's HOG face finder and its 5-point predictor."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple
from pathlib import Path
from typing import Any

import numpy as np

from authsvc.errors import ModelUnusable
from authsvc.face.engine import Box, Face, Pixels, PointKind
from authsvc.face.image import enlarge, shrink

_NARROWEST = 80  # What the finder sees without enlarging, in pixels.
_SURE = (
    0.3  # Second people of the group pictures score 0.6 and more; what a closer look makes up, 0.2 and less.
)
_Found = tuple[Box, float]


class DlibHogDetector:
    """Finds upright faces wider than a sixth of the long side, or half that where there is none.

    `fine` enlarges the picture just so far that a second face half as wide as the first would be seen.
    """

    id = "dlib_hog"
    points = PointKind.EYE_CORNERS

    def __init__(self, five_points: Path, long_side: int = 480) -> None:
        self._five_points = five_points
        self._long_side = long_side
        self._find: Any = None  # Any: dlib is not typed.
        self._predict: Any = None

    def load(self) -> None:
        import dlib

        self._find = dlib.get_frontal_face_detector()
        try:
            self._predict = dlib.shape_predictor(str(self._five_points))
        except RuntimeError as error:
            raise ModelUnusable(f"`{self._five_points.name}` is not a dlib shape predictor") from error

    def detect(self, picture: Pixels, *, fine: bool = False) -> tuple[Face, ...]:
        small = np.ascontiguousarray(shrink(picture, self._long_side))
        found = self._run(small) or self._run(small, upsample=1)
        if fine and found:
            # What was seen stays seen: a look at another scale may lose what the first one found.
            found = max(self._look_closer(small, found), found, key=len)
        scale = picture.shape[1] / small.shape[1]
        faces = [self._face(picture, box, score, scale) for box, score in found]
        return tuple(sorted(faces, key=lambda face: -face.box.width))

    def _look_closer(self, picture: Pixels, found: Sequence[_Found]) -> list[_Found]:
        widest = max(box.width for box, _ in found)
        factor = min(2.0, 2 * _NARROWEST / widest)
        if factor <= 1:
            return []
        closer = [one for one in self._run(enlarge(picture, factor)) if one[1] >= _SURE]
        return [(Box(*(edge / factor for edge in astuple(box))), score) for box, score in closer]

    def _run(self, picture: Pixels, upsample: int = 0) -> list[_Found]:
        boxes, scores, _ = self._find.run(picture, upsample, 0.0)
        edges = [Box(box.left(), box.top(), box.width(), box.height()) for box in boxes]
        return list(zip(edges, scores, strict=True))

    def _face(self, picture: Pixels, found: Box, score: float, scale: float) -> Face:
        import dlib

        box = Box(*(edge * scale for edge in astuple(found)))
        right, bottom = box.left + box.width, box.top + box.height
        rectangle = dlib.rectangle(*(round(edge) for edge in (box.left, box.top, right, bottom)))
        shape = self._predict(np.ascontiguousarray(picture), rectangle)
        points = np.array([(part.x, part.y) for part in shape.parts()], dtype=np.float64)
        return Face(box, points, float(score))
