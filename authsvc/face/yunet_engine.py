"""YuNet, a small neural detector, run in onnxruntime: sees several people and turned heads where HOG does not.

Its answers are decoded as OpenCV's own detector does (the same to 4e-5 pixels), without needing OpenCV.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from authsvc.biometric.network import Network
from authsvc.errors import ModelUnusable
from authsvc.face.engine import Box, Face, Pixels, PointKind
from authsvc.face.image import shrink

Floats = NDArray[np.float32]

_STRIDES = (8, 16, 32)
_LEAST_SCORE = 0.8  # Below it the extra boxes are often dolls and shadows.
_LARGEST_OVERLAP = 0.3


class YuNetDetector:
    """Scores from 0 to 1, 0.8 and more are faces. There is no finer step: every look is a fine one."""

    id = "yunet"
    points = PointKind.EYES_NOSE_MOUTH

    def __init__(self, path: Path, long_side: int = 480) -> None:
        """`long_side` is what pictures are shrunk to where the network takes any size; else the network's own counts."""
        self._path = path
        self._long_side = long_side
        self._network: Network | None = None
        self._fixed: int | None = None

    def load(self) -> None:
        network = Network(self._path)
        side = network.shape[-1]
        self._fixed = side if isinstance(side, int) else None
        expected = {f"{name}_{stride}" for name in ("cls", "obj", "bbox", "kps") for stride in _STRIDES}
        if not expected <= set(network.outputs):
            raise ModelUnusable(f"`{self._path.name}` is not a YuNet network")
        self._network = network

    def detect(self, picture: Pixels, *, fine: bool = False) -> tuple[Face, ...]:
        if self._network is None:
            raise ModelUnusable("the detector was asked before it was loaded")
        small = shrink(picture, self._fixed or self._long_side)
        padded = self._pad(small)
        answers = self._network.run({self._network.inputs[0]: padded})
        found = np.concatenate([_decode(answers, stride, padded.shape[3] // stride) for stride in _STRIDES])
        scale = picture.shape[1] / small.shape[1]
        faces = [_face(row, scale) for row in _distinct(found[found[:, 0] >= _LEAST_SCORE])]
        return tuple(sorted(faces, key=lambda face: -face.box.width))

    def _pad(self, picture: Pixels) -> Floats:
        """1 x 3 x h x w, BGR from 0 to 255, black at the right and bottom."""
        height, width = (self._fixed or -(-side // 32) * 32 for side in picture.shape[:2])
        padded = np.zeros((1, 3, height, width), dtype=np.float32)
        padded[0, :, : picture.shape[0], : picture.shape[1]] = picture[..., ::-1].transpose(2, 0, 1)
        return padded


def _decode(answers: Mapping[str, Floats], stride: int, columns: int) -> Floats:
    """One row for each cell: score, left, top, width, height, five points."""
    scores, objects, boxes, points = (
        answers[f"{name}_{stride}"][0] for name in ("cls", "obj", "bbox", "kps")
    )
    score = np.sqrt(np.clip(scores, 0, 1) * np.clip(objects, 0, 1))
    number = np.arange(len(score))
    cell = np.stack([number % columns, number // columns], axis=1)
    size = np.exp(boxes[:, 2:]) * stride
    corner = (cell + boxes[:, :2]) * stride - size / 2
    five = (points + np.tile(cell, 5)) * stride
    return np.concatenate([score, corner, size, five], axis=1).astype(np.float32)


def _distinct(rows: Floats) -> list[Floats]:
    """The best of each heap of overlapping boxes (non-maximum suppression)."""
    kept: list[Floats] = []
    for row in rows[np.argsort(-rows[:, 0], kind="stable")]:
        if all(_overlap(row, other) <= _LARGEST_OVERLAP for other in kept):
            kept.append(row)
    return kept


def _overlap(one: Floats, other: Floats) -> float:
    """Intersection over union of two boxes."""
    low = np.maximum(one[1:3], other[1:3])
    high = np.minimum(one[1:3] + one[3:5], other[1:3] + other[3:5])
    shared = float(np.prod(np.maximum(high - low, 0)))
    return shared / (float(np.prod(one[3:5])) + float(np.prod(other[3:5])) - shared)


def _face(row: Floats, scale: float) -> Face:
    left, top, width, height = (float(value) * scale for value in row[1:5])
    points = row[5:].reshape(5, 2).astype(np.float64) * scale
    return Face(Box(left, top, width, height), points, float(row[0]))
