"""Tiles count what a plain evaluation of one pair after the other counts, to the last one."""

import numpy as np
import pytest

from authsvc.lab import all_pairs
from authsvc.lab.all_pairs import (
    BINS,
    RESOLUTION,
    Side,
    bin_of,
    histogram_of_strangers,
    strangers_reaching,
)


def side(chance: np.random.Generator, rows: int, people: int, *, ordered: bool) -> Side:
    """Vectors whose products are exact in single precision, in whatever order they are added; some are beyond 1."""
    vectors = (chance.integers(-512, 513, size=(rows, 8)) / 1024).astype(np.float32)
    whose = chance.integers(0, people, size=rows)
    return Side(vectors, np.sort(whose) if ordered else whose)


def naive(probes: Side, templates: Side) -> list[tuple[int, int, float]]:
    return [
        (int(one), int(other), float(np.clip(np.dot(probe.astype(float), template.astype(float)), -1, 1)))
        for one, probe in zip(probes.people, probes.vectors, strict=True)
        for other, template in zip(templates.people, templates.vectors, strict=True)
        if one != other
    ]


@pytest.fixture(
    params=[(70, 90, 40, True), (70, 90, 40, False), (33, 1, 2, True), (20, 30, 1, False), (0, 5, 3, True)],
    ids=["in order", "in any order", "one template", "one person", "no probes"],
)
def sides(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> tuple[Side, Side]:
    monkeypatch.setattr(all_pairs, "_SIDE", 32)  # Several tiles each way, and last ones that are not full.
    monkeypatch.setattr(all_pairs, "_AT_ONCE", 100)
    probes, templates, people, ordered = request.param
    chance = np.random.default_rng(probes)
    return side(chance, probes, people, ordered=ordered), side(chance, templates, people, ordered=ordered)


def test_each_score_is_counted_in_its_step(sides: tuple[Side, Side]):
    counted = histogram_of_strangers(*sides)
    scores = np.array([score for _, _, score in naive(*sides)])
    assert counted.tolist() == np.bincount(bin_of(scores), minlength=BINS).tolist()


@pytest.mark.parametrize("threshold", [-1.0, -0.25, 0.0, 0.1, 0.250001, 1.0])
def test_what_reaches_a_threshold_is_named_once(sides: tuple[Side, Side], threshold: float):
    found = sorted(zip(*(each.tolist() for each in strangers_reaching(threshold, *sides)), strict=True))
    assert found == sorted(each for each in naive(*sides) if each[2] >= threshold)


@pytest.mark.parametrize("threshold", [0.1, 0.3, 0.9572, -0.7, 1e-5])
def test_a_threshold_between_two_single_numbers_is_that_of_doubles(threshold: float):
    near = np.float32(threshold)
    around = [np.nextafter(near, np.float32(-2)), near, np.nextafter(near, np.float32(2))]
    one = Side(np.ones((1, 1), dtype=np.float32), np.array([0]))
    for score in around:
        other = Side(np.array([[score]], dtype=np.float32), np.array([1]))
        assert len(strangers_reaching(threshold, one, other)[0]) == (float(score) >= threshold)


def test_the_ends_have_their_steps():
    ends = bin_of(np.array([-1.0, -1.0 + RESOLUTION, 1.0 - RESOLUTION, 1.0]))
    assert ends.tolist() == [0, 1, BINS - 2, BINS - 1]
