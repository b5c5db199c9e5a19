"""Error rates against scores whose answers are known."""

from statistics import NormalDist

import numpy as np
import pytest

from authsvc.lab.intervals import PairErrors, upper_bound
from authsvc.lab.iso19795 import Errors, curve, equal_error_rate, errors_at, fmr_ratio, fnmr_ratio
from authsvc.lab.trials import Fused, Trials, all_trials
from tests.lab.synthetic import crowd

FIRST, SECOND = np.array([1.0, 0.0], dtype=np.float32), np.array([0.6, 0.8], dtype=np.float32)


def test_a_score_at_the_threshold_matches():
    # Genuine pairs score 1, impostors 0.6.
    vectors = np.array([FIRST, SECOND])
    sides = Fused(vectors, np.array([0, 1]), np.ones(2))
    trials = Trials(1, 1, 2, sides, sides, np.array([1.0, 0.75]), np.array([0, 1]))
    at, above = errors_at(trials, 0.75), errors_at(trials, 0.76)
    assert (at.false_matches.errors.sum(), at.false_non_matches.tolist()) == (0, [0, 0])
    assert above.false_non_matches.tolist() == [0, 1]
    assert errors_at(trials, 0.5).false_matches.errors.sum() == 2


def test_the_curve_says_at_every_threshold_what_counting_says():
    trials = all_trials(crowd(60, 6, scatter=2.0), 3, 1)
    found = curve(trials)
    assert found is not None
    for step in range(80_000, 180_000, 7_919):
        errors = errors_at(trials, found.threshold(step))
        fmr, fnmr = errors.fmr(), errors.fnmr()
        assert fmr is not None
        assert fnmr is not None
        assert (found.fmr[step], found.fnmr[step]) == pytest.approx((fmr.rate, fnmr.rate))


def test_the_equal_error_rate_of_two_normal_distributions_is_the_known_one():
    """Scores 0.2 apart with a deviation of 0.1 cross at one deviation: 15.87 %."""
    quantiles = np.array([NormalDist().inv_cdf((step + 0.5) / 400) for step in range(400)])
    # A probe along the first axis scores a template by that template's first number.
    firsts = 0.3 + 0.1 * quantiles
    templates = np.stack([firsts, np.sqrt(1 - firsts**2)], axis=1).astype(np.float32)
    probes = np.tile(FIRST, (400, 1))
    numbers = np.arange(400)
    genuine = 0.5 + 0.1 * quantiles
    trials = Trials(
        1, 1, 400,
        Fused(templates, numbers, np.ones(400)),
        Fused(probes, numbers, np.ones(400)),
        genuine, numbers,
    )  # fmt: skip
    found = curve(trials)
    assert found is not None
    rate = equal_error_rate(trials, found)
    assert rate.rate == pytest.approx(NormalDist().cdf(-1), abs=0.002)
    assert rate.threshold == pytest.approx(0.4, abs=0.01)
    assert rate.interval[0] < NormalDist().cdf(-1) < rate.interval[1]


def test_without_comparisons_of_both_kinds_there_is_no_curve():
    assert curve(all_trials(crowd(1, 6), 3, 3)) is None
    assert curve(all_trials(crowd(5, 3), 3, 3)) is None


def grouped(people: int, errors_of_group: int, errors_of_others: int) -> tuple[Errors, np.ndarray]:
    """Half of the people are the group; so many of each person's hundred genuine comparisons fail."""
    group = np.arange(people) % 2 == 0
    failed = np.where(group, errors_of_group, errors_of_others)
    nobody = np.zeros(0, dtype=np.int64)
    ones = np.ones(people, dtype=np.int64)
    return Errors(0.5, PairErrors(nobody, nobody, nobody, ones, ones), failed, 100 * ones), group


def test_a_group_that_fares_like_all_is_shown_to():
    errors, group = grouped(200, 5, 5)
    found = fnmr_ratio(errors, group)
    assert found.verdict == "within"
    assert found.ratio == pytest.approx(1)


def test_a_group_that_fares_clearly_worse_is_beyond():
    errors, group = grouped(200, 9, 3)
    found = fnmr_ratio(errors, group)
    assert found.verdict == "beyond"
    assert found.ratio == pytest.approx(1.5)


def test_what_too_few_people_cannot_show_is_not_shown():
    errors, group = grouped(4, 6, 4)
    assert fnmr_ratio(errors, group).verdict == "not shown"


def test_a_group_without_any_error_is_within_only_if_its_bound_says_so():
    few, group_of_few = grouped(20, 0, 2)
    many, group_of_many = grouped(2000, 0, 2)
    assert fnmr_ratio(few, group_of_few).verdict == "within"
    assert fnmr_ratio(few, group_of_few).interval == pytest.approx((0, upper_bound(0, 1000) / 0.01))
    assert fnmr_ratio(many, group_of_many).verdict == "within"
    one = np.arange(20) == 0
    assert fnmr_ratio(few, one).verdict == "not shown"


def test_where_nobody_errs_no_ratio_can_be_shown():
    errors, group = grouped(200, 0, 0)
    assert fnmr_ratio(errors, group).ratio is None
    assert fnmr_ratio(errors, group).verdict == "not shown"
    assert fmr_ratio(errors, group).verdict == "not shown"


def test_a_groups_false_matches_are_those_within_it():
    people = 60
    ones = np.ones(people, dtype=np.int64)
    # The group's people match each other, each with the next one of the group; nobody else errs.
    group = np.arange(people) < 30
    probe_of = np.arange(30)
    pairs = PairErrors(probe_of, (probe_of + 1) % 30, np.ones(30, dtype=np.int64), ones, ones)
    found = fmr_ratio(Errors(0.5, pairs, 0 * ones, ones), group)
    assert found.ratio == pytest.approx((30 / (30 * 29)) / (30 / (60 * 59)))
    assert found.verdict == "beyond"
