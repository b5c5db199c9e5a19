"""Reading gestures from poses: exactly what was shown, in order, with the noise of a real network."""

import random
from collections.abc import Sequence

import pytest

from authsvc.face.capture import Gesture
from authsvc.face.drawing import gesture_sequences
from authsvc.face.gestures import is_at_rest, read_gestures
from authsvc.face.mesh import Pose
from tests.face.heads import HELD, REST, between, noisy

LEFT, RIGHT, UP = Gesture.LEFT, Gesture.RIGHT, Gesture.UP


def poses(*gestures: Gesture, chance: random.Random | None = None) -> list[Pose | None]:
    """A person who rests, makes each gesture through a half-way pose, and rests again; with noise if `chance` is given."""
    sequence = [REST] * 4
    for gesture in gestures:
        half = between(REST, HELD[gesture], 0.4)
        sequence += [half, *[HELD[gesture]] * 4, half, *[REST] * 3]
    return [noisy(pose, chance) if chance else pose for pose in sequence]


def read(sequence: Sequence[Pose | None]) -> tuple[Gesture, ...]:
    return tuple(one.gesture for one in read_gestures(sequence))


@pytest.mark.parametrize("asked", gesture_sequences(3), ids="-".join)
def test_every_sequence_is_read_as_it_was_made(asked: tuple[Gesture, ...]) -> None:
    assert read(poses(*asked)) == asked


@pytest.mark.parametrize("gesture", list(Gesture))
def test_every_gesture_is_read_by_itself(gesture: Gesture) -> None:
    assert read(poses(gesture)) == (gesture,)


def test_noise_is_not_a_gesture() -> None:
    chance = random.Random(4)
    assert all(read(poses(*asked, chance=chance)) == asked for asked in gesture_sequences(3) * 3)
    assert all(read(poses(chance=chance)) == () for _ in range(200))


def test_one_frame_is_a_slip_and_not_a_gesture() -> None:
    assert read([*poses(LEFT), HELD[RIGHT]]) == (LEFT,)


def test_frames_without_a_face_are_passed_over() -> None:
    sequence = poses(LEFT, UP, RIGHT)
    sequence[6] = sequence[15] = None
    assert read(sequence) == (LEFT, UP, RIGHT)


def test_a_turned_head_is_neither_tilted_nor_lifted_nor_laughing() -> None:
    """As the living head turns: it rolls by 13 degrees and lifts by 13 while it looks to one side."""
    turned = Pose(yaw=38, pitch=13, roll=13, x=0.3, y=0.1, size=1.05, smile=0.03, open=-0.02)
    half = Pose(yaw=13, pitch=6, roll=13, x=0.1, y=0.1, size=1.05, smile=0.03, open=-0.02)
    assert read([REST] * 3 + [turned] * 4 + [half] * 5 + [REST] * 2) == (LEFT,)


def test_a_toothy_smile_is_no_open_mouth() -> None:
    grin = Pose(yaw=0, pitch=0, roll=0, x=0, y=0, size=1, smile=0.11, open=0.13)
    assert read([REST] * 3 + [grin] * 4 + [REST] * 2) == (Gesture.SMILE,)


def test_a_gesture_is_looked_at_where_it_is_clear_and_no_farther() -> None:
    sequence = [REST] * 4 + [between(REST, HELD[LEFT], share) for share in (0.4, 0.7, 0.85, 1.0, 0.5)]
    (shown,) = read_gestures(sequence)
    assert (shown.first, shown.last, shown.apex) == (5, 8, 6)


@pytest.mark.parametrize("gesture", list(Gesture))
def test_rest_is_where_no_gesture_is_under_way(gesture: Gesture) -> None:
    assert is_at_rest(between(REST, HELD[gesture], 0.2))
    assert not is_at_rest(HELD[gesture])
