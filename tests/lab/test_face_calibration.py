"""Thresholds are calibrated from people, tried on the other half, and kept with their curves."""

import pytest
from click.testing import CliRunner

from authsvc.biometric.det import curves_of
from authsvc.biometric.manifest import read_manifest
from authsvc.lab.commands import lab
from authsvc.lab.face import FaceData
from authsvc.lab.face_calibration import Calibration, calibrated
from authsvc.lab.operating_points import DataSet
from tests.lab.faces import MANIFEST, people_of

DATA = DataSet("crowd", "made-up people", "2026-11-22")


@pytest.fixture(scope="module")
def data() -> FaceData:
    return people_of(120, 14)


@pytest.fixture(scope="module")
def calibration(data: FaceData) -> Calibration:
    return calibrated(data, ["1 in 1000", "1 in 10000"], DATA)


def test_calibration_measures_every_number_of_frames_and_one_against_one(calibration):
    points = [(point.target_fmr, point.samples, point.frames) for point in calibration.points]
    assert points == [("1 in 1000", 1, 1), *(("1 in 1000", 3, frames) for frames in (1, 2, 3))]
    assert {refusal.target_fmr for refusal in calibration.refusals} == {"1 in 10000"}
    assert calibration.serves


def test_calibrated_thresholds_are_tried_on_the_other_half(calibration):
    assert len(calibration.to_json()["cross_checked"]) == 8


def test_calibration_leaves_scores_for_drift(calibration, data):
    assert calibration.scores["model"] == data.manifest.digest
    assert sum(calibration.scores["genuine"].values()) == 1200


def test_a_column_of_groups_makes_thresholds_stricter_and_never_laxer(calibration, data):
    names = [person.name for person in data.people]
    groups = {"sex": {name: "f" if number % 3 else "m" for number, name in enumerate(names)}}
    by_group = calibrated(data, ["1 in 100"], DATA, groups)
    together = calibrated(data, ["1 in 100"], DATA)
    of_fused = [
        [point.threshold for point in found.points if point.samples > 1] for found in (by_group, together)
    ]
    assert len(of_fused[0]) == len(of_fused[1]) == 3
    assert all(strict >= lax for strict, lax in zip(*of_fused, strict=True))


def test_too_few_people_calibrate_nothing():
    refused = calibrated(people_of(10, 7), ["1 in 1000"], DATA)
    assert not refused.serves
    assert refused.points == ()
    assert len(refused.refusals) == 4


def test_calibration_keeps_the_curve_of_every_kind_with_its_thresholds_on_it(calibration):
    kinds = {(curve.samples, curve.frames) for curve in calibration.curves}
    assert kinds == {(1, 1), (3, 1), (3, 2), (3, 3)}
    for point in calibration.points:
        curve = next(curve for curve in calibration.curves if curve.shows(point))
        at = curve.at(point.threshold)
        assert (curve.impostor_pairs, curve.genuine_pairs) == (point.impostor_pairs, point.genuine_pairs)
        assert at.false_matches / curve.impostor_pairs == pytest.approx(point.fmr, rel=1e-5)
        assert (at.fnmr_low, at.fnmr_high) == point.fnmr_interval


def test_the_curve_goes_from_letting_everybody_in_to_letting_nobody_in(calibration):
    curve = calibration.curves[-1]
    assert curve.fmr(curve.points[0]) > 0.2
    assert curve.points[-1].false_matches == 0
    assert all(point.fmr_low <= curve.fmr(point) <= point.fmr_high for point in curve.points)
    assert 20 < len(curve.points) <= 45


def test_the_command_writes_manifest_and_curves_which_are_read_back(data, calibration, tmp_path, monkeypatch):
    (tmp_path / "made-up.toml").write_text(MANIFEST)
    monkeypatch.setattr("authsvc.lab.calibration_commands.face_data", lambda *_, **__: data)
    monkeypatch.setattr("authsvc.lab.face_calibration.calibrated", lambda *_: calibration)
    words = ["calibrate", "face", "--dir", tmp_path, "--manifests", tmp_path, "--name", "crowd"]

    done = CliRunner().invoke(
        lab, [*map(str, words), "--target", "1 in 1000", "--out", str(tmp_path / "made-up.toml")]
    )

    assert done.exit_code == 0, done.output
    written = read_manifest(tmp_path / "made-up.toml")
    curves = curves_of(tmp_path, written)
    assert len(curves) == 4
    assert all(any(curve.shows(point) for curve in curves) for point in written.operating_points)
