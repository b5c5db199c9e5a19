"""The voice measurements measure: hums are told apart, copies are found, the asked digits are accepted and no others."""

from dataclasses import replace

import numpy as np
import pytest

from authsvc.lab.iso19795 import errors_at
from authsvc.lab.voice_trials import MOST_PROBES, Probe, Template, make_templates, voice_trials
from authsvc.voice.references import Reference, Share
from tests.lab.hums import QUIET, direction


def test_rates_are_those_that_one_counts():
    """Three people as directions: one's own phrases lie 10 degrees apart, and another person's 30 degrees away."""
    phrases = [[direction(30 * person + 10 * number) for number in range(3)] for person in range(3)]
    probes = [[Probe(vector, QUIET) for vector in own] for own in phrases]
    templates = [
        Template(person, Reference(own[0], own[0], own[0]), frozenset({0}))
        for person, own in enumerate(phrases)
    ]
    trials = voice_trials(probes, templates, 1, 2)
    assert (trials.genuine.size, trials.impostors(2).trials) == (6, 18)
    # From 15 degrees on nobody is alike: that refuses one's phrase at 20, and admits the neighbour's at 10.
    errors = errors_at(trials, float(np.cos(np.radians(15))))
    assert errors.false_non_matches.tolist() == [1, 1, 1]
    assert errors.false_matches.errors.sum() == 2
    assert list(zip(errors.false_matches.probe_of, errors.false_matches.template_of, strict=True)) == [
        (0, 1),
        (1, 2),
    ]
    two = voice_trials(probes, templates, 2, 2)
    # The mean of the phrases at 10 and 20 degrees.
    assert two.genuine == pytest.approx(np.cos(np.radians([15, 15, 15])), abs=1e-6)


def test_the_part_of_a_reference_that_is_met_follows_the_probe():
    noisy_room = replace(QUIET, snr=12.0)
    reference = Reference(direction(0), direction(90), direction(90))
    probes = [[Probe(direction(0), QUIET), Probe(direction(0), noisy_room)], [Probe(direction(5), QUIET)]]
    trials = voice_trials(probes, [Template(0, reference, frozenset())], 1, 2)
    assert trials.genuine == pytest.approx([1, 0], abs=1e-6)


def test_hundreds_of_recordings_of_one_person_count_for_a_few():
    probes = [[Probe(direction(number), QUIET) for number in range(200)], [Probe(direction(90), QUIET)]]
    trials = voice_trials(
        probes, [Template(0, Reference(direction(0), direction(0), direction(0)), frozenset())], 1, 2
    )
    assert trials.genuine.size == MOST_PROBES


def test_a_person_with_too_few_phrases_is_nobodys_template():
    share = Share(direction(0), direction(0), direction(0))
    assert [one.owner for one in make_templates([[share] * 3, [share] * 2, []], 2, 4)] == [0] * 4


def test_no_sitting_stands_on_both_sides_of_a_comparison():
    share = Share(direction(0), direction(0), direction(0))
    [template, other] = make_templates([[share] * 8], 3, 2, [["monday"] * 4 + ["tuesday"] * 4])
    assert (template.used, other.used) == (frozenset(range(4)), frozenset(range(4, 8)))
