"""Is a capture one uncut take? Looked for are cuts between and within its parts, frames sent twice, and another scene.

A cut shows where the head is elsewhere after it than before, and neither stillness nor an even movement explains the difference.
A head's place, lean and size are those in its room: an editor who shifts, turns and enlarges the picture until two heads meet,
or shakes it, moves the room with them and mends nothing.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from authsvc.face.gestures import is_at_rest
from authsvc.face.mesh import Mesh, Pose, pose, resting
from authsvc.face.part import Part
from authsvc.face.scene import change

Floats = NDArray[np.float64]

SIDE = 4
"""Frames on either side of a place that are compared: a single one trembles as far as a cut jumps."""

# How far a head at rest gets from one side to the other: yaw and pitch in degrees, smile and open in distances between the eyes,
# then x and y in those, roll in degrees and the logarithm of the size.
_FARTHEST = np.array([1.0, 1.1, 0.016, 0.012, 0.03, 0.035, 0.8, 0.015])
_FACE = slice(4)  # What no room is needed for.
_HEAD, _MOUTH = (0, 1, 4, 5, 6, 7), (2, 3)
LARGEST_JOIN = 1.15
"""In those units, of the face alone, at rest, from one part to the next as within one."""
LARGEST_JUMP_AT_REST, LARGEST_JUMP = 2.2, 3.3
"""Of all eight together (the root of the sum of squares); a moving head turns, leans and nods at once."""
_CALM = 1.0  # The largest step between neighbours of a value that is compared, in the same units.

_LARGEST_MOVE, _LARGEST_GROWTH, _LARGEST_ROLL = 0.35, 1.10, 5.0
_LEAST_CUT, _ALONE = 1.5, 3.0  # A step as large, and so many times its neighbours', is no movement.
# The unit of single steps, which tremble more.
_LARGEST_STEP_AT_REST = np.array([1.8, 1.7, 0.015, 0.015, 0.03, 0.025, 0.8, 0.015])
_SAME = 0.01  # Two frames that differ less are one, sent twice.
LARGEST_CHANGE = 3.0
"""Of what surrounds the face from one part to the next, two neighbouring pictures of the camera; in grey levels, see `scene`."""
LARGEST_CHANGE_WITHIN = 6.0
"""From frame to frame of one part, a tenth of a second apart, of what changes least: hair and shoulders move with the head."""
LARGEST_LEAP, _STILL_ROOM = 3.0, 0.7
"""How many times its neighbours' a change within a part may be, and the least that counts: what moves takes its time."""

Trace = Sequence[Mesh | None]


@dataclass(frozen=True, slots=True)
class Take:
    """The frames with a face of all parts in a row: instants in milliseconds, values `n x 8`, and where each part ends."""

    at: Floats
    values: Floats
    poses: tuple[Pose, ...]
    ends: frozenset[int]


def take_of(at: Sequence[float], poses: Sequence[Pose], ends: frozenset[int]) -> Take:
    return Take(np.array(at, dtype=float), values_of(poses), tuple(poses), ends)


def values_of(poses: Sequence[Pose]) -> Floats:
    """What is compared, `n x 8`, in the order of `_FARTHEST`."""
    return np.array(
        [
            (each.yaw, each.pitch, each.smile, each.open, each.x, each.y, each.roll, np.log(each.size))
            for each in poses
        ]
    ).reshape(-1, 8)


def continuity(parts: Sequence[Part], traces: Sequence[Trace], rest_frames: int) -> dict[str, float]:
    """What speaks of a cut; `is_whole` judges it. `traces` are heads in their room."""
    take = _take(parts, traces, rest_frames)
    jumps = dict(jumps_of(take))
    return {
        "cuts": sum(alone_in(take)) + sum(jump > 1 for at, jump in jumps.items() if at not in take.ends),
        "doubled": sum(step < _SAME for step in _steps(take)[:, _FACE].max(axis=1)),
        "widest_join": max(_joins(take, jumps), default=0.0),
        "scene_change": max(
            (change(one.scene[1], other.scene[0]) for one, other in itertools.pairwise(parts)), default=0.0
        ),
        "scene_jump": max((step for part in parts for step in part.scene_changes), default=0.0),
        "scene_leap": max((leap for part in parts for leap in leaps_of(part.scene_changes)), default=0.0),
        "repeated": sum(
            not set(_exact(one)).isdisjoint(_exact(other)) for one, other in itertools.combinations(parts, 2)
        ),
    }


