"""468 points of a face, and what they tell: where the head looks, how it is held, what eyes and mouth do.

Points are `468 x 3` float64, x and y in pixels of the upright picture and depth in the same unit, nearer is less. Their numbers
are those of Google's canonical face mesh. Everything is measured against the person's own rest.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from authsvc.face.engine import Box, Face, Points

_FIRM = (
    10, 338, 297, 332, 109, 67, 103, 168, 6, 197, 195, 5, 33, 133, 362, 263, 127, 356, 234, 454, 93, 323, 151, 9,
)  # fmt: skip
"""Forehead, bridge of the nose, corners of the eyes, temples: what an expression hardly moves."""
_EYES = (33, 263)
_MOUTH = (61, 291)
_LIPS = (13, 14)
_FOREHEAD_AND_CHIN = (10, 152)
_NOSE = 2
_KEPT = sorted({*_FIRM, *_EYES, *_MOUTH, *_LIPS, *_FOREHEAD_AND_CHIN})
_LEAST_EYES = 8.0  # Pixels between the outer corners, below which nothing can be measured.


@dataclass(frozen=True, slots=True, eq=False)
class Mesh:
    """One face's points; `sure` from 0 to 1, how sure the network is that it looks at a face."""

    points: Points
    sure: float

    @property
    def eye_distance(self) -> float:
        """Between the outer corners of the eyes, in pixels, as wide as if the face looked straight ahead."""
        return float(np.linalg.norm(self.points[_EYES[0]] - self.points[_EYES[1]]))

    @property
    def middle(self) -> Points:
        """The middle of what does not move in the face, x and y in pixels."""
        return np.asarray(self.points[_FIRM, :2].mean(axis=0))

    @property
    def five(self) -> Points:
        """What a detector of `EYE_CORNERS` would give: outer and inner corners of the eyes, and below the nose."""
        return np.asarray(self.points[[263, 362, 33, 133, _NOSE], :2])

    @property
    def face(self) -> Face:
        """The face as a detector of `EYE_CORNERS` would give it."""
        (left, top), (right, bottom) = self.box
        return Face(
            Box(float(left), float(top), float(right - left), float(bottom - top)), self.five, self.sure
        )

    @property
    def box(self) -> tuple[Points, Points]:
        """Upper left and lower right corner of all points."""
        return self.points[:, :2].min(axis=0), self.points[:, :2].max(axis=0)


@dataclass(frozen=True, slots=True)
class Shift:
    """How a picture lies to another one: what was at `z` is at `turn * z + by`, with x and y of a place as `z = x + iy`."""

    turn: complex = 1.0
    by: complex = 0.0

    def then(self, other: Shift) -> Shift:
        """This one first."""
        return Shift(other.turn * self.turn, other.turn * self.by + other.by)

    def undone(self, mesh: Mesh) -> Mesh:
        """Where the points were before."""
        places = (mesh.points[:, 0] + 1j * mesh.points[:, 1] - self.by) / self.turn
        points = np.stack([places.real, places.imag, mesh.points[:, 2] / abs(self.turn)], axis=1)
        return Mesh(points, mesh.sure)


STILL = Shift()

SHIFT = 4
"""Numbers of a shift."""


def written(shifts: Sequence[Shift]) -> NDArray[np.float32]:
    """`n x SHIFT` float32."""
    return np.array([(one.turn, one.by) for one in shifts], dtype=np.complex64).view(np.float32)


def read(numbers: NDArray[np.float32]) -> list[Shift]:
    """The shifts that were `written`."""
    return [Shift(complex(*row[:2]), complex(*row[2:])) for row in numbers.astype(float)]


@dataclass(frozen=True, slots=True)
class Pose:
    """One frame against the person's rest.

    `yaw` in degrees, positive to the person's left; `pitch` positive upwards; `roll` positive towards the person's left
    shoulder; `x` and `y` where the middle of the face is, in eye distances of the rest; `size` times that of the rest; `smile`
    and `open` how much wider the mouth and how much farther apart the lips are, in eye distances.
    """

    yaw: float
    pitch: float
    roll: float
    x: float
    y: float
    size: float
    smile: float
    open: float


