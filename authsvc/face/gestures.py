"""Which gestures does a sequence of head poses show? Read against the person's own rest, with hysteresis.

The answer must be exactly what was asked, in order and without anything between, so that a recording can only guess.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from authsvc.face.capture import Gesture

_REST_FRAMES = 3
_LARGEST_TURN_AT_REST = 0.18
_BEGINS, _ENDS = 1.0, 0.6
_LEAST_FRAMES = 2  # One frame may be a slip of the detector.

# How much each measure must change, against rest, for a gesture to begin.
_TURN, _LIFT, _APPROACH = 0.22, 0.15, 0.25


@dataclass(frozen=True, slots=True)
class Pose:
    """Of one frame: `turn` in eye distances, positive to the picture's right, which is the person's left in a picture that
    is not mirrored; `drop` how far the nose lies below the eyes, in eye distances; `size` the eye distance in pixels."""

    turn: float
    drop: float
    size: float


@dataclass(frozen=True, slots=True)
class Shown:
    """A gesture and the index of the frame where it is strongest."""

    gesture: Gesture
    frame: int


def read_gestures(poses: Sequence[Pose | None]) -> tuple[Shown, ...] | None:
    """The gestures shown, in order; None when the sequence does not begin at rest. Frames without a pose are skipped."""
    seen = [(number, pose) for number, pose in enumerate(poses) if pose is not None]
    rest = _rest([pose for _, pose in seen[:_REST_FRAMES]])
    if rest is None:
        return None
    shown: list[Shown] = []
    for gesture, frames in _runs(seen, rest):
        strongest = max(frames, key=lambda frame: frame[1])[0]
        if len(frames) >= _LEAST_FRAMES and (not shown or shown[-1].gesture is not gesture):
            shown.append(Shown(gesture, strongest))
    return tuple(shown)


def _rest(first: Sequence[Pose]) -> Pose | None:
    if len(first) < _REST_FRAMES:
        return None
    rest = Pose(*(median(getattr(pose, name) for pose in first) for name in ("turn", "drop", "size")))
    return rest if abs(rest.turn) <= _LARGEST_TURN_AT_REST and rest.drop > 0 and rest.size > 0 else None


def _runs(seen: Sequence[tuple[int, Pose]], rest: Pose) -> Iterator[tuple[Gesture, list[tuple[int, float]]]]:
    """Frames of one gesture in a row, each with its strength."""
    current: Gesture | None = None
    frames: list[tuple[int, float]] = []
    for number, pose in seen:
        strengths = _strengths(pose, rest)
        following = _following(current, strengths)
        if following is not current and current is not None:
            yield current, frames
        if following is not current:
            frames = []
        if following is not None:
            frames.append((number, strengths[following]))
        current = following
    if current is not None:
        yield current, frames


def _following(current: Gesture | None, strengths: Mapping[Gesture, float]) -> Gesture | None:
    """A gesture goes on until it is clearly over, and begins when it is clearly there."""
    if current is not None and strengths[current] >= _ENDS:
        return current
    strongest = max(strengths, key=lambda gesture: strengths[gesture])
    return strongest if strengths[strongest] >= _BEGINS else None


def _strengths(pose: Pose, rest: Pose) -> dict[Gesture, float]:
    """Each gesture's strength; 1 is where it begins. A turned head looks narrower and longer, so turning comes first."""
    turn = (pose.turn - rest.turn) / _TURN
    turned = abs(turn) >= _ENDS
    return {
        Gesture.LEFT: turn,
        Gesture.RIGHT: -turn,
        Gesture.UP: 0.0 if turned else (1 - pose.drop / rest.drop) / _LIFT,
        Gesture.CLOSER: 0.0 if turned else (pose.size / rest.size - 1) / _APPROACH,
    }
