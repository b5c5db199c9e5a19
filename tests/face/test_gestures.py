"""Reading gestures from head poses: exactly what was shown, in order, with the noise of a real detector."""

import collections
import itertools
import random

import pytest

from authsvc.face.capture import Gesture, choose_gestures, gesture_sequences
from authsvc.face.gestures import Pose, read_gestures

LEFT, RIGHT, UP, CLOSER = Gesture.LEFT, Gesture.RIGHT, Gesture.UP, Gesture.CLOSER
REST = Pose(0.03, 0.87, 100)
HELD = {
    LEFT: Pose(0.5, 1.2, 75),
    RIGHT: Pose(-0.45, 1.2, 78),
    UP: Pose(0.03, 0.66, 97),
    CLOSER: Pose(0.04, 0.86, 145),
}


def poses(*gestures: Gesture, chance: random.Random | None = None) -> list[Pose | None]:
    """A person who rests, makes each gesture through a half-way pose, and rests again; with noise if `chance` is given."""
    sequence = [REST] * 4
    for gesture in gestures:
        half = _between(REST, HELD[gesture])
        sequence += [half, *[HELD[gesture]] * 4, half, *[REST] * 3]
    return [_noisy(pose, chance) if chance else pose for pose in sequence]


def _between(one: Pose, other: Pose) -> Pose:
    return Pose((one.turn + other.turn) / 2, (one.drop + other.drop) / 2, (one.size + other.size) / 2)


def _noisy(pose: Pose, chance: random.Random) -> Pose:
    return Pose(
        pose.turn + chance.gauss(0, 0.02),
        pose.drop * chance.gauss(1, 0.02),
        pose.size * chance.gauss(1, 0.02),
    )


def read(sequence: list[Pose | None]) -> tuple[Gesture, ...] | None:
    shown = read_gestures(sequence)
    return None if shown is None else tuple(one.gesture for one in shown)


@pytest.mark.parametrize("asked", gesture_sequences(), ids="-".join)
def test_every_sequence_is_read_as_it_was_made(asked: tuple[Gesture, ...]) -> None:
    assert read(poses(*asked)) == asked


def test_noise_is_not_a_gesture() -> None:
    chance = random.Random(4)
    assert all(
        read(poses(*asked, chance=chance)) == asked for asked in gesture_sequences() for _ in range(10)
    )
    assert all(read(poses(chance=chance)) == () for _ in range(50))


def test_one_frame_is_a_slip_and_not_a_gesture() -> None:
    sequence = poses(LEFT)
    sequence.append(HELD[RIGHT])
    assert read(sequence) == (LEFT,)


def test_frames_without_a_face_are_passed_over() -> None:
    sequence = poses(LEFT, UP, RIGHT)
    sequence[6] = sequence[15] = None
    assert read(sequence) == (LEFT, UP, RIGHT)


def test_a_gesture_is_pointed_at_where_it_is_strongest() -> None:
    sequence = [REST] * 4 + [Pose(turn, 1.0, 90) for turn in (0.3, 0.4, 0.6, 0.4)] + [REST] * 2
    shown = read_gestures(sequence)
    assert shown is not None
    assert shown[0].frame == 6


@pytest.mark.parametrize(
    "sequence", [[], [REST], [HELD[LEFT]] * 8, [Pose(0.0, 0.0, 100)] * 5, [None] * 10], ids=range(5)
)
def test_a_sequence_that_does_not_begin_at_rest_cannot_be_read(sequence: list[Pose | None]) -> None:
    assert read(sequence) is None


def test_sequences_are_chosen_alike_often_and_always_hold_a_turn() -> None:
    possible = gesture_sequences()
    assert len(possible) == 34
    assert all(LEFT in sequence or RIGHT in sequence for sequence in possible)
    assert not any(one is other for sequence in possible for one, other in itertools.pairwise(sequence))
    counted = collections.Counter(choose_gestures() for _ in range(3400))
    assert set(counted) == set(possible)
    assert max(counted.values()) < 170


def test_a_recording_passes_no_more_often_than_it_guesses() -> None:
    """One recorded sequence against 500 challenges: a guesser gets 15, and more than 36 once in a million runs."""
    recorded = read(poses(LEFT, RIGHT, UP))
    assert sum(choose_gestures() == recorded for _ in range(500)) <= 36
