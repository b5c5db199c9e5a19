"""A head made of points, its poses, and parts of captures that it makes: nothing is drawn, everything is measured."""

from __future__ import annotations

import base64
import itertools
import random
from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from operator import attrgetter

import numpy as np

from authsvc.face.capture import Gesture
from authsvc.face.mesh import STILL, Mesh, Pose, Shift, trace, written
from authsvc.face.observing import packed
from authsvc.face.part import Part
from authsvc.face.scene import BACKGROUND, CELLS, change

REST = Pose(yaw=0.0, pitch=0.0, roll=0.0, x=3.0, y=3.0, size=1.0, smile=0.0, open=0.0)
HELD: Mapping[Gesture, Pose] = {
    Gesture.LEFT: replace(REST, yaw=36.0),
    Gesture.RIGHT: replace(REST, yaw=-36.0),
    Gesture.TILT_LEFT: replace(REST, roll=22.0),
    Gesture.TILT_RIGHT: replace(REST, roll=-22.0),
    Gesture.UP: replace(REST, pitch=17.0),
    Gesture.DOWN: replace(REST, pitch=-17.0),
    Gesture.SMILE: replace(REST, smile=0.13),
    Gesture.OPEN_MOUTH: replace(REST, open=0.25),
    Gesture.CLOSER: replace(REST, size=1.4),
}
NOISE = Pose(yaw=0.25, pitch=0.3, roll=0.2, x=0.008, y=0.006, size=0.004, smile=0.003, open=0.003)
"""From frame to frame, as the living head has it."""

DIMENSION = 4

_NAMES = tuple(field.name for field in fields(Pose))
values = attrgetter(*_NAMES)


def between(one: Pose, other: Pose, share: float) -> Pose:
    return Pose(*(a + (b - a) * share for a, b in zip(values(one), values(other), strict=True)))


def noisy(pose: Pose, chance: random.Random) -> Pose:
    return Pose(
        *(value + chance.gauss(0, spread) for value, spread in zip(values(pose), values(NOISE), strict=True))
    )


def _skull() -> np.ndarray:
    """468 points on half an ellipsoid, with eyes, mouth, nose and chin where the mesh has them; eyes 100 pixels apart."""
    chance = np.random.default_rng(5)
    across, down = chance.uniform(-1, 1, (2, 468))
    depth = -np.sqrt(np.maximum(1.6 - across**2 - down**2, 0))
    points = np.stack([70 * across, 90 * down, 60 * depth], axis=1)
    for number, place in {
        33: (-50, -20, -30), 263: (50, -20, -30), 61: (-28, 45, -45), 291: (28, 45, -45),
        13: (0, 42, -55), 14: (0, 46, -55), 2: (0, 25, -80), 10: (0, -80, -40), 152: (0, 90, -40),
    }.items():  # fmt: skip
        points[number] = place
    return points


SKULL = _skull()


def head(pose: Pose) -> Mesh:
    """The mesh of a head in this pose."""
    points = SKULL.copy()
    points[61, 0] -= 50 * pose.smile
    points[291, 0] += 50 * pose.smile
    points[14, 1] += 100 * pose.open
    a, b, c = np.radians((pose.yaw, pose.pitch, pose.roll))
    yaw = np.array([[np.cos(a), 0, -np.sin(a)], [0, 1, 0], [np.sin(a), 0, np.cos(a)]])
    pitch = np.array([[1, 0, 0], [0, np.cos(b), np.sin(b)], [0, -np.sin(b), np.cos(b)]])
    roll = np.array([[np.cos(c), -np.sin(c), 0], [np.sin(c), np.cos(c), 0], [0, 0, 1]])
    place = np.array([100 * pose.x, 100 * pose.y, 0])
    return Mesh(pose.size * points @ (roll @ pitch @ yaw).T + place, 1.0)


def part(
    gesture: Gesture,
    poses: Sequence[Pose],
    start_ms: int = 0,
    *,
    every_ms: int = 100,
    flatness: float | None = 0.6,
    person: int = 0,
    scene: int = 120,
    scenes: Sequence[str] = (),
    room: Sequence[Shift] = (),
) -> Part:
    """What a worker would keep of a head in these poses; the prompt comes after four frames."""
    vector = np.eye(DIMENSION, dtype=np.float32)[person]
    plain = base64.b64encode(bytes([scene, 255 - scene, scene // 2, 9]) * (CELLS**2 // 4)).decode()
    seen = scenes or (plain, plain)
    return Part(
        model="drawn",
        gesture=gesture,
        taken_at_ms=tuple(start_ms + every_ms * number for number in range(len(poses))),
        prompted_at_ms=start_ms + 3 * every_ms,
        trace=packed(np.array([trace(head(each)) for each in poses])),
        room=packed(written(room or [STILL] * len(poses))),
        scene=(seen[0], seen[-1]),
        scene_changes=tuple(change(*pair, BACKGROUND) for pair in itertools.pairwise(seen)),
        rest=packed(vector),
        apex=packed(vector),
        flatness=flatness if gesture in (Gesture.LEFT, Gesture.RIGHT) else None,
        fingerprints=(f"b:{start_ms}",),
        quality={},
        replayed=False,
        passive=None,
    )


def gesturing(gesture: Gesture, rest: Pose, chance: random.Random, still: int = 6) -> list[Pose]:
    """A head that rests, makes a gesture in two seconds and rests again, frame by frame at ten a second."""
    goal = Pose(
        *(a + b - c for a, b, c in zip(values(rest), values(HELD[gesture]), values(REST), strict=True))
    )
    shares = [0.0] * still + [0.15, 0.45, 0.75, 0.95, 1.0, 1.0, 0.9, 0.6, 0.3, 0.1] + [0.0] * still
    return [noisy(between(rest, goal, share), chance) for share in shares]
