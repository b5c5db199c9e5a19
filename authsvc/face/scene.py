"""What surrounds a face, as coarse cells of light, and how much of it changes from one frame to the next.

Whoever shifts, turns or enlarges a picture so that the faces of two recordings meet moves everything around the face as well.
"""

from __future__ import annotations

import base64

import numpy as np

from authsvc.face.engine import Pixels
from authsvc.face.image import resize_grey
from authsvc.face.mesh import Mesh

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
