"""Whoever has recordings of a person and cuts them to what is asked: he mirrors, enlarges, and joins rests where they fit best.

The next gesture is shown to him only when the part before is in, as to anybody. Every recording is one session of one head, whose
rests lie a few degrees apart, as those of the one living head do.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from authsvc.face.capture import Gesture
from authsvc.face.continuity import (
    LARGEST_CHANGE,
    LARGEST_CHANGE_WITHIN,
    LARGEST_JOIN,
    LARGEST_LEAP,
    SIDE,
    alone_in,
    jumps_of,
    leaps_of,
    take_of,
)
from authsvc.face.drawing import mirrored
from authsvc.face.mesh import STILL, Pose, Shift
from authsvc.face.part import Part
from authsvc.face.scene import BACKGROUND, change
from tests.face.heads import REST, gesturing, noisy, part, values
from tests.face.room import Moved, room, shift

# How far two rests of one session lie apart: the living head's two rests differ by 5.4 and 2.5 degrees in the median.
_DRIFT = Pose(yaw=4.0, pitch=2.0, roll=1.0, x=0.08, y=0.05, size=0.015, smile=0.006, open=0.004)
_HOPELESS = 1.3
_SHAKE = 0.008  # Eye distances that the room moves from frame to frame, in the mean as that head's: 0.6 to 1.4 grey levels.


@dataclass(frozen=True)
class Shot:
    """One frame: the head in it, and what was done to the picture since the camera took it."""

    pose: Pose
    moved: Moved


Frames = Sequence[Shot]
Meeting = Literal["head", "room"]


@dataclass(frozen=True)
class Recording:
    """One session: its gestures, and the frames of each, from rest to rest; the rests between are shared."""

    gestures: tuple[Gesture, ...]
    frames: tuple[Frames, ...]

    def mirrored(self) -> Recording:
        def other(shot: Shot) -> Shot:
            pose, moved = shot.pose, shot.moved
            mirror = replace(moved, x=-moved.x, roll=-moved.roll, mirrored=not moved.mirrored)
            return Shot(replace(pose, yaw=-pose.yaw, roll=-pose.roll, x=2 * REST.x - pose.x), mirror)

        frames = tuple(tuple(other(shot) for shot in one) for one in self.frames)
        return Recording(mirrored(self.gestures), frames)

    def backwards(self, chance: random.Random) -> Recording:
        """Other pictures of the same moments, the last one first."""
        return Recording(
            self.gestures[::-1], tuple(_anew(frames[::-1], chance) for frames in self.frames[::-1])
        )


def record(gestures: Sequence[Gesture], chance: random.Random) -> Recording:
    """A person who does what is asked; after each gesture the head comes to rest a little elsewhere."""
    frames, rest = [], _drifted(REST, chance)
    for gesture in gestures:
        whole = gesturing(gesture, rest, chance)
        after = _drifted(REST, chance)
        # Coming back, the head moves on to where it will rest.
        way = [_towards(pose, rest, after, min(1.0, number / 3)) for number, pose in enumerate(whole[12:])]
        frames.append(tuple(_shot(pose, chance) for pose in (*whole[:12], *way)))
        rest = after
    return Recording(tuple(gestures), tuple(frames))


def _shot(pose: Pose, chance: random.Random) -> Shot:
    """As a hand holds a camera that looks at the head all the same."""
    return Shot(pose, Moved(chance.gauss(0, _SHAKE), chance.gauss(0, _SHAKE)))


def honest(gestures: Sequence[Gesture], chance: random.Random) -> list[Part]:
    frames = record(gestures, chance).frames
    return [_part(*each) for each in zip(gestures, frames, _starts(frames), strict=True)]


def _part(gesture: Gesture, shots: Frames, start: int) -> Part:
    lies = [shift(shots[0].moved, shot.moved) for shot in shots]
    return part(gesture, [shot.pose for shot in shots], start, scenes=_scenes(shots), room=lies)


def _scenes(shots: Frames) -> list[str]:
    return [room(shot.moved, shot.pose) for shot in shots]


class Editor:
    """He knows the judge, and of all places to cut he takes the one at which it sees the least.

    He cuts where parts join, or `within` them as well: some way into a rest, or straight into a movement, which hides a cut. At a
    cut the heads meet in the picture, or with `meets` "room" what is behind them does. What he sends he may shake by so many eye
    distances, but for where parts join: among many jolts one more is hard to see. Of several ways he takes at each cut the best.
    """

    def __init__(
        self,
        recordings: Sequence[Recording],
        *,
        within: bool = False,
        meets: Sequence[Meeting] = ("head",),
        shaking: Sequence[float] = (0.0,),
    ) -> None:
        self._within = within
        self._meets = meets
        self._shaking = shaking
        self._recordings = [form for one in recordings for form in (one, one.mirrored())]

    def answer(self, asked: Sequence[Gesture]) -> list[Part] | None:
        """The parts of a challenge, each made when its gesture is shown; None once there is nothing to show."""
        made: list[Frames] = []
        at: tuple[Recording, int] | None = None
        for gesture in asked:
            found = self._next(gesture, at, made)
            if found is None:
                return None
            frames, at = found
            made.append(frames)
        return [_part(*each) for each in zip(asked, made, _starts(made), strict=True)]

    def _next(
        self, gesture: Gesture, at: tuple[Recording, int] | None, made: Sequence[Frames]
    ) -> tuple[Frames, tuple[Recording, int]] | None:
        """The recording goes on where it is if that fits, else is cut."""
        following = () if at is None else at[0].frames[at[1] + 1 : at[1] + 2]
        if at is not None and following and at[0].gestures[at[1] + 1] is gesture:
            onwards = [_after(made, following[0], meeting) for meeting in self._meets]
            return min(onwards, key=lambda frames: seen(made, frames)), (at[0], at[1] + 1)
        choices = [
            (frames, (recording, number))
            for recording in self._recordings
            for number, (shown, whole) in enumerate(zip(recording.gestures, recording.frames, strict=True))
            if shown is gesture
            for frames in (
                [whole]
                if at is None
                else [
                    _shaken(cut, by)
                    for meeting in self._meets
                    for cut in self._cuts(made, following[0] if following else None, whole, meeting)
                    for by in self._shaking
                ]
            )
        ]
        worth = [seen(made, frames) for frames, _ in choices]
        # What the judge is sure to see need not be sent.
        return choices[worth.index(min(worth))] if worth and min(worth) <= _HOPELESS else None

    def _cuts(
        self, made: Sequence[Frames], following: Frames | None, whole: Frames, meeting: Meeting
    ) -> list[Frames]:
        """From the last frame sent, or from some of the rest that follows it, to a frame before the gesture or in its beginning.

        Where the recording is over its last rest is played backwards. Of all places the twelve that fit best at a glance.
        """
        last = made[-1]
        rest = tuple(_after(made, following, meeting)[:6] if following else last[-2:-7:-1])
        places = [(0, start) for start in range(4)]
        if self._within:
            places += [(kept, start) for kept in range(6) for start in range(9)]
        fits = sorted(
            places, key=lambda place: _apart((*last, *rest[: place[0]])[-3:], whole[place[1] :][:3])
        )
        return [
            (*rest[:kept], *_after([(*last, *rest[:kept])], whole[start:], meeting))
            for kept, start in fits[:12]
        ]


class Tape:
    """He cuts nothing, and plays a recording to and fro: backwards, or turned round in time at the height of a gesture.

    He knows beforehand what will be asked, which is more than anybody does.
    """

    def __init__(self, recording: Recording, chance: random.Random) -> None:
        self._forms = (recording, recording.mirrored())
        self._chance = chance

    def answer(self, asked: Sequence[Gesture], *, turning: bool) -> list[Part] | None:
        """The parts of a challenge, None where the recording has no way through it; `turning` round within gestures or not."""
        for form in self._forms:
            for start, way in itertools.product(range(len(form.gestures) + 1), (1, -1)):
                frames = self._walk(form, start, way, asked, turning)
                if frames is not None:
                    return [_part(*each) for each in zip(asked, frames, _starts(frames), strict=True)]
        return None

    def _walk(
        self, form: Recording, at: int, way: int, asked: Sequence[Gesture], turning: bool
    ) -> list[Frames] | None:
        """From a rest, onwards or backwards in time."""
        if not asked:
            return []
        number = at if way > 0 else at - 1
        if not 0 <= number < len(form.gestures) or form.gestures[number] is not asked[0]:
            return None
        whole = form.frames[number] if way > 0 else _anew(form.frames[number][::-1], self._chance)
        ways = [(whole, at + way, way)]
        if turning:
            half = whole[: len(whole) // 2]
            ways.append(((*half, *_anew(half[::-1], self._chance)), at, -way))
        for frames, there, onwards in ways:
            following = self._walk(form, there, onwards, asked[1:], turning)
            if following is not None:
                return [frames, *following]
        return None


def seen(made: Sequence[Frames], frames: Frames) -> float:
    """The largest jump that the judge would see, of the head or of the room, 1 being what it lets pass."""
    if not made:
        return 0.0
    shots = (*made[-1][-SIDE - 4 :], *frames[:18])
    end = len(shots) - len(frames[:18]) - 1
    poses, last = _in_room(shots, end), made[-1][-1].pose
    # Measured against the person's rest, which the end of the last part stands for here.
    own = tuple(
        replace(each, yaw=each.yaw - last.yaw, pitch=each.pitch - last.pitch, roll=0.0, size=1.0)
        for each in poses
    )
    take = replace(take_of(range(0, 100 * len(poses), 100), poses, frozenset({end})), poses=own)
    head = max(jump / (LARGEST_JOIN if at == end else 1) for at, jump in jumps_of(take))
    if head > _HOPELESS or any(alone_in(take)):
        # Whatever the room shows, nobody takes this place.
        return max(head, 2 * _HOPELESS)
    scenes = _scenes(shots[end : end + 16])
    within = [change(*pair, BACKGROUND) for pair in itertools.pairwise(scenes[1:])]
    return max(
        head,
        change(scenes[0], scenes[1]) / LARGEST_CHANGE,
        max(within) / LARGEST_CHANGE_WITHIN,
        max(leaps_of(within)) / LARGEST_LEAP,
    )


def _in_room(shots: Frames, end: int) -> list[Pose]:
    """Heads as they lie in the room; from one part to the next nobody measures how that moved."""
    before, poses = STILL, []
    for some in (shots[: end + 1], shots[end + 1 :]):
        lies = [before.then(shift(some[0].moved, shot.moved)) for shot in some]
        poses += [_undone(one, shot.pose) for one, shot in zip(lies, some, strict=True)]
        before = lies[-1]
    return poses


def _undone(one: Shift, pose: Pose) -> Pose:
    place = (100 * complex(pose.x, pose.y) - one.by) / one.turn / 100
    roll = pose.roll - float(np.degrees(np.angle(one.turn)))
    return replace(pose, x=place.real, y=place.imag, roll=roll, size=pose.size / abs(one.turn))


def _after(made: Sequence[Frames], frames: Frames, meeting: Meeting) -> Frames:
    """Shifted, turned and enlarged so that it begins where the last part ended, or as it was taken."""
    if not made or meeting == "room":
        return frames
    return tuple(_placed(shot, frames[0].pose, made[-1][-1].pose) for shot in frames)


def _anew(frames: Frames, chance: random.Random) -> Frames:
    """Other pictures of the same moments: a camera takes three while one is sent."""
    return tuple(Shot(noisy(shot.pose, chance), shot.moved) for shot in frames)


def _shaken(frames: Frames, by: float) -> Frames:
    """To one side and the other in turns, with everything in the picture; where parts join it stands still."""
    still = frozenset({0, *range(len(frames) - 4, len(frames))})
    return tuple(
        shot if number in still else _shifted(shot, by * (-1) ** number) for number, shot in enumerate(frames)
    )


def _shifted(shot: Shot, by: float) -> Shot:
    return Shot(replace(shot.pose, x=shot.pose.x + by), replace(shot.moved, x=shot.moved.x + by))


def _apart(one: Frames, other: Frames) -> float:
    """What no shift, turn or zoom of the picture mends, and what a turn or a nod under way does not hide."""
    first, second = (
        np.median([(each.pose.yaw, each.pose.pitch) for each in some], axis=0) for some in (one, other)
    )
    return float(((first - second) ** 2).sum())


def _starts(made: Sequence[Frames]) -> list[int]:
    return [100 * sum(map(len, made[:number])) for number in range(len(made))]


def _placed(shot: Shot, first: Pose, last: Pose) -> Shot:
    pose, moved = shot.pose, shot.moved
    x, y, roll, size = last.x - first.x, last.y - first.y, last.roll - first.roll, last.size / first.size
    return Shot(
        replace(pose, x=pose.x + x, y=pose.y + y, roll=pose.roll + roll, size=pose.size * size),
        replace(moved, x=moved.x + x, y=moved.y + y, roll=moved.roll + roll, size=moved.size * size),
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