@dataclass(frozen=True, slots=True)
class Facing:
    """How a single frame looks, without a rest to compare it with: degrees, signs as in `Pose`."""

    yaw: float
    pitch: float
    roll: float


TRACE = 3 * len(_KEPT) + 1
"""Numbers of a mesh that are enough to measure it by."""


def trace(mesh: Mesh | None) -> Points:
    """`TRACE` float32: the few points that poses and expressions are read from, and the sureness; NaN without a face."""
    if mesh is None:
        return np.full(TRACE, np.nan, dtype=np.float32)
    return np.append(mesh.points[_KEPT].ravel(), mesh.sure).astype(np.float32)


def traced(numbers: Points) -> Mesh | None:
    """The mesh that `trace` was given, without the points that nothing is measured by."""
    if np.isnan(numbers).any():
        return None
    points = np.full((468, 3), np.nan)
    points[_KEPT] = numbers[:-1].reshape(-1, 3)
    return Mesh(points, float(numbers[-1]))


def facing(mesh: Mesh) -> Facing:
    """From the network's own depths: good enough to say whether somebody looks about straight ahead."""
    across = mesh.points[_EYES[1]] - mesh.points[_EYES[0]]
    down = mesh.points[_FOREHEAD_AND_CHIN[1]] - mesh.points[_FOREHEAD_AND_CHIN[0]]
    return Facing(
        yaw=float(np.degrees(np.arctan2(across[2], across[0]))),
        pitch=float(np.degrees(np.arctan2(-down[2], down[1]))),
        roll=float(np.degrees(np.arctan2(across[1], across[0]))),
    )


def pose(rest: Mesh, mesh: Mesh) -> Pose | None:
    """One frame against the rest; None where the face is too small to be measured."""
    if min(rest.eye_distance, mesh.eye_distance) < _LEAST_EYES:
        return None
    scale, turn = _rigid(mesh.points[list(_FIRM)], rest.points[list(_FIRM)])
    yaw, pitch, roll = _angles(turn.T)
    unit = rest.eye_distance
    x, y = mesh.middle / unit
    own, resting = _mouth(mesh, scale / unit), _mouth(rest, 1 / unit)
    return Pose(yaw, pitch, roll, float(x), float(y), 1 / scale, own[0] - resting[0], own[1] - resting[1])


def resting(meshes: Sequence[Mesh]) -> Mesh:
    """One mesh for several frames of a head at rest: the median of every number."""
    points = np.median([mesh.points for mesh in meshes], axis=0)
    return Mesh(points, min(mesh.sure for mesh in meshes))


def _mouth(mesh: Mesh, scale: float) -> tuple[float, float]:
    """Width and opening. A distance is the same however the head is turned, so only the size is taken out."""
    width, gap = (
        float(np.linalg.norm(mesh.points[one] - mesh.points[other])) for one, other in (_MOUTH, _LIPS)
    )
    return width * scale, gap * scale


def _rigid(source: Points, target: Points) -> tuple[float, Points]:
    """Scale and rotation (3 x 3) that take `source` nearest to `target` (Umeyama, PAMI 13(4), 1991)."""
    source, target = source - source.mean(axis=0), target - target.mean(axis=0)
    left, strengths, right = np.linalg.svd(target.T @ source)
    signs = np.array([1, 1, np.sign(np.linalg.det(left @ right))])
    scale = float((strengths * signs).sum() / (source**2).sum())
    return scale, np.asarray((left * signs) @ right)


def _angles(turn: Points) -> tuple[float, float, float]:
    """Yaw, pitch and roll in degrees of the rotation from rest to frame, in image axes (x right, y down, z away)."""
    yaw = np.degrees(np.arcsin(np.clip(turn[2, 0], -1, 1)))
    pitch = np.degrees(np.arctan2(-turn[2, 1], turn[2, 2]))
    roll = np.degrees(np.arctan2(turn[1, 0], turn[0, 0]))
    return float(yaw), float(pitch), float(roll)
