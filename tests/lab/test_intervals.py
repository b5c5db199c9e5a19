"""Intervals against known answers, and against the truth they promise to cover."""

from typing import Any

import numpy as np
import pytest

from authsvc.lab.intervals import (
    PairErrors,
    clopper_pearson,
    estimate,
    per_person,
    resampled_people,
    upper_bound,
)

CHANCE = np.random.default_rng(3)


def scipy_stats() -> Any:  # Any: scipy comes without types.
    """A second and a half to import, which whoever runs other tests need not wait."""
    from scipy import stats

    return stats


@pytest.mark.parametrize(
    ("trials", "bound"),
    [(42, 0.07), (59, 0.05), (299, 0.01), (2995, 1e-3), (29_956, 1e-4), (299_572, 1e-5)],
)
def test_no_error_among_so_many_proves_the_bound_and_one_trial_fewer_does_not(trials, bound):
    assert upper_bound(0, trials) < bound <= upper_bound(0, trials - 1)


@pytest.mark.parametrize(
    ("errors", "trials", "low", "high"),
    [
        (0, 10, 0.0, 0.3084971),
        (1, 10, 0.0025286, 0.4450161),
        (5, 10, 0.1870860, 0.8129140),
        (10, 10, 0.6915029, 1.0),
        (3, 100, 0.0062300, 0.0851761),
    ],
)
def test_the_exact_interval_has_its_published_ends(errors, trials, low, high):
    assert clopper_pearson(errors, trials) == pytest.approx((low, high), abs=1e-6)


@pytest.mark.parametrize(("trials", "rate"), [(50, 0.02), (200, 0.1), (1000, 0.001)])
def test_the_exact_interval_covers_the_truth_at_least_as_often_as_it_says(trials, rate):
    covered = sum(
        scipy_stats().binom.pmf(errors, trials, rate)
        for errors in range(trials + 1)
        if clopper_pearson(errors, trials)[0] <= rate <= clopper_pearson(errors, trials)[1]
    )
    assert covered >= 0.95


@pytest.mark.parametrize(("errors", "trials"), [(0, 0), (3, 2), (-1, 5)])
def test_errors_that_cannot_be_are_refused(errors, trials):
    with pytest.raises(ValueError, match="trials"):
        clopper_pearson(errors, trials)


def test_without_trials_there_is_no_estimate():
    assert estimate(0, 0) is None


def test_the_farther_of_both_bounds_is_published():
    narrow, wide = estimate(50, 1000, [0.05] * 100), estimate(50, 1000, np.linspace(0, 0.2, 101))
    assert narrow is not None
    assert narrow.interval == clopper_pearson(50, 1000)
    assert wide is not None
    assert wide.interval == pytest.approx((0.005, 0.195))
    assert wide.upper_bound == pytest.approx(0.19)


def simulated_people(people: int, trials_each: int) -> tuple[np.ndarray, np.ndarray]:
    """People who err at rates of their own, with a mean of a tenth."""
    rates = CHANCE.beta(0.5, 4.5, size=people)
    return CHANCE.binomial(trials_each, rates), np.full(people, trials_each)


def test_resampling_people_covers_the_truth_where_the_exact_interval_alone_does_not():
    with_people = exact_alone = 0
    for _ in range(200):
        errors, trials = simulated_people(80, 20)
        found = per_person(errors, trials)
        assert found is not None
        low, high = clopper_pearson(found.errors, found.trials)
        with_people += found.interval[0] <= 0.1 <= found.interval[1]
        exact_alone += low <= 0.1 <= high
    assert with_people >= 180
    assert exact_alone < 150


def test_resampling_draws_as_many_people_and_the_same_ones_every_time():
    weights = resampled_people(50)
    assert (weights.sum(axis=1) == 50).all()
    assert weights.mean() == pytest.approx(1)
    assert resampled_people(50) is weights


@pytest.fixture
def pairs() -> PairErrors:
    """Twelve people; every probe against every other person's template, some of them wrong."""
    size = 12
    probes, templates = CHANCE.integers(0, 4, size), CHANCE.integers(0, 2, size)
    comparisons = np.outer(probes, templates) * ~np.eye(size, dtype=bool)
    wrong = CHANCE.binomial(comparisons, 0.3)
    probe_of, template_of = np.nonzero(wrong)
    return PairErrors(probe_of, template_of, wrong[probe_of, template_of], probes, templates)


