"""Scores that move are told; scores that only scatter are not."""

import json
import random

import pytest

from authsvc.biometric.drift import (
    STEPS,
    DriftVerdict,
    ScoreHistogram,
    drift,
    expected_beside,
    population_stability,
    read_expected,
    report,
    step_of,
)
from authsvc.errors import InvalidRequest

CHANCE = random.Random(11)


def scores(count: int, mean: float = 0.95, deviation: float = 0.02) -> ScoreHistogram:
    return ScoreHistogram.of(max(-1.0, min(1.0, CHANCE.gauss(mean, deviation))) for _ in range(count))


def test_the_same_scores_have_not_moved():
    counted = scores(5000)
    assert population_stability(counted, counted) == 0


@pytest.mark.parametrize("count", [500, 5000])
def test_other_scores_of_the_same_kind_are_stable(count):
    assert drift(scores(5000), scores(count)).verdict is DriftVerdict.STABLE


def test_scores_that_fall_by_a_deviation_raise_the_alarm():
    found = drift(scores(5000), scores(2000, mean=0.93))
    assert found.verdict is DriftVerdict.ALARM
    assert found.scores == 2000


def test_a_small_move_is_watched():
    assert drift(scores(20_000), scores(20_000, mean=0.9425)).verdict is DriftVerdict.WATCH


def test_few_scores_say_nothing():
    assert drift(scores(5000), scores(499, mean=0.5)).verdict is DriftVerdict.TOO_FEW
    assert drift(scores(499), scores(5000)).index is None


def test_two_classes_have_the_index_one_can_compute_by_hand():
    half = ScoreHistogram.of([-0.5] * 1000 + [0.5] * 1000)
    moved = ScoreHistogram.of([-0.5] * 500 + [0.5] * 1500)
    # (0.25 - 0.5) ln(0.25 / 0.5) + (0.75 - 0.5) ln(0.75 / 0.5)
    assert population_stability(half, moved) == pytest.approx(0.27465, abs=1e-3)


def test_scores_where_none_were_expected_are_an_alarm_and_not_an_infinity():
    found = drift(ScoreHistogram.of([0.9] * 1000 + [0.95] * 1000), ScoreHistogram.of([-0.5] * 1000))
    assert found.verdict is DriftVerdict.ALARM
    assert found.index is not None
    assert found.index < 100


@pytest.mark.parametrize(("score", "step"), [(-1, 0), (0, STEPS // 2), (1, STEPS - 1), (0.999, STEPS - 1)])
def test_every_score_has_its_step(score, step):
    assert step_of(score) == step


@pytest.mark.parametrize("score", [1.0001, -2, float("nan")])
def test_what_is_no_score_is_refused(score):
    with pytest.raises(ValueError, match="score"):
        step_of(score)


def test_a_histogram_is_read_as_it_was_written():
    counted = scores(1000)
    assert ScoreHistogram.from_json(counted.to_json()) == counted
    assert counted.plus(counted).total == 2000


@pytest.mark.parametrize("fields", [{"1000": 1}, {"x": 1}, {"3": -1}, {"3": True}, {"3": 1.5}])
def test_a_histogram_that_is_none_is_refused(fields):
    with pytest.raises(InvalidRequest):
        ScoreHistogram.from_json(fields)


def test_each_model_that_is_calibrated_or_seen_is_reported():
    found = report(
        {"sha256:a": scores(1000), "sha256:b": scores(1000)},
        {"sha256:a": scores(1000, mean=0.8), "sha256:c": scores(1000)},
    )
    assert {model: drift.verdict for model, drift in found.items()} == {
        "sha256:a": DriftVerdict.ALARM,
        "sha256:b": DriftVerdict.TOO_FEW,
        "sha256:c": DriftVerdict.UNCALIBRATED,
    }
    assert found["sha256:c"].scores == 1000


def test_the_scores_of_calibrations_lie_beside_the_manifests(tmp_path):
    calibrated = {f"sha256:{name}": scores(1000) for name in "ab"}
    for model, counted in calibrated.items():
        fields = {"model": model, "genuine": counted.to_json()}
        (tmp_path / f"{model[-1]}.scores.json").write_text(json.dumps(fields))
    (tmp_path / "a.det.json").write_text("{}")
    assert expected_beside(tmp_path) == calibrated


def test_a_file_without_scores_is_refused(tmp_path):
    file = tmp_path / "scores.json"
    file.write_text("{}")
    with pytest.raises(InvalidRequest, match=r"scores\.json"):
        read_expected(file)
