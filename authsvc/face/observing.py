"""From the frames of one part of an active capture to what is kept of it until the other parts are in.

The mesh looks at every frame. The default detector, which sees other people too, looks at a few frames at rest: those that are
compared, and whose quality counts.
"""

from __future__ import annotations

import base64
import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from authsvc.biometric.vectors import Vectors
from authsvc.biometric.words import LivenessResult
from authsvc.errors import InvalidRequest, PayloadTooLarge
from authsvc.face.acquisition import Frame, examine, hints_of, spread, worst
from authsvc.face.capture import CaptureContext
from authsvc.face.drawing import TURNS
from authsvc.face.engine import Detector, Matcher, Pixels, PointKind, Points
from authsvc.face.fingerprint import fingerprints, is_replay
from authsvc.face.gestures import REST_FRAMES, Shown, is_at_rest, read_gestures
from authsvc.face.hints import Hint
from authsvc.face.image import decode, examined
from authsvc.face.image_structure import UNREAD
from authsvc.face.mesh import Mesh, Pose, pose, resting, trace, written
from authsvc.face.part import Part
from authsvc.face.planarity import View, agreement
from authsvc.face.quality import Gate
from authsvc.face.scene import BACKGROUND, change, shifts, surroundings
from authsvc.factor import Unusable

MOST_FRAMES = 30
MOST_BYTES = 8 * 1024 * 1024

_MOST_LOST = 0.2  # Share of frames without a face: nobody may change places unseen.
_LOOKS = 4  # Frames at rest that the default detector looks at.
_REMEMBERED = 12


class MeshEngine(Protocol):
    """Finds the points of the most striking face."""

    def load(self) -> None: ...

    def look(self, picture: Pixels, before: Mesh | None = None) -> Mesh | None: ...


@dataclass(frozen=True, slots=True)
class Observer:
    """The engines that look at one part."""

    detector: Detector
    matcher: Matcher
    mesh: MeshEngine
    model: str

    def observe(
        self,
        frames: Sequence[bytes],
        context: CaptureContext,
        gate: Gate,
        passive: Callable[[Sequence[Frame]], LivenessResult] | None,
    ) -> Part | Unusable:
        """What is to be kept of a part, or what the person can do better. Raises what `image.decode` raises."""
        _check_size(frames, context)
        try:
            pictures = [decode(frame, still) for frame, still in zip(frames, examined(frames), strict=True)]
        except UNREAD as unread:
            return Unusable((unread.hint.value,))
        meshes = self._followed(pictures)
        seen = [mesh for mesh in meshes if mesh is not None]
        if len(seen) < max((1 - _MOST_LOST) * len(meshes), REST_FRAMES):
            return Unusable((Hint.NO_FACE.value,))
        poses = _poses(meshes, resting(seen[:REST_FRAMES]))
        still = [n for n, found in enumerate(poses) if found is not None and is_at_rest(found)]
        looked = [
            examine(pictures[n], self.detector, gate, fine=place == 0)
            for place, n in enumerate(spread(still, _LOOKS))
        ]
        good = [frame for frame in looked if frame.is_good]
        if not good:
            return Unusable(hints_of(looked, 1) or (Hint.NO_FACE.value,))
        shown = next((one for one in read_gestures(poses) if one.gesture is context.gestures[0]), None)
        return self._part(frames, context, pictures, meshes, good, shown, passive)

    def _part(
        self,
        frames: Sequence[bytes],
        context: CaptureContext,
        pictures: Sequence[Pixels],
        meshes: Sequence[Mesh | None],
        good: Sequence[Frame],
        shown: Shown | None,
        passive: Callable[[Sequence[Frame]], LivenessResult] | None,
    ) -> Part:
        described = self._describe([(frame.picture, _five(frame)) for frame in good])
        good = [replace(frame, vector=vector) for frame, vector in zip(good, described, strict=True)]
        apex = None if shown is None else meshes[shown.apex]
        # Of frames from all over the part: of a head at rest two captures may well look alike.
        faces = [
            Frame(picture, mesh.face, None, ())
            for picture, mesh in spread(list(zip(pictures, meshes, strict=True)), _REMEMBERED)
            if mesh is not None
        ]
        seen = fingerprints(frames, faces, self.detector.points)
        scenes = [surroundings(picture, mesh) for picture, mesh in zip(pictures, meshes, strict=True)]
        return Part(
            model=self.model,
            gesture=context.gestures[0],
            taken_at_ms=context.taken_at_ms,
            prompted_at_ms=context.prompted_at_ms,
            trace=packed(np.array([trace(mesh) for mesh in meshes])),
            room=packed(written(shifts(pictures, meshes))),
            scene=(scenes[0], scenes[-1]),
            scene_changes=tuple(round(change(*pair, BACKGROUND), 2) for pair in itertools.pairwise(scenes)),
            rest=packed(described),
            apex=""
            if shown is None or apex is None
            else packed(self._describe([(pictures[shown.apex], apex.five)])),
            flatness=None
            if shown is None
            else _flatness(pictures, meshes, shown, good[0], self.detector.points),
            fingerprints=seen,
            quality=worst(good),
            replayed=is_replay(seen, faces, context.earlier, self.detector.points),
            passive=None if passive is None else passive(good),
        )

    def _followed(self, pictures: Sequence[Pixels]) -> list[Mesh | None]:
        before: Mesh | None = None
        found = []
        for picture in pictures:
            before = self.mesh.look(picture, before)
            found.append(before)
        return found

    def _describe(self, faces: Sequence[tuple[Pixels, Points]]) -> Vectors:
        return self.matcher.describe([picture for picture, _ in faces], [points for _, points in faces])


def packed(numbers: NDArray[np.float32]) -> str:
    """An array as JSON can hold it."""
    return base64.b64encode(np.ascontiguousarray(numbers, dtype="<f4").tobytes()).decode()


def unpacked(text: str, width: int) -> NDArray[np.float32]:
    """What `packed` was given, `n x width`."""
    return np.frombuffer(base64.b64decode(text), dtype="<f4").reshape(-1, width)


def _check_size(frames: Sequence[bytes], context: CaptureContext) -> None:
    if len(context.gestures) != 1:
        raise InvalidRequest("a part shows exactly one gesture")
    if not frames:
        raise InvalidRequest("a face capture without a frame")
    if len(frames) > MOST_FRAMES:
        raise PayloadTooLarge(f"{len(frames)} frames, and {MOST_FRAMES} are accepted")
    if sum(map(len, frames)) > MOST_BYTES:
        raise PayloadTooLarge(f"frames of more than {MOST_BYTES} bytes together")


def _five(frame: Frame) -> Points:
    assert frame.face is not None  # noqa: S101  # A good frame has one.
    return frame.face.points


def _poses(meshes: Sequence[Mesh | None], rest: Mesh) -> list[Pose | None]:
    return [None if mesh is None else pose(rest, mesh) for mesh in meshes]


def _flatness(
    pictures: Sequence[Pixels], meshes: Sequence[Mesh | None], shown: Shown, rest: Frame, kind: PointKind
) -> float | None:
    """Only a gesture that turns the head out of the picture's plane can tell a head from a plane."""
    first, turned = next(n for n, mesh in enumerate(meshes) if mesh is not None), meshes[shown.apex]
    start = meshes[first]
    if shown.gesture not in TURNS or start is None or turned is None or kind is not PointKind.EYE_CORNERS:
        return None
    return agreement(View(pictures[first], start.five), View(pictures[shown.apex], turned.five), kind)
