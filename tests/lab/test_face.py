"""The report and the calibration on made-up people, without a picture or an engine."""

from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from click.testing import CliRunner

from authsvc.biometric.det import curves_of
from authsvc.biometric.manifest import Manifest, parse_manifest, read_manifest
from authsvc.lab.commands import lab
from authsvc.lab.face import FaceData, det, measured, report
from authsvc.lab.face_calibration import Calibration, calibrated
from authsvc.lab.face_samples import Photograph, Shot
from authsvc.lab.operating_points import DataSet
from authsvc.lab.people import Person
from tests.lab.synthetic import crowd

_POINT = """
[[operating_points]]
target_fmr = "{target}"
threshold = {threshold}
samples = {samples}
frames = {frames}
fmr = 1e-3
fnmr = 0.01
people = 300
genuine_pairs = 1000
impostor_pairs = {pairs}
data_set = "drawn"
population = "nobody"
date = "2026-11-22"
"""
MANIFEST = """
id = "made-up"
version = "1"
modality = "face"
role = "matcher"
engine = "vectors"
title = "vectors"
dimension = 32
licence = { name = "CC0-1.0", training_data = "none", commercial = true }
weights = []
fusion = { samples = 3, frames = 3 }
"""
DATA = DataSet("crowd", "made-up people", "2026-11-22")


def manifest() -> Manifest:
    points = (
        ("1 in 1000", 0.6, 1, 1, 30_000),
        ("1 in 1000", 0.6, 3, 3, 30_000),
        ("1 in 10000", 0.7, 3, 3, 300_000),
    )
    names = ("target", "threshold", "samples", "frames", "pairs")
    return parse_manifest(
        MANIFEST + "".join(_POINT.format(**dict(zip(names, point, strict=True))) for point in points)
    )


def people_of(count: int, samples: int, scatter: float = 1.0) -> FaceData:
    """Every seventh photograph was too dark, and one file was no picture."""
    photographs = []
    for one in crowd(count, samples, scatter):
        shots = [Shot((), vector) for vector in one.enrollment]
        shots = [Shot(("too_dark",)) if number % 7 == 6 else shot for number, shot in enumerate(shots)]
        photographs.append(tuple(Photograph(shot, shot) for shot in shots))
    broken = Photograph(Shot(()), Shot(()), "the picture is damaged or ends too early")
    photographs[0] = (*photographs[0][:-1], broken)
    people = tuple(
        Person(f"person {number}", tuple(Path(f"{file}.jpg") for file in range(samples)))
        for number in range(count)
    )
    return FaceData(manifest(), people, tuple(photographs))


@pytest.fixture(scope="module")
def data() -> FaceData:
    return people_of(120, 14)


@pytest.fixture(scope="module")
def found(data: FaceData) -> dict[str, Any]:
    sides = {"side": {f"person {number}": "left" if number < 60 else "right" for number in range(110)}}
    return report(data, measured(data), sides)


def test_a_report_says_what_was_measured_and_on_whom(found):
    assert (found["engine"], found["model"]) == ("vectors", "made-up")
    assert found["model_digest"] == manifest().digest
    assert (found["n_persons"], found["n_samples"], found["k"], found["frames"]) == (120, 120 * 14, 3, 3)


def test_failures_to_acquire_are_counted_and_broken_files_are_not_among_them(found):
    assert found["unreadable"] == 1
    assert found["fta_trials"] == 120 * 14 - 1
    # The broken file stood where a dark one had been.
    assert found["fta_errors"] == 120 * 2 - 1
    assert found["fta_hints"] == {"too_dark": 239}
    assert found["fta_interval"][0] < found["fta"] < found["fta_interval"][1]


def test_what_the_quality_gate_costs_is_shown_beside_it():
    data = people_of(60, 7)
    sent_back = tuple(
        tuple(replace(one, verification=Shot(("turned",), one.verification.found)) for one in of_one)
        for of_one in data.photographs
    )
    found = report(replace(data, photographs=sent_back), measured(replace(data, photographs=sent_back)), {})
    every = found["without_quality_gate"]
    assert (found["fta"], found["eer"]) == (1.0, None)
    assert every["fta_errors"] == found["enrolment_fta_errors"]
    assert every["eer"] < 0.05
    assert [one["target_fmr"] for one in every["targets"]] == [one["target_fmr"] for one in found["targets"]]
    assert all(one["fnmr_trials"] for one in every["targets"])


