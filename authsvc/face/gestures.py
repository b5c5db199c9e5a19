"""Which gestures does a sequence of poses show? Read against the person's own rest, with hysteresis.

The answer must be exactly what was asked, from rest and back to it, with nothing in between, so that a recording can only guess.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from authsvc.face.capture import Gesture
from authsvc.face.mesh import Pose

REST_FRAMES = 3
"""At the beginning, from which the person's rest is taken."""

AT_REST = 0.6
"""Below this strength of every gesture a head is at rest; a gesture begins at 1 and ends here."""

_LEAST_FRAMES = 2  # One frame may be a slip of the network.

# How much each measure must change, against rest, for a gesture to begin: degrees, a share, eye distances.
_TURN, _TILT, _LIFT, _APPROACH, _SMILE, _OPEN = 20.0, 14.0, 10.0, 0.25, 0.08, 0.12
_MOUTH_WITHIN = 30.0  # Degrees of yaw, beyond which the mouth is not read.
_TEETH = 0.05  # A smile this wide parts the lips as well.
_LARGEST_APEX = (
    1.6  # What goes farther is hard to compare: a gesture is looked at where it is clear and no more.
)


@dataclass(frozen=True, slots=True)
class Shown:
    """A gesture, the indices of the frames where it begins and where it is over, and of the one to look at."""

    gesture: Gesture
    first: int
    last: int
    apex: int


def read_gestures(poses: Sequence[Pose | None]) -> tuple[Shown, ...]:
    """The gestures shown, in order; frames without a pose are skipped."""
    shown: list[Shown] = []
    for gesture, frames in _runs([(number, pose) for number, pose in enumerate(poses) if pose is not None]):
        if len(frames) >= _LEAST_FRAMES and (not shown or shown[-1].gesture is not gesture):
            clear = [frame for frame in frames if frame[1] <= _LARGEST_APEX] or frames[:1]
            apex = max(clear, key=lambda frame: frame[1])[0]
            shown.append(Shown(gesture, frames[0][0], frames[-1][0], apex))
    return tuple(shown)


def is_at_rest(pose: Pose) -> bool:
    """Whether no gesture is under way."""
    return all(strength < AT_REST for strength in strengths(pose).values())


def strengths(pose: Pose) -> dict[Gesture, float]:
    """Each gesture's strength; 1 is where it begins. A turned head looks tilted, lifted and larger, so turning comes first."""
    turn = pose.yaw / _TURN
    facing = abs(turn) < AT_REST
    grin = pose.smile / _SMILE if abs(pose.yaw) < _MOUTH_WITHIN else 0.0
    tilt = pose.roll / _TILT if facing else 0.0
    lift = pose.pitch / _LIFT if facing else 0.0
    return {
        Gesture.LEFT: turn,
        Gesture.RIGHT: -turn,
        Gesture.TILT_LEFT: tilt,
        Gesture.TILT_RIGHT: -tilt,
        Gesture.UP: lift,
        Gesture.DOWN: -lift,
        Gesture.CLOSER: (pose.size - 1) / _APPROACH if facing else 0.0,
        Gesture.SMILE: grin,
        Gesture.OPEN_MOUTH: pose.open / _OPEN
        if abs(pose.yaw) < _MOUTH_WITHIN and pose.smile < _TEETH
        else 0.0,
    }


def _runs(seen: Sequence[tuple[int, Pose]]) -> Iterator[tuple[Gesture, list[tuple[int, float]]]]:
    """Frames of one gesture in a row, each with its strength."""
    current: Gesture | None = None
    frames: list[tuple[int, float]] = []
    for number, pose in seen:
        found = strengths(pose)
        following = _following(current, found)
        if following is not current and current is not None:
            yield current, frames
        if following is not current:
            frames = []
        if following is not None:
            frames.append((number, found[following]))
        current = following
    if current is not None:
        yield current, frames


def _following(current: Gesture | None, found: Mapping[Gesture, float]) -> Gesture | None:
    """A gesture goes on until it is clearly over, and begins when it is clearly there."""
    if current is not None and found[current] >= AT_REST:
        return current
    strongest = max(found, key=lambda gesture: found[gesture])
    return strongest if found[strongest] >= 1 else None
