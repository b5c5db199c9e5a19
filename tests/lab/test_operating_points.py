"""Thresholds that keep what they promise, and refusals where too few people could promise it."""

import numpy as np
import pytest

from authsvc.biometric.manifest import OperatingPoint, pairs_needed, rate_of
from authsvc.lab.iso19795 import errors_at
from authsvc.lab.operating_points import (
    DataSet,
    Refusal,
    cross_checked,
    operating_point,
    threshold_for,
)
from authsvc.lab.trials import Samples, Trials, all_trials
from tests.lab.synthetic import crowd

DATA = DataSet("crowd", "made-up people", "2026-11-22")


@pytest.fixture(scope="module")
def trials() -> Trials:
    """90 people with 10 probes each: 80 100 impostor pairs, enough for 1 in 1000 and not for 1 in 10000."""
    return all_trials(crowd(90, 12), 3, 1)


def bound(trials: Trials, threshold: float) -> float:
    found = errors_at(trials, threshold).fmr()
    assert found is not None
    return found.upper_bound


def test_the_threshold_is_the_least_whose_bound_meets_the_target(trials):
    threshold = threshold_for(trials, 1e-3)
    assert threshold is not None
    assert bound(trials, threshold) <= 1e-3 < bound(trials, threshold - 1e-5)


def test_a_point_says_what_it_was_measured_on(trials):
    point = operating_point(trials, "1 in 1000", DATA)
    assert isinstance(point, OperatingPoint)
    assert (point.samples, point.frames, point.people) == (3, 1, 90)
    assert (point.data_set, point.population, point.date) == ("crowd", "made-up people", "2026-11-22")
    assert point.impostor_pairs == trials.impostor_pairs == 900 * 89
    assert point.fmr_interval is not None
    assert 0 < point.fmr < rate_of("1 in 1000")
    assert point.fmr_interval[0] < point.fmr < point.fmr_interval[1]


def test_a_target_that_too_few_pairs_stand_behind_is_refused(trials):
    refusal = operating_point(trials, "1 in 10000", DATA)
    assert isinstance(refusal, Refusal)
    assert refusal.reason == "80100 impostor pairs, and 300000 are needed"


@pytest.mark.parametrize(
    ("target", "pairs"), [("1 in 1000", 30_000), ("1 in 10000", 300_000), ("1 in 100000", 3_000_000)]
)
def test_thirty_pairs_for_each_expected_false_match(target, pairs):
    assert pairs_needed(target) == pairs


def test_one_threshold_serves_the_worst_group_too(trials):
    first = np.arange(trials.people) < 45
    groups = {"sex f": first, "sex m": ~first}
    asked = [threshold_for(some, 1e-2) or 0 for some in (trials, trials.among(first), trials.among(~first))]
    point = operating_point(trials, "1 in 100", DATA, groups)
    assert isinstance(point, OperatingPoint)
    assert point.threshold == max(asked) > min(asked) > 0
    assert all(bound(trials.among(group), point.threshold) <= 1e-2 for group in groups.values())
    assert "in `sex" in point.note or "in every group" in point.note


def test_a_group_that_is_too_small_to_show_the_target_is_named(trials):
    few = np.arange(trials.people) < 20
    refusal = operating_point(trials, "1 in 1000", DATA, {"age old": few})
    assert isinstance(refusal, Refusal)
    assert refusal.reason == "3800 impostor pairs within `age old`, and 30000 are needed"


def test_without_a_genuine_pair_there_is_no_point():
    refusal = operating_point(all_trials(crowd(200, 3), 3, 3), "1 in 1000", DATA)
    assert isinstance(refusal, Refusal)
    assert "nobody has the 6 good samples" in refusal.reason


def test_the_same_person_under_two_names_is_refused_and_not_calibrated_away():
    twins = [np.eye(4, dtype=np.float32)[0]] * 4
    people = [Samples(twins, twins) for _ in range(120)]
    refusal = operating_point(all_trials(people, 3, 1), "1 in 1000", DATA)
    assert isinstance(refusal, Refusal)
    assert "twice" in refusal.reason


def test_a_threshold_is_tried_on_people_it_was_not_set_on(trials):
    first, second = cross_checked(trials, "1 in 1000")
    for check in (first, second):
        assert check.fmr is not None
        assert check.fnmr is not None
        # Half the people, and each probe meets the other 44 of them.
        assert check.fmr.trials == 450 * 44
        assert check.fmr.interval[0] <= 1e-3
    assert first.threshold != second.threshold
