"""The room behind a head made of points, and how it looks once a picture was shifted, turned and enlarged.

As strong in contrast as the one that was measured: a shift of a tenth of an eye distance changes its cells by 7 grey levels in
the mean, as it does the surroundings of the living head (6.4 to 7.5).
"""

from __future__ import annotations

import base64
from dataclasses import dataclass

import numpy as np

from authsvc.face.mesh import Pose, Shift
from authsvc.face.scene import CELLS

_MIDDLE, _FAR = 3.0, 1.9  # Of the picture, and from there to its edge, in eye distances.
_WAVES = np.array([[2.1, 1.3, 0.4], [-1.2, 2.4, 1.9], [0.7, -2.6, 4.1]])  # Across, down, phase.
_CONTRAST = 45.0
_GRID = np.stack(np.meshgrid(*2 * [_MIDDLE + _FAR * (2 * (np.arange(CELLS) + 0.5) / CELLS - 1)]))


@dataclass(frozen=True)
class Moved:
    """What became of the picture: `x` and `y` in eye distances, `roll` in degrees and `size` about its middle, or mirrored."""

    x: float = 0.0
    y: float = 0.0
    roll: float = 0.0
    size: float = 1.0
    mirrored: bool = False


def shift(one: Moved, other: Moved) -> Shift:
    """How the picture of `other` lies to that of `one`, 100 pixels an eye distance."""
    first, second = (_to_picture(each) for each in (one, other))
    turn = second.turn / first.turn
    return Shift(turn, second.by - turn * first.by)


def _to_picture(moved: Moved) -> Shift:
    turn = complex(moved.size * np.exp(1j * np.radians(moved.roll)))
    middle = 100 * complex(_MIDDLE, _MIDDLE)
    return Shift(turn, middle - turn * middle + 100 * complex(moved.x, moved.y))


def room(moved: Moved, pose: Pose) -> str:
    """What surrounds a head in this pose, as `scene.surroundings` would give it."""
    across, down = _GRID - _MIDDLE
    turn = np.radians(moved.roll)
    own = np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]]) / moved.size
    there = np.tensordot(own, np.stack([across - moved.x, down - moved.y]), axes=1)
    if moved.mirrored:
        there[0] = -there[0]
    light = 128 + _CONTRAST * sum(np.sin(a * there[0] + b * there[1] + c) for a, b, c in _WAVES)
    cells = np.clip(light, 1, 255).astype(np.uint8)
    cells[(abs(_GRID[0] - pose.x) < 1) & (abs(_GRID[1] - pose.y) < 1.3)] = 0
    return base64.b64encode(cells.tobytes()).decode()
