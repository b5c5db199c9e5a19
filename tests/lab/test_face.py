"""The report and the calibration on made-up people, without a picture or an engine."""

from dataclasses import replace
from typing import Any
from xml.etree import ElementTree as ET

import numpy as np
import pytest

from authsvc.lab.face import FaceData, det, measured, report
from authsvc.lab.face_samples import Photograph, Shot
from tests.lab.faces import manifest, people_of


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


def test_more_frames_leave_fewer_people_wrongly_refused(data):
    trials = [data.trials(3, frames) for frames in (1, 2, 3)]
    assert np.all(np.diff([float(np.quantile(one.genuine, 0.05)) for one in trials]) > 0)
