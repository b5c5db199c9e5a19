"""A payment weighs half a half-life later, and nine tenths of the weight say what is usual."""

from datetime import timedelta

import pytest

from authsvc.habit.fading import EPOCH, HALF_LIFE, half_lives, usual, weight


def test_a_weight_doubles_with_each_half_life_after_the_landmark() -> None:
    at = EPOCH + 10 * HALF_LIFE
    assert half_lives(at) == 10
    assert [weight(at + each * HALF_LIFE, 10) for each in (-1, 0, 1)] == [0.5, 1, 2]
    assert weight(at + timedelta(days=30), 10) == pytest.approx(2**0.5)


@pytest.mark.parametrize(
    ("counts", "place"),
    [((10.0,), 0), ((9.0, 1.0), 0), ((8.9, 1.1), 1), ((0.0, 5.0, 0.0), 1), ((1.0, 1.0, 1.0), 2)],
)
def test_usual_is_the_first_place_that_nine_tenths_do_not_pass(counts: tuple[float, ...], place: int) -> None:
    assert usual(counts) == place
