"""The default detector: dlib's HOG face finder and its 5-point predictor."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from authsvc.errors import ModelUnusable
from authsvc.face.engine import Box, Face, Pixels, PointKind
from authsvc.face.image import shrink


class DlibHogDetector:
    """Finds upright faces wider than a sixth of the long side; `fine`, or finding none, looks for half that."""

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
        scale = picture.shape[1] / small.shape[1]
        found = (
            self._run(small, upsample=1)
            if fine
            else self._run(small, upsample=0) or self._run(small, upsample=1)
        )
        faces = [self._face(picture, box, score, scale) for box, score in found]
        return tuple(sorted(faces, key=lambda face: -face.box.width))

    def _run(self, picture: Pixels, upsample: int) -> list[tuple[Any, float]]:  # Any: dlib.rectangle
        boxes, scores, _ = self._find.run(picture, upsample, 0.0)
        return list(zip(boxes, scores, strict=True))

    def _face(self, picture: Pixels, found: Any, score: float, scale: float) -> Face:  # Any: dlib.rectangle
        import dlib

        box = Box(*(edge * scale for edge in (found.left(), found.top(), found.width(), found.height())))
        right, bottom = box.left + box.width, box.top + box.height
        rectangle = dlib.rectangle(*(round(edge) for edge in (box.left, box.top, right, bottom)))
        shape = self._predict(np.ascontiguousarray(picture), rectangle)
        points = np.array([(part.x, part.y) for part in shape.parts()], dtype=np.float64)
        return Face(box, points, float(score))
