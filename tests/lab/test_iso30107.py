"""Attacks by species, never pooled; what was not judged is not an error and not a success."""

import pytest

from authsvc.lab.intervals import upper_bound
from authsvc.lab.iso30107 import Presentation, report, threshold_at


def shown(species: str | None, *scores: float | None, matched: bool | None = None) -> list[Presentation]:
    return [
        Presentation(f"subject {number}", species, score, matched=matched)
        for number, score in enumerate(scores)
    ]


def test_the_worst_species_is_the_headline():
    found = report(shown("print", 0.1, 0.2, 0.9, 0.3) + shown("screen", *[0.1] * 30) + shown(None, 0.9), 0.5)
    assert (found["worst_species"], found["worst_apcer"]) == ("print", 0.25)
    assert found["species"]["screen"]["apcer"] == 0
    assert found["species"]["screen"]["apcer_upper_bound"] == pytest.approx(upper_bound(0, 30), rel=1e-5)


def test_of_species_without_an_error_the_less_known_is_the_worse():
    found = report(shown("print", *[0.1] * 50) + shown("mask", 0.1, 0.1), 0.5)
    assert found["worst_species"] == "mask"


def test_a_score_at_the_threshold_passes():
    found = report(shown("print", 0.5) + shown(None, 0.5, 0.49), 0.5)
    assert found["species"]["print"]["apcer"] == 1
    assert found["bona_fide"]["bpcer"] == 0.5


def test_what_was_not_judged_is_counted_apart():
    found = report(shown("print", None, 0.9, None, 0.1) + shown(None, None, 0.9), 0.5)
    assert found["species"]["print"]["non_response"] == 0.5
    assert (found["species"]["print"]["apcer"], found["species"]["print"]["apcer_trials"]) == (0.5, 2)
    assert found["bona_fide"]["bpcer_trials"] == 1


def test_a_species_that_was_never_judged_has_no_rate():
    found = report(shown("print", None, None), 0.5)
    assert found["species"]["print"]["apcer"] is None
    assert found["worst_species"] is None


def test_presentations_of_one_person_do_not_make_the_interval_narrow():
    one_each = report([Presentation(str(n), "print", float(n < 10)) for n in range(100)], 0.5)
    ten_each = report([Presentation(str(n // 10), "print", float(n < 10)) for n in range(100)], 0.5)
    assert one_each["worst_apcer"] == ten_each["worst_apcer"] == 0.1
    assert ten_each["worst_apcer_upper_bound"] > one_each["worst_apcer_upper_bound"] + 0.05


def test_an_attack_is_accepted_only_past_quality_liveness_and_matcher():
    attacks = [
        Presentation("a", "print", 0.9, matched=True),
        Presentation("b", "print", 0.9, matched=False),
        Presentation("c", "print", 0.1, matched=True),
        Presentation("d", "print", None, matched=True),
        Presentation("e", "print", 0.9, refused_by_quality=True, matched=True),
        Presentation("nobody enrolled", "print", 0.9),
    ]
    row = report(attacks, 0.5)["species"]["print"]
    assert (row["iapar_errors"], row["iapar_trials"]) == (1, 5)


@pytest.mark.parametrize(("attacks", "below"), [(41, False), (42, True)])
def test_forty_two_attacks_without_success_are_needed_for_seven_percent(attacks, below):
    row = report(shown("print", *[0.1] * attacks, matched=True), 0.5)["species"]["print"]
    assert row["iapar_below_7_percent"] is below


def test_bpcer_is_told_where_one_attack_in_twenty_passes():
    attacks = shown("print", *(number / 100 for number in range(40)))
    found = report(attacks + shown(None, 0.2, 0.375, 0.38, 0.9), 0.5)
    five, one = found["bpcer_at_apcer"]
    # Two of forty may pass, so the threshold lies just above the third highest, 0.37.
    assert five["threshold"] == pytest.approx(0.37)
    assert five["bpcer"] == 0.25
    assert one["bpcer"] is None
    assert one["reason"] == "40 judged presentations of `print`, and 100 are needed"


def test_the_limit_holds_for_every_species():
    high = shown("screen", *(0.5 + number / 100 for number in range(20)))
    low = shown("print", *(number / 100 for number in range(20)))
    assert threshold_at({"screen": high, "print": low}, 0.05) == pytest.approx(0.68)