def test_each_shipped_target_has_threshold_and_rates_with_intervals(found):
    kinds = [(one["target_fmr"], one["samples"], one["frames"]) for one in found["targets"]]
    assert kinds == [("1 in 1000", 3, 3), ("1 in 10000", 3, 3), ("1 in 1000", 1, 1)]
    for target in found["targets"]:
        for rate in ("fmr", "fnmr"):
            low, high = target[f"{rate}_interval"]
            assert 0 <= low <= target[rate] <= high <= 1
        assert target["fmr_trials"] == 1200 * 119


def test_too_few_impostors_for_a_target_are_said(found):
    assert [one["enough_impostor_pairs"] for one in found["targets"]] == [True, False, True]
    assert any("which takes 300000" in warning for warning in found["warnings"])


def test_the_strictest_threshold_is_not_the_equal_error_rate(found):
    assert 0 < found["eer"] < 0.05
    assert found["eer_interval"][0] < found["eer"] < found["eer_interval"][1]


def test_groups_are_reported_at_every_threshold_with_a_verdict(found):
    rows = [(row["group"], row["n_persons"], row["target_fmr"]) for row in found["groups"]]
    assert rows == [
        ("left", 60, "1 in 1000"), ("left", 60, "1 in 10000"),
        ("right", 50, "1 in 1000"), ("right", 50, "1 in 10000"),
    ]  # fmt: skip
    assert {row[f"{rate}_verdict"] for row in found["groups"] for rate in ("fmr", "fnmr")} <= {
        "within",
        "beyond",
        "not shown",
    }
    assert found["groups"][0]["fnmr_trials"] == 600


def test_few_people_are_warned_of():
    few = people_of(5, 4)
    found = report(few, measured(few), {})
    assert "5 people are far too few" in found["warnings"][0]
    assert any("nobody has the 6 good photographs" in warning for warning in found["warnings"])
    assert found["eer"] is None
    assert found["targets"][0]["fnmr"] is None


def test_nobody_acquired_is_a_report_too():
    lost = people_of(3, 4)
    dark = tuple(
        tuple(Photograph(Shot(("no_face",)), Shot(("no_face",))) for _ in of_one)
        for of_one in lost.photographs
    )
    found = report(
        FaceData(lost.manifest, lost.people, dark), measured(FaceData(lost.manifest, lost.people, dark)), {}
    )
    assert (found["fta"], found["eer"]) == (1.0, None)
    assert {target["fmr"] for target in found["targets"]} == {None}


def test_the_curves_are_a_picture_that_can_be_read(data):
    kinds = measured(data)
    root = ET.fromstring(det(data, kinds, "a <crowd> & more"))  # noqa: S314 - our own
    space = "{http://www.w3.org/2000/svg}"
    title, description = root.find(f"{space}title"), root.find(f"{space}desc")
    assert root.get("role") == "img"
    assert root.get("aria-labelledby") == "det-title det-description"
    assert title is not None
    assert title.text == "made-up on a <crowd> & more: 120 people"
    assert description is not None
    assert description.text
    assert len(root.findall(f"{space}polyline")) == 2
    texts = " ".join(text.text or "" for text in root.iter(f"{space}text"))
    for point in data.manifest.operating_points:
        assert f"{point.target_fmr}, threshold {point.threshold}" in texts


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


def test_too_few_people_calibrate_nothing():
    refused = calibrated(people_of(10, 7), ["1 in 1000"], DATA)
    assert not refused.serves
    assert refused.points == ()
    assert len(refused.refusals) == 4


def test_more_frames_leave_fewer_people_wrongly_refused(data):
    trials = [data.trials(3, frames) for frames in (1, 2, 3)]
    assert np.all(np.diff([float(np.quantile(one.genuine, 0.05)) for one in trials]) > 0)


# -- DET curves, kept beside the manifest ------------------------------------------------------------------------------


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
