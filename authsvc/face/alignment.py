"""Turns, moves and scales a face so that its points come to lie where a network was trained to expect them."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from authsvc.face.engine import Pixels, PointKind, Points
from authsvc.face.image import Affine, resample, shrink

PLACES: Mapping[PointKind, tuple[tuple[float, float], ...]] = {
    PointKind.EYE_CORNERS: (
        (0.7397, 0.3090), (0.5974, 0.3193), (0.2470, 0.3092), (0.3894, 0.3194), (0.4934, 0.5852),
    ),
    PointKind.EYES_NOSE_MOUTH: (
        (0.3162, 0.3055), (0.6829, 0.3099), (0.4982, 0.5225), (0.3331, 0.6916), (0.6570, 0.6973),
    ),
}  # fmt: skip
"""Where the points of an average face lie on a chip of one by one, with some room about the face."""


def similarity(source: Points, target: Points) -> Affine:
    """The 2 x 3 matrix that takes `source` nearest to `target` (least squares) by turning, scaling and moving alone.

    Written in complex numbers, where such a transform is `a * z + b` (Umeyama, PAMI 13(4), 1991, in two dimensions).
    """
    z, w = source @ [1, 1j], target @ [1, 1j]
    centred = z - z.mean()
    a = np.vdot(centred, w - w.mean()) / np.vdot(centred, centred).real
    b = w.mean() - a * z.mean()
    return np.array([[a.real, -a.imag, b.real], [a.imag, a.real, b.imag]])


def aligned_chip(picture: Pixels, points: Points, target: Points, size: int) -> Pixels:
    """The face as `size x size x 3` uint8 with its points as near as possible to `target`; outside the picture is black."""
    ratio = float(np.linalg.norm(points - points.mean(axis=0)) / np.linalg.norm(target - target.mean(axis=0)))
    halvings = int(np.log2(max(ratio, 1.0)))
    if halvings:
        # Bilinear sampling looks at four pixels only, so a much larger face is shrunk first.
        factor = 0.5**halvings
        smaller = shrink(picture, round(max(picture.shape[:2]) * factor))
        scale = np.array([smaller.shape[1] / picture.shape[1], smaller.shape[0] / picture.shape[0]])
        picture, points = smaller, (points + 0.5) * scale - 0.5
    return resample(picture, similarity(target, points), size)