def is_whole(evidence: dict[str, float]) -> bool:
    return (
        evidence["cuts"] == evidence["doubled"] == evidence["repeated"] == 0
        and evidence["widest_join"] <= LARGEST_JOIN
        and evidence["scene_change"] <= LARGEST_CHANGE
        and evidence["scene_jump"] <= LARGEST_CHANGE_WITHIN
        and evidence["scene_leap"] <= LARGEST_LEAP
    )


def _take(parts: Sequence[Part], traces: Sequence[Trace], rest_frames: int) -> Take:
    rest = resting([mesh for mesh in traces[0] if mesh is not None][:rest_frames])
    seen = [
        (number, instant, found)
        for number, (part, trace) in enumerate(zip(parts, traces, strict=True))
        for instant, mesh in zip(part.taken_at_ms, trace, strict=True)
        if mesh is not None and (found := pose(rest, mesh)) is not None
    ]
    numbers = [number for number, _, _ in seen]
    return take_of(
        [instant for _, instant, _ in seen],
        [found for _, _, found in seen],
        frozenset(at for at, (one, other) in enumerate(itertools.pairwise(numbers)) if one != other),
    )


# -- Jumps ---------------------------------------------------------------------------------------------------------------


def jumps_of(take: Take) -> Iterator[tuple[int, float]]:
    """For each join, and each place: how far the head jumps there, 1 being the limit (at a join: the unit)."""
    still = [is_at_rest(each) for each in take.poses]
    for at in range(SIDE - 1, len(take.values) - SIDE):
        around = slice(at + 1 - SIDE, at + 1 + SIDE)
        jump = _jump(take.at[around], take.values[around])
        if at in take.ends:
            yield at, float(jump[_FACE].max())
            continue
        jump = np.where(_largest_step(take.values[around]) <= _CALM, jump, 0.0)
        together = float(np.linalg.norm(jump))
        if all(still[around]):
            yield at, max(float(jump[_FACE].max()) / LARGEST_JOIN, together / LARGEST_JUMP_AT_REST)
        else:
            yield at, together / LARGEST_JUMP


def _jump(at: Floats, values: Floats) -> Floats:
    """The difference between two sides that neither stillness (medians) nor one even movement (lines) explains."""
    medians = np.median(values[SIDE:], axis=0) - np.median(values[:SIDE], axis=0)
    line = np.stack([np.ones(2 * SIDE), at - at.mean(), np.arange(2 * SIDE) >= SIDE], axis=1)
    return np.asarray(np.minimum(abs(medians), abs(np.linalg.lstsq(line, values)[0][2])) / _FARTHEST)


def _largest_step(values: Floats) -> Floats:
    """Of each value, without the step that is being judged."""
    steps = abs(np.diff(values, axis=0)) / _FARTHEST
    return np.asarray(np.delete(steps, SIDE - 1, axis=0).max(axis=0))


def _joins(take: Take, jumps: dict[int, float]) -> Iterator[float]:
    """From one part to the next; endless where it cannot be measured, or a camera cannot have moved so far in a moment."""
    for at in take.ends:
        one, other = take.poses[at], take.poses[at + 1]
        moved = float(np.hypot(other.x - one.x, other.y - one.y))
        growth = max(other.size / one.size, one.size / other.size)
        near = (
            moved <= _LARGEST_MOVE
            and growth <= _LARGEST_GROWTH
            and abs(other.roll - one.roll) <= _LARGEST_ROLL
        )
        yield jumps.get(at, 99.0) if near else 99.0


def alone_in(take: Take) -> list[bool]:
    """For each step but the first and the last: whether head or mouth leaps there and moves neither before nor after."""
    both = _head_and_mouth(take)
    return [
        any(one[at] > max(_LEAST_CUT, _ALONE * max(one[at - 1], one[at + 1])) for one in both)
        for at in range(1, len(take.values) - 2)
    ]


def _head_and_mouth(take: Take) -> tuple[Floats, Floats]:
    """A head that turns leans and nods as well; a mouth moves by itself."""
    steps = _steps(take)
    return steps[:, _HEAD].max(axis=1), steps[:, _MOUTH].max(axis=1)


def _steps(take: Take) -> Floats:
    return np.asarray(abs(np.diff(take.values, axis=0)) / _LARGEST_STEP_AT_REST)


def leaps_of(changes: Sequence[float]) -> list[float]:
    """Each change of the surroundings against the larger of its neighbours'."""
    around = np.pad(np.asarray(changes, dtype=float), 1)
    neighbours = np.maximum(np.maximum(around[:-2], around[2:]), _STILL_ROOM)
    return list(around[1:-1] / neighbours)


def _exact(part: Part) -> list[str]:
    return [one for one in part.fingerprints if one.startswith(("b:", "p:"))]
