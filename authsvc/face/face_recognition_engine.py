"""The reference matcher: the `face_recognition` package's own calls, to measure the others against. Not for production.

Its package loads a 68-point predictor whose data forbid commercial use, so it lives in the `reference` extra alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from authsvc.biometric.vectors import Vectors, unit
from authsvc.errors import ModelUnusable
from authsvc.face.engine import Pixels, Points


class FaceRecognitionMatcher:
    """dlib's own network on dlib's own chip, without mirror averaging."""

    id = "face_recognition"
    dimension = 128

    def __init__(self) -> None:
        self._encoder: Any = None  # Any: dlib is not typed.

    def load(self) -> None:
        try:
            import dlib
            import face_recognition_models
        except ImportError as error:
            raise ModelUnusable("the reference engine needs `uv sync --extra reference`") from error
        self._encoder = dlib.face_recognition_model_v1(
            face_recognition_models.face_recognition_model_location()
        )

    def describe(self, pictures: Sequence[Pixels], points: Sequence[Points]) -> Vectors:
        import dlib

        chips = []
        for picture, five in zip(pictures, points, strict=True):
            corners = (*five.min(axis=0).tolist(), *five.max(axis=0).tolist())
            box = dlib.rectangle(*(round(edge) for edge in corners))
            shape = dlib.full_object_detection(box, [dlib.point(round(x), round(y)) for x, y in five])
            chips.append(dlib.get_face_chip(np.ascontiguousarray(picture), shape, size=150, padding=0.25))
        return self.describe_chips(chips)

    def describe_chips(self, chips: Sequence[Pixels]) -> Vectors:
        """`n x 128` unit rows for chips of 150 x 150 pixels."""
        if self._encoder is None:
            raise ModelUnusable("the matcher was asked before it was loaded")
        return unit(
            np.array([self._encoder.compute_face_descriptor(chip) for chip in chips], dtype=np.float32)
        )
