"""Was this capture seen before? Fingerprints of frames: of their bytes, of their pixels, and of what they look like.

A look survives re-encoding, scaling and light cropping: 544 signs of brightness steps on a 17 x 17 grid. Measured on two
clips of ten seconds: re-encoded frames differ in at most 23 signs, frames cropped by four pixels in at most 37, and live
frames three seconds apart in at least 93. Fingerprints are kept and sealed by the caller, never here.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence

import numpy as np

from authsvc.face.acquisition import Frame, spread
from authsvc.face.engine import Pixels
from authsvc.face.image import resize_grey

NEAR = 40
"""Looks that differ in so many signs or fewer are one and the same picture."""

_GRID = 17
_LOOKS = 8


def fingerprints(data: Sequence[bytes], frames: Sequence[Frame]) -> tuple[str, ...]:
    """`b:`, `p:` and `l:` fingerprints of one capture, for the caller to keep; looks of frames from all over it."""
    bytes_seen = (f"b:{hashlib.sha256(one).hexdigest()[:32]}" for one in data)
    pixels_seen = (f"p:{hashlib.sha256(frame.picture.tobytes()).hexdigest()[:32]}" for frame in frames)
    looks = (f"l:{look(frame.picture).to_bytes(68, 'big').hex()}" for frame in spread(frames, _LOOKS))
    return (*bytes_seen, *pixels_seen, *looks)


def is_replay(new: Iterable[str], frames: Sequence[Frame], earlier: Sequence[str]) -> bool:
    """Whether any frame is one of an earlier capture: the same bytes, the same pixels, or nearly the same look."""
    if not set(new).isdisjoint(earlier):
        return True
    known = [int.from_bytes(bytes.fromhex(one[2:]), "big") for one in earlier if one.startswith("l:")]
    return any((look(frame.picture) ^ other).bit_count() <= NEAR for frame in frames for other in known)


def look(picture: Pixels) -> int:
    """544 bits: whether brightness rises from cell to cell, to the right and downwards."""
    cells = resize_grey(picture, _GRID, _GRID).astype(np.int16)
    rises = np.concatenate([(np.diff(cells, axis=1) > 0).ravel(), (np.diff(cells, axis=0) > 0).ravel()])
    return int.from_bytes(np.packbits(rises).tobytes(), "big")