def by_hand(pairs: PairErrors, weights: np.ndarray) -> float:
    """The rate of one resampling, pair by pair."""
    wrong = np.zeros((12, 12))
    wrong[pairs.probe_of, pairs.template_of] = pairs.errors
    errors = trials = 0.0
    for one in range(12):
        for other in range(12):
            if one != other:
                errors += weights[one] * weights[other] * wrong[one, other]
                trials += weights[one] * weights[other] * pairs.probes[one] * pairs.templates[other]
    return errors / trials


def test_pairs_of_people_are_resampled_as_one_would_by_hand(pairs):
    weights = resampled_people(12)[:20]
    expected = [by_hand(pairs, row) for row in weights]
    assert pairs.resampled(weights) == pytest.approx(expected)


def test_nobody_is_his_own_impostor(pairs):
    assert pairs.trials == sum(
        pairs.probes[one] * pairs.templates[other] for one in range(12) for other in range(12) if one != other
    )


def test_people_left_out_take_their_comparisons_with_them(pairs):
    kept = np.arange(12) < 6
    assert pairs.among(kept).resampled(np.ones((1, 12)))[0] == pytest.approx(
        by_hand(pairs, kept.astype(float))
    )


def test_a_rate_of_pairs_carries_the_wider_of_both_intervals(pairs):
    found = pairs.estimate()
    assert found is not None
    low, high = clopper_pearson(found.errors, found.trials)
    assert found.interval[0] <= low < found.rate < high <= found.interval[1]


TABLES = [(int(CHANCE.integers(0, n + 1)), int(n)) for n in CHANCE.integers(1, 5_000, 990)]
DEGENERATE = [
    (0, 1),
    (1, 1),
    (0, 2),
    (2, 2),
    (0, 59),
    (59, 59),
    (1, 2),
    (0, 299_572),
    (1, 299_572),
    (299_572, 299_572),
]


def test_a_thousand_tables_agree_with_scipy() -> None:
    """Each end by what it means: there the tail of the binomial distribution has 2.5 %, or 5 % for the one-sided bound."""
    errors, trials = np.array([*TABLES, *DEGENERATE]).T
    low, high = np.array([clopper_pearson(*table) for table in zip(errors, trials, strict=True)]).T
    bound = np.array([upper_bound(*table) for table in zip(errors, trials, strict=True)])
    some, most = errors > 0, errors < trials
    assert scipy_stats().binom.sf(errors[some] - 1, trials[some], low[some]) == pytest.approx(0.025, rel=1e-6)
    assert scipy_stats().binom.cdf(errors[most], trials[most], high[most]) == pytest.approx(0.025, rel=1e-6)
    assert scipy_stats().binom.cdf(errors[most], trials[most], bound[most]) == pytest.approx(0.05, rel=1e-6)
    assert (low[~some] == 0).all()
    assert (high[~most] == 1).all()
    assert (bound[~most] == 1).all()


@pytest.mark.parametrize(("errors", "trials"), [*TABLES[:10], *DEGENERATE[:7]])
def test_tables_agree_with_scipys_own_interval(errors: int, trials: int) -> None:
    exact = scipy_stats().binomtest(errors, trials).proportion_ci(0.95, method="exact")
    assert clopper_pearson(errors, trials) == pytest.approx((exact.low, exact.high), rel=1e-9, abs=1e-12)


def test_a_thousand_tables_agree_with_statsmodels() -> None:
    proportion = pytest.importorskip("statsmodels.stats.proportion", reason="statsmodels is not installed")
    for errors, trials in (*TABLES, *DEGENERATE):
        expected = proportion.proportion_confint(errors, trials, 0.05, method="beta")
        assert clopper_pearson(errors, trials) == pytest.approx(expected, rel=1e-9, abs=1e-12)


def test_one_subject_leaves_the_exact_interval_to_speak() -> None:
    """Resampling one person draws the same person every time, and knows nothing of others."""
    found = per_person(np.array([3]), np.array([10]))
    assert found is not None
    assert found.interval == clopper_pearson(3, 10)
