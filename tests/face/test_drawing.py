"""Which gestures are drawn, and what a recording of some is worth against others: by enumeration, exactly."""

import collections
import itertools
import random

import pytest

from authsvc.biometric.words import GESTURES
from authsvc.face.capture import Gesture
from authsvc.face.drawing import (
    DRAWN,
    TURNS,
    chance,
    drawn,
    gesture_sequences,
    mirrored,
    playable,
    swapped,
)

LEFT, RIGHT, UP, SMILE = Gesture.LEFT, Gesture.RIGHT, Gesture.UP, Gesture.SMILE


@pytest.mark.parametrize(("count", "sequences"), [(2, 26), (3, 242), (4, 1994), (5, 15458)])
def test_sequences_hold_a_turn_and_nothing_twice_in_a_row(count: int, sequences: int) -> None:
    possible = gesture_sequences(count)
    assert len(set(possible)) == len(possible) == sequences
    assert all(TURNS.intersection(sequence) for sequence in possible)
    assert not any(one is other for sequence in possible for one, other in itertools.pairwise(sequence))
    assert Gesture.CLOSER not in {gesture for sequence in possible for gesture in sequence}


def test_the_same_seed_draws_the_same_and_seeds_draw_alike_often() -> None:
    counted = collections.Counter(drawn(number.to_bytes(4, "big"), 2) for number in range(2600))
    assert set(counted) == set(gesture_sequences(2))
    assert max(counted.values()) < 160
    assert drawn(b"seed") == drawn(b"seed")
    assert len({drawn(bytes([n])) for n in range(100)}) > 80


@pytest.mark.parametrize("count", [2, 3, 4, 5])
def test_no_attempt_of_a_challenge_asks_what_a_recording_of_an_earlier_one_shows(count: int) -> None:
    """Not even mirrored or backwards; and who began so often that nothing else is left gets some gestures all the same."""
    for challenge in range(20):
        seeds = [bytes([challenge, attempt]) for attempt in range(5)]
        asked = [drawn(seed, count, seeds[:attempt]) for attempt, seed in enumerate(seeds)]
        for attempt, one in enumerate(asked):
            assert one not in playable(asked[:attempt], count, cuts=0, backwards=True)
            assert drawn(seeds[attempt], count, seeds[:attempt]) == one
    many = [number.to_bytes(4, "big") for number in range(60)]
    assert drawn(b"one more", count, many) in gesture_sequences(count)


def test_a_swap_changes_one_gesture_adds_another_and_keeps_the_rules() -> None:
    for number in range(500):
        seed = number.to_bytes(4, "big")
        asked = drawn(seed)
        for at in range(len(asked)):
            made = swapped(asked, at, seed)
            assert len(made) == len(asked) + 1
            assert made[:at] + made[at + 1 : -1] == asked[:at] + asked[at + 1 :]
            assert made[at] is not asked[at]
            assert made[-1] is not asked[at]
            assert made in gesture_sequences(5)
            assert swapped(asked, at, seed) == made


def test_one_captured_challenge_of_four_gestures_passes_at_most_one_in_500() -> None:
    for captured in random.Random(3).sample(gesture_sequences(4), 60):
        assert playable([captured], 4, cuts=0) == {captured, mirrored(captured)}
        assert chance([captured]) <= 1 / 500
        # A swap asks for one gesture more than was captured.
        assert chance([captured], 5) == 0


@pytest.mark.parametrize("count", GESTURES)
def test_what_the_policy_says_of_each_number_is_what_a_recording_is_worth(count: int) -> None:
    """Played backwards as well a recording shows two more; one that reads the same both ways shows none."""
    some = random.Random(4).sample(gesture_sequences(count), min(60, len(gesture_sequences(count))))
    forwards, both_ways = GESTURES[count]
    assert max(chance([one], count) for one in some) == pytest.approx(1 / forwards, rel=0.01)
    worst = max(chance([one], count, backwards=True) for one in some)
    assert 1 / (both_ways + 1) < worst <= 1 / both_ways


@pytest.mark.parametrize(("captured", "worth"), [(1, 2 / 1994), (3, 6 / 1994), (8, 16 / 1994)])
def test_more_captured_challenges_are_worth_as_much_more(captured: int, worth: float) -> None:
    taken = [(LEFT, UP, SMILE, other) for other in DRAWN if other is not SMILE]
    taken += [(LEFT, SMILE, UP, other) for other in DRAWN if other is not UP]
    assert chance(taken[:captured]) == pytest.approx(worth)


def test_whoever_can_cut_unnoticed_needs_no_luck_with_clips_of_every_gesture() -> None:
    clips = [(gesture,) for gesture in DRAWN]
    assert chance(clips, cuts=0) == 0
    assert chance(clips, cuts=3) == 1
    assert chance([(LEFT, UP, SMILE, RIGHT)], cuts=1) > 1 / 70


def test_a_longer_recording_holds_more_runs() -> None:
    long = (LEFT, UP, RIGHT, SMILE, LEFT)
    assert playable([long], 4, cuts=0) == {long[:4], long[1:], mirrored(long[:4]), mirrored(long[1:])}
