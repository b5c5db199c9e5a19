"""What a face looked like in one frame, so that the same picture is known again when it comes back changed a little.

A look is the face itself, laid level by its points, 24 x 24 values of its middle-sized detail. It is compared after moving,
scaling, turning and widening one onto the other as well as that can be done (Gauss-Newton on five numbers), and mirrored. So
crops, borders, stretches, mirrors, patterns, re-encodings and brightness leave it where it was, and a living face, which never
comes to lie exactly as it did, does not. It is biometric data, and is kept sealed like a template.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from authsvc.face.alignment import PLACES, aligned_chip
from authsvc.face.engine import Face, Pixels, PointKind
from authsvc.face.image import grey, resample

_SIDE = 24
_PATCH = 96  # The face with room about it, from which looks are cut.
_ZOOM = 1.2  # Fills the look with the face alone: what lies about it can be exchanged.
_FINE, _COARSE = 0.6, 4.0
_STEPS = np.array([0.5, 0.5, 0.02, 0.02, 0.02])
"""For derivatives: pixels right and down, share of the size, radians, and how much wider and less high."""

_FARTHEST = np.array([3.0, 3.0, 0.12, 0.12, 0.1])
_ROUNDS = 3

Floats = NDArray[np.float64]


def _smoothing(radius: float) -> Floats:
    """A Gaussian as a matrix that is applied to rows and columns."""
    distance = np.subtract.outer(np.arange(_SIDE), np.arange(_SIDE))
    weights = np.exp(-0.5 * (distance / radius) ** 2)
    return np.asarray(weights / weights.sum(axis=1, keepdims=True))


_SMOOTH, _SMOOTHER = _smoothing(_FINE), _smoothing(_COARSE)
_EDGE = np.sqrt(np.hanning(_SIDE + 2)[1:-1])
_WINDOW = np.outer(_EDGE, _EDGE)


@dataclass(frozen=True, slots=True, eq=False)
class Patch:
    """A face that was laid level, `96 x 96` luma with room about it."""

    luma: Pixels

    @classmethod
    def of(cls, picture: Pixels, face: Face, kind: PointKind) -> Patch:
        target = (np.array(PLACES[kind]) - 0.5) * _ZOOM * _PATCH * 0.75 + _PATCH / 2
        return cls(grey(aligned_chip(picture, face.points, target, _PATCH)))

    def mirrored(self) -> Patch:
        return Patch(np.ascontiguousarray(self.luma[:, ::-1]))

    def look(self, moved: Floats | None = None) -> Floats:
        """576 numbers of unit length; `moved` is how far right, down, larger, turned and wider it is cut."""
        right, down, larger, turned, wider = np.zeros(5) if moved is None else moved
        scale = 0.75 * _PATCH / _SIDE * (1 + larger)
        turn = scale * np.array([[np.cos(turned), -np.sin(turned)], [np.sin(turned), np.cos(turned)]])
        turn = turn * (1 + wider, 1 - wider)
        middle = (_SIDE - 1) / 2
        start = (_PATCH - 1) / 2 - turn @ np.array([middle - right, middle - down])
        values = resample(self.luma, np.column_stack([turn, start]), _SIDE).astype(np.float64)
        detail = (_SMOOTH @ values @ _SMOOTH.T - _SMOOTHER @ values @ _SMOOTHER.T) * _WINDOW
        return _unit((detail - detail.mean()).ravel())

    def likeness(self, looks: Floats) -> float:
        """How alike the nearest of `looks` (`n x 576`) is after moving, in [-1, 1]; higher is more alike."""
        moved = np.zeros(5)
        for _ in range(_ROUNDS):
            here = self.look(moved)
            slopes = np.stack([self.look(moved + step) - here for step in np.diag(_STEPS)], axis=1)
            moves, *_ = np.linalg.lstsq(slopes, (looks - here).T, rcond=None)
            reached = here[:, None] + slopes @ moves
            nearest = int(np.argmax((looks.T * reached).sum(axis=0) / np.linalg.norm(reached, axis=0)))
            looks = looks[nearest : nearest + 1]
            moved = np.clip(moved + moves[:, nearest] * _STEPS, -_FARTHEST, _FARTHEST)
        return float((looks @ self.look(moved)).max())


def nearest(patch: Patch, looks: Floats) -> float:
    """`likeness` of the patch or of its mirror image, whichever is more."""
    return max(patch.likeness(looks), patch.mirrored().likeness(looks))


def packed(look: Floats) -> str:
    """576 bytes in text."""
    return base64.b64encode(np.round(look / np.abs(look).max() * 127).astype(np.int8).tobytes()).decode()


def unpacked(texts: Sequence[str]) -> Floats:
    """`n x 576`, each of unit length."""
    rows = np.frombuffer(b"".join(map(base64.b64decode, texts)), dtype=np.int8).astype(np.float64)
    looks = rows.reshape(-1, _SIDE * _SIDE)
    return np.asarray(looks / np.linalg.norm(looks, axis=1, keepdims=True))


def _unit(values: Floats) -> Floats:
    length = float(np.linalg.norm(values))
    return values / length if length > 0 else values
