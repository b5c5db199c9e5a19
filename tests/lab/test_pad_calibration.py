"""A threshold for each species of attack, and the strictest of them decides what the detector lets through."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pytest

from authsvc.biometric.manifest import manifest_folder, parse_manifest
from authsvc.face.build import passive_form
from authsvc.lab.iso30107 import Presentation, report
from authsvc.lab.manifest_file import with_species
from authsvc.lab.operating_points import DataSet
from authsvc.lab.pad_calibration import PadCalibration, calibrated, presentations_needed

SHIPPED = (manifest_folder() / "minifasnet.toml").read_text()
OURS = DataSet("spring attacks", "forty people, two phones", "2026-11-27")


def shown(species: str | None, scores: Iterable[float], people: int = 40) -> list[Presentation]:
    return [Presentation(f"p{n % people}", species, float(score)) for n, score in enumerate(scores)]


def drawn(prints: int = 200, screens: int = 200) -> list[Presentation]:
    chance = np.random.default_rng(30107)
    return [
        *shown("print", chance.beta(2, 14, prints)),
        *shown("screen", chance.beta(2, 6, screens)),
        *shown(None, chance.beta(14, 2, 200)),
    ]


@pytest.fixture(scope="module")
def found() -> PadCalibration:
    return calibrated(drawn(), 0.07, OURS)


def test_each_species_has_a_threshold_at_which_its_upper_bound_meets_the_limit(found: PadCalibration) -> None:
    assert found.serves
    assert [each.species for each in found.species] == ["print", "screen"]
    for each in found.species:
        assert each.apcer <= each.apcer_upper_bound <= 0.07
        assert each.apcer_interval[0] <= each.apcer <= each.apcer_interval[1]
        row = report(drawn(), each.threshold)["species"][each.species]
        assert (row["apcer"], row["apcer_trials"]) == (each.apcer, 200)
        assert report(drawn(), each.threshold)["bona_fide"]["bpcer"] == each.bpcer


def test_a_milder_threshold_would_not_meet_it(found: PadCalibration) -> None:
    for each in found.species:
        scores = [one.score for one in drawn() if one.species == each.species and one.score is not None]
        below = max(score for score in scores if score < each.threshold)
        row = report(drawn(), below)["species"][each.species]
        assert row["apcer_upper_bound"] > 0.07


def test_the_worst_species_decides(found: PadCalibration) -> None:
    prints, screens = found.species
    assert screens.threshold > prints.threshold
    assert found.to_json()["decided_by"] == "screen"
    manifest = parse_manifest(with_species(SHIPPED, found.species))
    assert passive_form(manifest).bona_fide == screens.threshold
    assert manifest.attack_species == found.species


def test_a_detector_that_nobody_calibrated_keeps_its_starting_value() -> None:
    assert passive_form(parse_manifest(SHIPPED)).bona_fide == 0.5


def test_the_same_detector_with_its_comments_stays(found: PadCalibration) -> None:
    written = with_species(SHIPPED, found.species)
    assert parse_manifest(written).digest == parse_manifest(SHIPPED).digest
    assert "# Prints of 15 people" in written
    assert with_species(written, found.species) == written


@pytest.mark.parametrize(("limit", "needed"), [(0.07, 42), (0.05, 59), (0.01, 299)])
def test_too_few_attacks_of_one_species_leave_the_detector_as_it_is(limit: float, needed: int) -> None:
    assert presentations_needed(limit) == needed
    few = calibrated([*drawn(prints=needed - 1, screens=400)], limit, OURS)
    assert not few.serves
    assert [each.species for each in few.refused] == ["print"]
    assert str(needed) in few.refused[0].reason


def test_an_attack_that_looks_more_alive_than_anybody_is_no_threshold() -> None:
    hopeless = calibrated(shown("mask", [1.0] * 60), 0.07, OURS)
    assert not hopeless.serves
    assert "higher than any threshold" in hopeless.refused[0].reason


def test_what_was_not_judged_is_no_refused_attack() -> None:
    silent = [Presentation(f"p{n}", "print", None) for n in range(100)]
    assert "0 judged" in calibrated(silent, 0.07, OURS).refused[0].reason
