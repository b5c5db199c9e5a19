"""Was this capture seen before? Fingerprints of frames: of their bytes, of their pixels, and of how the face looked.

Fingerprints are kept and sealed by the caller, never here. What a copy may have gone through, how many escape and how many honest
captures are taken for copies is in docs/face.md.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence

from authsvc.face.acquisition import Frame, spread
from authsvc.face.copies import LOOK
from authsvc.face.engine import PointKind
from authsvc.face.looks import Patch, nearest, packed, unpacked

ALIKE = 0.99
"""Faces that agree so well after one was laid onto the other are one picture."""

LEAST_SHARE = 1 / 3
"""Of the frames compared: of a living head one frame or two may come to lie as they did before."""

_LOOKS = 12


def fingerprints(data: Sequence[bytes], frames: Sequence[Frame], kind: PointKind) -> tuple[str, ...]:
    """`b:`, `p:` and `f:` fingerprints of one capture, for the caller to keep; faces of frames from all over it."""
    bytes_seen = (f"b:{hashlib.sha256(one).hexdigest()[:32]}" for one in data)
    pixels_seen = (f"p:{hashlib.sha256(frame.picture.tobytes()).hexdigest()[:32]}" for frame in frames)
    looks = (f"{LOOK}{packed(patch.look())}" for patch in _patches(frames, kind))
    return (*bytes_seen, *pixels_seen, *looks)


def is_replay(new: Iterable[str], frames: Sequence[Frame], earlier: Sequence[str], kind: PointKind) -> bool:
    """Whether a file or a picture was seen before, or a third of the faces that are compared."""
    if not {one for one in new if not one.startswith(LOOK)}.isdisjoint(earlier):
        return True
    known = [one.removeprefix(LOOK) for one in earlier if one.startswith(LOOK)]
    patches = _patches(frames, kind) if known else []
    if not patches:
        return False
    looks = unpacked(known)
    return sum(nearest(patch, looks) >= ALIKE for patch in patches) >= LEAST_SHARE * len(patches)


def _patches(frames: Sequence[Frame], kind: PointKind) -> list[Patch]:
    seen = [(frame.picture, frame.face) for frame in frames if frame.face is not None]
    return [Patch.of(picture, face, kind) for picture, face in spread(seen, _LOOKS)]
