"""Google's networks for a face's 468 points, run in onnxruntime: a short-range detector, then the mesh.

Follows the published preprocessing: the detector looks at the whole picture at 128 x 128 in [-1, 1], the mesh at a square 1.5
times the face, turned so that the eyes are level, at 192 x 192 in [0, 1]. A second pass about the first one's own points makes
them steady; in a sequence the frame before stands in for the first.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from authsvc.biometric.network import Network
from authsvc.errors import ModelUnusable
from authsvc.face.engine import Pixels, Points
from authsvc.face.image import Affine, resample
from authsvc.face.mesh import Mesh

Floats = NDArray[np.float32]

_SIDE, _LOOK = 192, 128
_POINTS = 468
_GRIDS = ((16, 2), (8, 6))  # Cells a side, and anchors in each.
_LEAST_SCORE = 0.5
_LEAST_SURE = 0.5
_ROOM = 1.5
_EYE_POINTS = (33, 263)
_FARTHEST = 0.5  # A face that moved farther between two frames, in its own widths, is looked for anew.


@dataclass(frozen=True, slots=True)
class _Square:
    """Where to look: middle, side and turn (radians) in the picture."""

    x: float
    y: float
    side: float
    turn: float

    def matrix(self) -> Affine:
        """From pixels of the chip to pixels of the picture."""
        step, cosine, sine = self.side / _SIDE, np.cos(self.turn), np.sin(self.turn)
        linear = step * np.array([[cosine, -sine], [sine, cosine]])
        middle = np.array([self.x, self.y]) - linear @ np.full(2, (_SIDE - 1) / 2)
        return np.column_stack([linear, middle])


class FaceMesh:
    """The most striking face's points. One instance per process; `load` comes first."""

    id = "face_mesh"

    def __init__(self, detector: Path, mesh: Path) -> None:
        self._paths = detector, mesh
        self._detector: Network | None = None
        self._mesh: Network | None = None

    def load(self) -> None:
        """Open the weights; raises ModelUnusable."""
        self._detector, self._mesh = (Network(path) for path in self._paths)
        blank = np.zeros((1, 3, _SIDE, _SIDE), dtype=np.float32)
        if self._mesh.output(blank).size != 3 * _POINTS:
            raise ModelUnusable(f"`{self._paths[1].name}` does not return {_POINTS} points for a face")

    def look(self, picture: Pixels, before: Mesh | None = None) -> Mesh | None:
        """The face's points, or None where there is none; `before` is the frame before of the same sequence."""
        followed = None if before is None else self._pass(picture, _about(before))
        if followed is not None and before is not None and _is_near(before, followed):
            return followed
        square = self._find(picture)
        first = None if square is None else self._pass(picture, square)
        return None if first is None else self._pass(picture, _about(first))

    def _pass(self, picture: Pixels, square: _Square) -> Mesh | None:
        if self._mesh is None:
            raise ModelUnusable("the mesh was asked before it was loaded")
        matrix = square.matrix()
        chip = resample(picture, matrix, _SIDE).astype(np.float32).transpose(2, 0, 1)[None] / np.float32(255)
        outputs = self._mesh.run({self._mesh.inputs[0]: chip})
        points, flag = (outputs[name] for name in self._mesh.outputs)
        sure = float(1 / (1 + np.exp(-np.clip(flag.ravel()[0], -60, 60))))
        if sure < _LEAST_SURE:
            return None
        return Mesh(_in_picture(points.reshape(_POINTS, 3).astype(np.float64), matrix), sure)

    def _find(self, picture: Pixels) -> _Square | None:
        """The detector's surest face, from its box and its two eyes."""
        if self._detector is None:
            raise ModelUnusable("the mesh was asked before it was loaded")
        height, width = picture.shape[:2]
        step = max(height, width) / _LOOK
        corner = np.array([width - _LOOK * step, height - _LOOK * step]) / 2 + (step - 1) / 2
        whole = np.column_stack([step * np.eye(2), corner])
        chip = resample(picture, whole, _LOOK).astype(np.float32) / np.float32(127.5) - 1
        outputs = self._detector.run({self._detector.inputs[0]: chip.transpose(2, 0, 1)[None]})
        boxes, scores = (outputs[name][0] for name in self._detector.outputs)
        best = int(scores.argmax())
        if 1 / (1 + np.exp(-np.clip(scores[best, 0], -60, 60))) < _LEAST_SCORE:
            return None
        row = boxes[best].reshape(8, 2).astype(np.float64)
        size, anchor = float(row[1].max()), _ANCHORS[best] * _LOOK
        x, y = (row[0] + anchor) @ whole[:, :2].T + whole[:, 2]
        axis = row[3] - row[2]
        return _Square(float(x), float(y), _ROOM * size * step, float(np.arctan2(axis[1], axis[0])))


def _anchors() -> Points:
    """The middle of each cell, as often as it has anchors, from 0 to 1."""
    rows = []
    for cells, each in _GRIDS:
        place = (np.arange(cells) + 0.5) / cells
        grid = np.stack(np.meshgrid(place, place), axis=-1).reshape(-1, 2)
        rows.append(np.repeat(grid, each, axis=0))
    return np.concatenate(rows)


_ANCHORS = _anchors()


def _about(mesh: Mesh) -> _Square:
    """A square 1.5 times the points, turned as the eyes are."""
    axis = mesh.points[_EYE_POINTS[1], :2] - mesh.points[_EYE_POINTS[0], :2]
    turn = float(np.arctan2(axis[1], axis[0]))
    cosine, sine = np.cos(turn), np.sin(turn)
    level = mesh.points[:, :2] @ np.array([[cosine, -sine], [sine, cosine]])
    low, high = level.min(axis=0), level.max(axis=0)
    x, y = np.array([[cosine, -sine], [sine, cosine]]) @ ((low + high) / 2)
    return _Square(float(x), float(y), _ROOM * float((high - low).max()), turn)


def _in_picture(points: Points, matrix: Affine) -> Points:
    """From pixels of the chip; depth has the chip's scale and is not turned."""
    places = (points[:, :2] - 0.5) @ matrix[:, :2].T + matrix[:, 2]
    scale = float(np.hypot(matrix[0, 0], matrix[1, 0]))
    return np.column_stack([places, points[:, 2] * scale])


def _is_near(before: Mesh, mesh: Mesh) -> bool:
    low, high = before.box
    return bool(np.linalg.norm(mesh.middle - before.middle) <= _FARTHEST * (high - low).max())
