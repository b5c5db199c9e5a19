"""The active challenge: gestures that the server chose by chance, made by a head and not by a picture.

Works with what the default engine sees. It stops stills held, moved, bent in perspective or warped in software, and
recordings, which must guess the sequence. It does not stop whoever can animate a face in real time.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np

from authsvc.biometric.vectors import cosine, fuse
from authsvc.biometric.words import Liveness, LivenessGate, LivenessResult
from authsvc.face.acquisition import Frame
from authsvc.face.capture import CaptureContext, Gesture
from authsvc.face.engine import Face, Matcher, PointKind
from authsvc.face.gestures import Pose, Shown, read_gestures
from authsvc.face.planarity import FLAT, View, agreement
from authsvc.face.quality import eyes_and_nose, pose

LEAST_FRAMES = 10
LONGEST_GAP_MS = 1_000
LONGEST_MS = 30_000
_MOST_LOST = 0.2  # Share of frames without a face: nobody may change places unseen.
_FARTHEST_MOVE = 0.6  # Between neighbouring frames, in widths of the face.
_LARGEST_GROWTH = 1.6


class ActiveChallenge:
    """Judges the gestures of `context.gestures` over all frames of a capture."""

    id = "active"
    gates = (LivenessGate.ACTIVE,)
    least_context = 0.0

    def __init__(self, matcher: Matcher, points: PointKind, same_person: float) -> None:
        """`same_person` is the score at which a turned face still counts as the resting one's."""
        self._matcher = matcher
        self._points = points
        self._same_person = same_person

    def load(self) -> None:
        """Nothing: the matcher is loaded by the service that shares it."""

    def judge(self, frames: Sequence[Frame], context: CaptureContext) -> LivenessResult:
        """BONA_FIDE for exactly the gestures asked, by one solid head; ATTACK for a plane or a change of person."""
        if not context.gestures or not _is_timed(len(frames), context.taken_at_ms):
            return self._result(Liveness.UNDECIDED)
        shown = read_gestures([_pose(frame.face, self._points) for frame in frames])
        if shown is None or tuple(one.gesture for one in shown) != context.gestures:
            return self._result(Liveness.UNDECIDED, gestures_shown=len(shown or ()))
        if not _is_continuous(frames):
            return self._result(Liveness.UNDECIDED, gestures_shown=len(shown), continuous=0)
        return self._judge_shown(frames, shown)

    def _judge_shown(self, frames: Sequence[Frame], shown: Sequence[Shown]) -> LivenessResult:
        """Every gesture asked was made: by the same person as at rest, and not by a plane?"""
        resting = [frame for frame in frames if frame.vector is not None]
        rest = next((frame for frame in resting if frame.face is not None), None)
        if rest is None or rest.face is None:
            return self._result(Liveness.UNDECIDED, gestures_shown=len(shown))
        person = fuse(np.array([frame.vector for frame in resting]))
        made = [
            (one.gesture, frame.picture, frame.face) for one in shown if (frame := frames[one.frame]).face
        ]
        vectors = self._matcher.describe(
            [picture for _, picture, _ in made], [face.points for *_, face in made]
        )
        least_alike = min(cosine(person, vector) for vector in vectors)
        view = View(rest.picture, rest.face.points)
        flattest = max(
            agreement(view, View(picture, face.points), self._points)
            for gesture, picture, face in made
            if gesture
            is not Gesture.CLOSER  # Coming closer a head changes too little to be told from a plane.
        )
        solid = flattest < FLAT and least_alike >= self._same_person
        verdict = Liveness.BONA_FIDE if solid else Liveness.ATTACK
        return self._result(verdict, gestures_shown=len(shown), flatness=flattest, same_person=least_alike)

    def _result(self, verdict: Liveness, **evidence: float) -> LivenessResult:
        return LivenessResult(
            verdict, (self.id,), {name: round(float(value), 4) for name, value in evidence.items()}
        )


def _is_timed(frames: int, taken_at_ms: Sequence[int]) -> bool:
    """One instant for each frame, in order, without a hole in which somebody could change places."""
    if len(taken_at_ms) != frames or frames < LEAST_FRAMES:
        return False
    gaps = np.diff(taken_at_ms)
    return bool(
        (gaps > 0).all() and gaps.max() <= LONGEST_GAP_MS and taken_at_ms[-1] - taken_at_ms[0] <= LONGEST_MS
    )


def _pose(face: Face | None, kind: PointKind) -> Pose | None:
    if face is None:
        return None
    left, right, nose = eyes_and_nose(face.points, kind)
    axis = right - left
    size = float(np.hypot(*axis))
    if size < 1:
        return None
    down = np.array([-axis[1], axis[0]]) / size
    return Pose(pose(face.points, kind)[0], float((nose - (left + right) / 2) @ down) / size, size)


def _is_continuous(frames: Sequence[Frame]) -> bool:
    """Whether the face moves and grows as one does, and is hardly ever out of sight."""
    faces = [frame.face for frame in frames if frame.face is not None]
    if len(faces) < (1 - _MOST_LOST) * len(frames):
        return False
    return all(_follows(one, other) for one, other in itertools.pairwise(faces))


def _follows(one: Face, other: Face) -> bool:
    move = np.hypot(*(other.points.mean(axis=0) - one.points.mean(axis=0)))
    growth = other.box.width / one.box.width
    return bool(move <= _FARTHEST_MOVE * one.box.width and 1 / _LARGEST_GROWTH <= growth <= _LARGEST_GROWTH)
