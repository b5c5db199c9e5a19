"""Who meets whom: production's templates and probes, no sample on both sides, every impostor once."""

import itertools

import numpy as np
import pytest

from authsvc.lab.all_pairs import bin_of
from authsvc.lab.trials import MOST_PROBES, Samples, all_trials
from tests.lab.synthetic import crowd


def axes(*numbers: int | None) -> list[np.ndarray | None]:
    """Samples that are told apart by the axis they point along."""
    return [None if number is None else np.eye(16, dtype=np.float32)[number] for number in numbers]


def person(*numbers: int | None) -> Samples:
    return Samples(axes(*numbers), axes(*numbers))


def test_no_sample_stands_in_template_and_probe():
    # Of samples at right angles a common one would show as a score above zero.
    trials = all_trials([person(0, 1, 2, 3, 4, 5), person(6, 7, 8, 9, 10, 11)], 3, 3)
    assert len(trials.genuine) == 12
    assert trials.genuine == pytest.approx(np.zeros(12))


def test_every_turn_is_another_template_or_probe():
    trials = all_trials([person(*range(5))], 3, 1)
    assert len(trials.genuine) == 5
    assert len({vector.tobytes() for vector in trials.probes.vectors}) == 5


def test_template_and_probe_are_means_of_unit_length():
    trials = all_trials([person(0, 1, 2, 3, 4, 5), person(6, 7, 8)], 3, 2)
    assert np.linalg.norm(trials.templates.vectors, axis=1) == pytest.approx([1, 1])
    assert sorted(trials.templates.vectors[0])[-3:] == pytest.approx([3**-0.5] * 3)
    assert sorted(trials.probes.vectors[0])[-2:] == pytest.approx([2**-0.5] * 2)


def test_who_has_too_few_samples_still_meets_the_others():
    trials = all_trials([person(0, 1, 2, 3, 4, 5), person(6, 7, 8), person(9, 10), person()], 3, 2)
    assert trials.genuine_people.tolist() == [0] * 6
    assert trials.templates.people.tolist() == [0, 1]
    assert trials.probes.people.tolist() == [0] * 6 + [1, 2]
    # Six probes against the template of 1, one of 1 against that of 0, one of 2 against both.
    assert trials.impostor_pairs == 6 + 1 + 2


def test_samples_that_were_not_acquired_are_left_out():
    trials = all_trials([Samples(axes(0, None, 2, 3), axes(None, 1, 2, 3)), person(4)], 2, 2)
    assert set(trials.probes.people[trials.probes.people == 0]) == {0}
    assert all(not probe[0] for probe in trials.probes.vectors)
    assert all(not template[1] for template in trials.templates.vectors)


def test_nobody_counts_for_hundreds():
    trials = all_trials(crowd(2, 60), 3, 3)
    assert np.bincount(trials.probes.people).tolist() == [MOST_PROBES, MOST_PROBES]
    assert len(trials.genuine) == 2 * MOST_PROBES


def brute_force(trials) -> list[tuple[int, int, float]]:
    rows = zip(trials.probes.people, trials.probes.vectors, strict=True)
    columns = list(zip(trials.templates.people, trials.templates.vectors, strict=True))
    return [
        (int(one), int(other), float(probe @ template))
        for (one, probe), (other, template) in itertools.product(rows, columns)
        if one != other
    ]


def test_impostors_are_all_pairs_of_different_people(monkeypatch):
    # A few rows at a time, and a last block that is not full.
    monkeypatch.setattr("authsvc.lab.all_pairs._SIDE", 64)
    trials = all_trials(crowd(70, 12, scatter=1.5), 3, 1)
    expected = brute_force(trials)
    assert trials.impostor_pairs == len(expected) == trials.histogram().sum()
    counted = trials.impostors(0.25)
    matching = [(one, other) for one, other, score in expected if score >= 0.25]
    assert 100 < len(matching) == counted.errors.sum()
    found = zip(counted.probe_of, counted.template_of, counted.errors, strict=True)
    assert {(one, other): count for one, other, count in found} == {
        pair: matching.count(pair) for pair in matching
    }


def test_the_histogram_says_how_many_reach_a_threshold():
    trials = all_trials(crowd(40, 6), 3, 3)
    counts = trials.histogram()
    for threshold in (-0.5, 0.0, 0.12345, 0.4):
        step = int(bin_of(np.array([threshold]))[0])
        assert counts[step:].sum() == sum(score >= threshold for _, _, score in brute_force(trials))


@pytest.mark.parametrize("score", [-1.0, -0.99999, -0.3, 0.0, 0.00001, 0.92881, 0.9577, 0.99999, 1.0])
def test_a_decimal_score_lies_in_the_step_that_begins_with_it(score):
    step = int(bin_of(np.array([score]))[0])
    assert round(step * 1e-5 - 1, 5) == score


def test_some_people_alone_are_the_same_trials_without_the_others():
    everybody = all_trials(crowd(20, 6), 3, 3)
    first = everybody.among(np.arange(20) < 10)
    expected = [pair for pair in brute_force(everybody) if pair[0] < 10 and pair[1] < 10]
    assert first.impostor_pairs == len(expected)
    assert (first.genuine_people < 10).all()
    assert len(first.genuine) == 60


def test_nobody_gives_no_trials():
    trials = all_trials([], 3, 3)
    assert (trials.impostor_pairs, len(trials.genuine), trials.histogram().sum()) == (0, 0, 0)
