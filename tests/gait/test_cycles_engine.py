"""A cycle is found whatever the phone's position and rate, and where nobody walks evenly there is none."""

import numpy as np
import pytest

from authsvc.errors import InvalidRequest
from authsvc.gait.cycles_engine import gait_of, score
from authsvc.gait.words import POINTS, Gait
from tests.gait.walkers import Walker


def gait(number: int, seed: int, rate: float = 50.0) -> Gait:
    found = gait_of(Walker.of(number).walks(12, seed, rate).tolist(), rate)
    assert found is not None
    return found


@pytest.mark.parametrize("rate", [20.0, 50.0, 100.0])
@pytest.mark.parametrize("number", range(4))
def test_the_length_of_a_cycle_is_found(number: int, rate: float) -> None:
    found = gait(number, 1, rate)
    assert found.seconds == pytest.approx(Walker.of(number).seconds, rel=0.08)
    assert len(found.cycle) == POINTS
    assert abs(sum(found.cycle)) < 1e-9


def test_somebody_is_more_like_themselves_than_like_any_other() -> None:
    for number in range(6):
        own = score(gait(number, 1), gait(number, 2))
        others = [score(gait(number, 1), gait(other, 2)) for other in range(6) if other != number]
        assert own > max(others)


def test_a_score_does_not_depend_on_which_is_the_template_or_where_it_begins() -> None:
    one, other = gait(0, 1), gait(1, 2)
    assert score(one, other) == pytest.approx(score(other, one))
    turned = Gait((*one.cycle[37:], *one.cycle[:37]), one.seconds)
    assert score(one, turned) == pytest.approx(1.0)


def test_where_nobody_walks_evenly_there_is_no_gait() -> None:
    chance = np.random.default_rng(3)
    assert gait_of([[0.0, 0.0, 1.0]] * 600, 50.0) is None
    assert gait_of(chance.standard_normal((600, 3)).tolist(), 50.0) is None
    assert gait_of(Walker.of(0).walks(3, 1).tolist(), 50.0) is None
    assert gait_of([], 50.0) is None


@pytest.mark.parametrize(
    ("samples", "rate"),
    [
        (np.zeros(600), 50.0),
        (np.zeros((600, 2)), 50.0),
        (np.full((600, 3), np.nan), 50.0),
        (np.zeros((600, 3)), 0.0),
        (np.zeros((600, 3)), float("nan")),
    ],
)
def test_what_is_no_recording_is_refused(samples: np.ndarray, rate: float) -> None:
    with pytest.raises(InvalidRequest):
        gait_of(samples.tolist(), rate)
