"""Is the turned head only a turned picture? A flat print or screen stays a plane, whichever way it is held.

Two views of a plane differ by a homography, so the whole face of the resting frame is fitted onto the turned one by the best
homography there is. On a plane that succeeds and almost nothing remains; on a head the nose stands out and the fit stays
poor. All pixels are used: the default detector's five points lie on two lines, which a homography can always fit.

Light is taken out first, or a lamp's reflection on the paper would look like depth. The fit is Gauss-Newton on normalised
correlation, from coarse to fine, started from the points' affine transform and from a grid of shears, because a fit that
fails would let a plane pass.

Measured: 85 frames of photographs under random homographies, with noise, glare, shade and blur, agree by 0.914 and more;
27 turned frames of a live clip by 0.53 to 0.75.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from authsvc.face.alignment import PLACES, aligned_chip, similarity
from authsvc.face.engine import Pixels, PointKind, Points
from authsvc.face.image import blurred, grey

Floats = NDArray[np.float64]

FLAT = 0.84
"""At this agreement and above the two views are of one plane."""

_SIDE, _CONTEXT = 64, 128
_MARGIN = (_CONTEXT - _SIDE) / 2
_SCALES = ((4.0, 3), (2.0, 2), (1.0, 1))  # Blur in pixels, and every how manieth pixel is looked at.
_STEPS = 12
_STARTS = 4
_SURE = 0.93
_SURROUNDINGS = 6

_EYES = np.array([0.0, -0.372])  # Middle of the eyes, in the template's own coordinates from -1 to 1.


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """A face in a picture, by its five points."""

    picture: Pixels
    points: Points


def agreement(rest: View, turned: View, kind: PointKind) -> float:
    """The correlation, up to 1, of the two views after the best homography; `FLAT` and above is a plane."""
    place = np.array(PLACES[kind]) * _SIDE
    template = grey(aligned_chip(rest.picture, rest.points, place, _SIDE))
    image = grey(aligned_chip(turned.picture, turned.points, place + _MARGIN, _CONTEXT))
    levels = [_Level(template, image, blur, every) for blur, every in _SCALES]
    starts = _starts(_aligned(rest.points, place), _aligned(turned.points, place + _MARGIN))
    best = -1.0
    for start in sorted(starts, key=levels[0].correlation, reverse=True)[:_STARTS]:
        matrix = start
        for level in levels:
            matrix = level.fit(matrix)
        best = max(best, levels[-1].correlation(matrix))
        if best >= _SURE:
            break
    return best


def _aligned(points: Points, place: Points) -> Points:
    matrix = similarity(points, place)
    return np.asarray(points @ matrix[:, :2].T + matrix[:, 2])


def _starts(rest: Points, turned: Points) -> Iterator[Floats]:
    """First guesses, from template coordinates to pixels of the turned chip: the points' own, and shears about the eyes."""
    own = (rest - _SIDE / 2) / (_SIDE / 2)
    affine = np.linalg.lstsq(np.column_stack([own, np.ones(5)]), turned, rcond=None)[0].T
    yield np.vstack([affine, [0, 0, 1]])
    eyes = (_EYES + 1) * _SIDE / 2 + _MARGIN
    for shear, height in product((-0.9, -0.6, -0.3, 0, 0.3, 0.6, 0.9), (0.6, 0.8, 1, 1.25, 1.6)):
        linear = np.array([[1, shear], [0, height]]) * _SIDE / 2
        yield np.vstack([np.column_stack([linear, eyes - linear @ _EYES]), [0, 0, 1]])


