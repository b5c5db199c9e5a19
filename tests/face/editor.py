"""Whoever has recordings of a person and cuts them to what is asked: he mirrors, enlarges, and joins rests where they fit best.

The next gesture is shown to him only when the part before is in, as to anybody. Every recording is one session of one head, whose
rests lie a few degrees apart, as those of the one living head do.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from authsvc.face.capture import Gesture
from authsvc.face.drawing import mirrored
from authsvc.face.mesh import Pose
from authsvc.face.part import Part
from tests.face.heads import REST, gesturing, part, values

# How far two rests of one session lie apart: the living head's two rests differ by 5.4 and 2.5 degrees in the median.
_DRIFT = Pose(yaw=4.0, pitch=2.0, roll=1.0, x=0.08, y=0.05, size=0.015, smile=0.006, open=0.004)


@dataclass(frozen=True)
class Recording:
    """One session: its gestures, and the frames of each, from rest to rest; the rests between are shared."""

    gestures: tuple[Gesture, ...]
    frames: tuple[tuple[Pose, ...], ...]

    def mirrored(self) -> Recording:
        def other(pose: Pose) -> Pose:
            return replace(pose, yaw=-pose.yaw, roll=-pose.roll, x=2 * REST.x - pose.x)

        frames = tuple(tuple(other(pose) for pose in one) for one in self.frames)
        return Recording(mirrored(self.gestures), frames)


def record(gestures: Sequence[Gesture], chance: random.Random) -> Recording:
    """A person who does what is asked; after each gesture the head comes to rest a little elsewhere."""
    frames, rest = [], _drifted(REST, chance)
    for gesture in gestures:
        whole = gesturing(gesture, rest, chance)
        after = _drifted(REST, chance)
        # Coming back, the head moves on to where it will rest.
        way = [_towards(pose, rest, after, min(1.0, number / 3)) for number, pose in enumerate(whole[12:])]
        frames.append((*whole[:12], *way))
        rest = after
    return Recording(tuple(gestures), tuple(frames))


def honest(gestures: Sequence[Gesture], chance: random.Random) -> list[Part]:
    return _parts(gestures, record(gestures, chance).frames)


class Editor:
    def __init__(self, recordings: Sequence[Recording]) -> None:
        self._recordings = [form for one in recordings for form in (one, one.mirrored())]

    def answer(self, asked: Sequence[Gesture]) -> list[Part] | None:
        """The parts of a challenge, each made when its gesture is shown; None once there is nothing to show."""
        made: list[tuple[Pose, ...]] = []
        at: tuple[Recording, int] | None = None
        for gesture in asked:
            found = self._next(gesture, at, made[-1][-1] if made else None)
            if found is None:
                return None
            frames, at = found
            made.append(frames)
        return _parts(asked, made)

    def _next(
        self, gesture: Gesture, at: tuple[Recording, int] | None, last: Pose | None
    ) -> tuple[tuple[Pose, ...], tuple[Recording, int]] | None:
        """The recording goes on where it is if that fits, else is cut: from the last frame sent to the nearest rest."""
        if at is not None:
            recording, number = at
            if number + 1 < len(recording.gestures) and recording.gestures[number + 1] is gesture:
                return recording.frames[number + 1], (recording, number + 1)
        choices = [
            (_apart(last, frames[start]), frames[start:], (recording, number))
            for recording in self._recordings
            for number, (shown, frames) in enumerate(zip(recording.gestures, recording.frames, strict=True))
            if shown is gesture
            for start in range(4)
        ]
        if not choices:
            return None
        _, frames, place = min(choices, key=lambda choice: choice[0])
        return frames, place


def _apart(one: Pose | None, other: Pose) -> float:
    """What no shift, turn or zoom of the picture mends."""
    if one is None:
        return 0.0
    change = np.array([other.yaw - one.yaw, other.pitch - one.pitch])
    return float((change**2).sum())


def _parts(asked: Sequence[Gesture], frames: Sequence[Sequence[Pose]]) -> list[Part]:
    """Shifted, turned and enlarged so that each part begins where the last one ended."""
    parts: list[Part] = []
    last: Pose | None = None
    start = 0
    for gesture, poses in zip(asked, frames, strict=True):
        moved = list(poses) if last is None else [_placed(pose, poses[0], last) for pose in poses]
        parts.append(part(gesture, moved, start))
        last, start = moved[-1], start + 100 * len(moved)
    return parts


def _placed(pose: Pose, first: Pose, last: Pose) -> Pose:
    return replace(
        pose,
        x=pose.x + last.x - first.x,
        y=pose.y + last.y - first.y,
        roll=pose.roll + last.roll - first.roll,
        size=pose.size * last.size / first.size,
    )


def _drifted(pose: Pose, chance: random.Random) -> Pose:
    return Pose(
        *(value + chance.gauss(0, spread) for value, spread in zip(values(pose), values(_DRIFT), strict=True))
    )


def _towards(pose: Pose, rest: Pose, after: Pose, share: float) -> Pose:
    return Pose(
        *(
            here + share * (goal - start)
            for here, start, goal in zip(values(pose), values(rest), values(after), strict=True)
        )
    )
