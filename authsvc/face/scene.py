"""What surrounds a face, as coarse cells of light: how much of it changes from one frame to the next, and how it is moved.

Whoever shifts, turns or enlarges a picture so that the faces of two recordings meet moves everything around the face as well.
So where a head is in the room, and not where in the picture, is what nobody can mend.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from authsvc.face.engine import Pixels
from authsvc.face.image import resize_grey
from authsvc.face.mesh import STILL, Mesh, Shift

Floats = NDArray[np.float64]

BACKGROUND = 0.9
"""The share of the cells that is taken for the room while a head moves."""

CELLS = 16
"""Cells a side: fine enough to notice a shift of a hundredth of the picture, too coarse to recognise a room by."""


def surroundings(picture: Pixels, mesh: Mesh | None) -> str:
    """How light each cell of the picture is, where the face is not; base64 of `CELLS` squared bytes, 0 on the face."""
    cells = np.maximum(resize_grey(picture, CELLS, CELLS), 1)
    if mesh is not None:
        low, high = mesh.box
        height, width = picture.shape[:2]
        left, top = np.floor(low / (width, height) * CELLS).astype(int).clip(0, CELLS)
        right, bottom = np.ceil(high / (width, height) * CELLS).astype(int).clip(0, CELLS)
        cells = cells.copy()
        cells[top:bottom, left:right] = 0
    return base64.b64encode(cells.astype(np.uint8).tobytes()).decode()


def change(one: str, other: str, share: float = 1.0) -> float:
    """The mean difference in grey levels of the cells that neither face covers, after overall brightness is taken out.

    Of all of them, or of the `share` that changes least: hair and shoulders move by themselves, a picture moves as a whole.
    """
    first, second = (np.frombuffer(base64.b64decode(text), np.uint8).astype(float) for text in (one, other))
    both = (first > 0) & (second > 0)
    if not both.any():
        return 0.0
    difference = second[both] - first[both]
    changes = np.sort(np.abs(difference - np.median(difference)))
    return float(changes[: max(1, int(share * changes.size))].mean())


# -- How the room is moved -----------------------------------------------------------------------------------------------

_FINE = 32  # Cells a side; they are looked at and not kept.
_BESIDE, _ABOVE = 0.1, 0.25  # How much wider and higher than the face a head is, in its widths and heights.
_LEAST_CELLS = 20
_STEPS = 5
_FOLLOWED = 0.7  # The share of the cells that moves with the room; shoulders, hair and passers-by do not.
_LEAST_SURE = 0.012  # Distances between the eyes, the standard error beyond which a movement is not known.


def shifts(pictures: Sequence[Pixels], meshes: Sequence[Mesh | None]) -> list[Shift]:
    """How each picture lies to the first, by all that is not the head; where too little is seen, as the one before.

    Least squares on light, from picture to picture (Lucas and Kanade, IJCAI 1981), for a shift, a turn and a growth.
    """
    found = [STILL]
    rooms = [_room(picture, mesh) for picture, mesh in zip(pictures, meshes, strict=True)]
    for number in range(1, len(rooms)):
        height, width = pictures[number].shape[:2]
        eyes = [mesh.eye_distance for mesh in meshes[number - 1 : number + 1] if mesh is not None]
        step = _moved(rooms[number - 1], rooms[number], height / width, max(eyes, default=0.0) / width)
        found.append(found[-1].then(_in_pixels(step, width, height)))
    return found


def _room(picture: Pixels, mesh: Mesh | None) -> Floats:
    """`_FINE x _FINE` grey levels, NaN where the head is."""
    cells = resize_grey(picture, _FINE, _FINE).astype(float)
    if mesh is not None:
        low, high = mesh.box
        size = np.array(picture.shape[1::-1])
        left, top = np.floor((low - (high - low) * (_BESIDE, _ABOVE)) / size * _FINE).astype(int)
        right, bottom = np.ceil((high + (high - low) * (_BESIDE, 0)) / size * _FINE).astype(int)
        cells[max(top, 0) : max(bottom, 0), max(left, 0) : max(right, 0)] = np.nan
    return cells


def _moved(one: Floats, other: Floats, aspect: float, eyes: float) -> Floats:
    """x, y, turn in radians and logarithm of the growth from `one` to `other`, lengths in widths of the picture.

    `aspect` is height by width, `eyes` the distance between them in widths. Zeros where too little is seen.
    """
    middle = (_FINE - 1) / 2
    rows, columns = np.mgrid[0:_FINE, 0:_FINE]
    u, v = (columns - middle) / _FINE, (rows - middle) / _FINE * aspect
    across, down = np.gradient(one, axis=1) * _FINE, np.gradient(one, axis=0) * _FINE / aspect
    slopes = np.stack([across, down, down * u - across * v, across * u + down * v], axis=2)
    seen = ~np.isnan(slopes).any(axis=2) & ~np.isnan(other)
    seen[[0, -1], :] = seen[:, [0, -1]] = False
    if seen.sum() < _LEAST_CELLS:
        return np.zeros(4)
    filled = np.where(np.isnan(other), np.nanmean(other), other)
    slopes, light, step, error = slopes[seen], one[seen], np.zeros(4), np.inf
    for _ in range(_STEPS):
        turned = np.exp(step[3] + 1j * step[2]) * (u + 1j * v)[seen] + complex(*step[:2])
        difference = (
            _light(filled, turned.real * _FINE + middle, turned.imag * _FINE / aspect + middle) - light
        )
        onward, error = _fit(slopes, difference - np.median(difference))
        step -= onward
    return step if error <= _LEAST_SURE * eyes else np.zeros(4)


def _fit(slopes: Floats, difference: Floats) -> tuple[Floats, float]:
    """The step that explains a difference of light, by what moves with the room, and the standard error of its shift."""
    kept = abs(difference) <= max(float(np.quantile(abs(difference), _FOLLOWED)), 0.5)
    normal = slopes[kept].T @ slopes[kept] + 1e-3 * np.eye(4)
    spread = np.linalg.inv(normal)[[0, 1], [0, 1]].max() * max(float(difference[kept].var()), 0.1)
    onward = np.asarray(np.linalg.solve(normal, slopes[kept].T @ difference[kept]), dtype=np.float64)
    return onward, float(np.sqrt(spread))


def _light(cells: Floats, x: Floats, y: Floats) -> Floats:
    """Bilinear; what lies outside is the nearest edge."""
    x, y = np.clip(x, 0, _FINE - 1.001), np.clip(y, 0, _FINE - 1.001)
    left, top = x.astype(int), y.astype(int)
    right, low = x - left, y - top
    upper = cells[top, left] * (1 - right) + cells[top, left + 1] * right
    lower = cells[top + 1, left] * (1 - right) + cells[top + 1, left + 1] * right
    return np.asarray(upper * (1 - low) + lower * low)


def _in_pixels(step: Floats, width: int, height: int) -> Shift:
    turn, middle = complex(np.exp(step[3] + 1j * step[2])), complex(width, height) / 2
    return Shift(turn, middle - turn * middle + width * complex(*step[:2]))