class _Level:
    """One scale of the fit: a blurred template, looked at within an oval, and a blurred image."""

    def __init__(self, template: Pixels, image: Pixels, blur: float, every: int) -> None:
        rows, columns = np.mgrid[0:_SIDE:every, 0:_SIDE:every]
        u, v = columns.ravel() / (_SIDE / 2) - 1, rows.ravel() / (_SIDE / 2) - 1
        oval = (u / 0.8) ** 2 + ((v - 0.1) / 0.85) ** 2 < 1
        self._places = np.stack([u[oval], v[oval], np.ones(int(oval.sum()))])
        self._template = _unit(
            _evenly_lit(blurred(template, blur))[rows.ravel()[oval], columns.ravel()[oval]]
        )
        self._image = _evenly_lit(blurred(image, blur))
        self._down, self._right = np.gradient(self._image, axis=0), np.gradient(self._image, axis=1)

    def correlation(self, matrix: Floats) -> float:
        x, y, _ = self._project(matrix)
        return float(_unit(_sample(self._image, x, y)) @ self._template)

    def fit(self, matrix: Floats) -> Floats:
        """Damped Gauss-Newton steps, for as long as they help."""
        damping, reached, score = 1e-3, self.correlation(matrix), -1.0
        for _ in range(_STEPS):
            normal, slope = self._system(matrix)
            better = None
            for _ in range(4):
                change = np.linalg.solve(
                    normal + damping * np.diag(np.diag(normal)) + 1e-12 * np.eye(8), slope
                )
                candidate = matrix + np.append(change, 0).reshape(3, 3)
                if self._is_sane(candidate) and (score := self.correlation(candidate)) > reached:
                    better = candidate
                    break
                damping *= 5
            if better is None:
                break
            gain, matrix, reached, damping = score - reached, better, score, max(damping / 5, 1e-6)
            if gain < 1e-5:
                break
        return matrix

    def _system(self, matrix: Floats) -> tuple[Floats, Floats]:
        """The normal equations of the eight free entries, for the normalised image."""
        x, y, w = self._project(matrix)
        down, right = _sample(self._down, x, y), _sample(self._right, x, y)
        fall = -(right * x + down * y)
        u, v, _ = self._places
        jacobian = np.stack(
            [right * u, right * v, right, down * u, down * v, down, fall * u, fall * v], axis=1
        )
        values = _sample(self._image, x, y)
        centred = values - values.mean()
        length = float(np.linalg.norm(centred)) + 1e-9
        jacobian = jacobian / w[:, None]
        jacobian = (jacobian - jacobian.mean(axis=0)) / length
        direction = centred / length
        jacobian -= np.outer(direction, direction @ jacobian)
        return jacobian.T @ jacobian, jacobian.T @ (self._template - direction)

    def _project(self, matrix: Floats) -> Floats:
        """x, y and the denominator of every place; `3 x n`."""
        x, y, w = matrix @ self._places
        return np.stack([x / w, y / w, w])

    def _is_sane(self, matrix: Floats) -> bool:
        return bool((matrix[2] @ self._places > 0.2).all())


def _evenly_lit(image: Floats) -> Floats:
    """The image without what light and shade do to it: every pixel against the mean and spread of its surroundings."""
    centred = image - _local_mean(image)
    # Grey levels below four are noise and must not be blown up.
    return np.asarray(centred / (np.sqrt(np.maximum(_local_mean(centred**2), 0)) + 4))


def _local_mean(image: Floats) -> Floats:
    """The mean over a square about each pixel, twice, which is nearly a Gaussian."""
    width = 2 * _SURROUNDINGS + 1
    for _ in range(2):
        padded = np.pad(image, ((_SURROUNDINGS + 1, _SURROUNDINGS),) * 2, mode="edge")
        sums = padded.cumsum(axis=0).cumsum(axis=1)
        image = (
            sums[width:, width:] - sums[:-width, width:] - sums[width:, :-width] + sums[:-width, :-width]
        ) / width**2
    return image


def _sample(image: Floats, x: Floats, y: Floats) -> Floats:
    """Bilinear values; outside the image its edge goes on."""
    x, y = np.clip(x, 0, image.shape[1] - 1.001), np.clip(y, 0, image.shape[0] - 1.001)
    column, row = x.astype(int), y.astype(int)
    right, down = x - column, y - row
    upper = image[row, column] * (1 - right) + image[row, column + 1] * right
    lower = image[row + 1, column] * (1 - right) + image[row + 1, column + 1] * right
    return np.asarray(upper * (1 - down) + lower * down)


def _unit(values: Floats) -> Floats:
    centred = values - values.mean()
    return np.asarray(centred / (np.linalg.norm(centred) + 1e-9))
