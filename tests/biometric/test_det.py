"""DET curves beside a manifest: read as they were written, and refused when they cannot be what a calibration measured."""

import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from authsvc.biometric.det import DetCurve, DetFile, DetPoint, curves_of
from authsvc.biometric.manifest import Manifest
from authsvc.errors import ModelUnusable
from tests.biometric.test_manifest import manifest, point

POINTS = (
    DetPoint(0.1, 300, 0.002, 0.004, 0, 0.0, 0.004),
    DetPoint(0.5, 12, 0.0, 0.0001, 9, 0.004, 0.02),
    DetPoint(0.7, 0, 0.0, 0.00001, 100, 0.08, 0.12),
)


def curve(**changes: Any) -> DetCurve:
    stated = {
        "samples": 3,
        "frames": 3,
        "data_set": "drawn",
        "population": "people with `],[` in their names",
        "date": "2026-11-22",
        "people": 300,
        "genuine_pairs": 1_000,
        "impostor_pairs": 300_000,
        "points": POINTS,
    }
    return DetCurve.model_validate({**stated, **changes})


def test_curves_are_read_as_they_were_written(tmp_path: Path) -> None:
    model = manifest()
    file = DetFile(model=model.id, model_digest=model.digest, curves=(curve(), curve(frames=1)))
    (tmp_path / "drawn.det.json").write_text(file.to_text())

    assert curves_of(tmp_path, model) == file.curves
    points = [line for line in file.to_text().splitlines() if line.startswith("[0.")]
    assert len(points) == 2 * len(POINTS)


def test_a_model_that_was_never_calibrated_here_has_no_curve(tmp_path: Path) -> None:
    assert curves_of(tmp_path, manifest()) == ()


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("nothing", "holds no DET curves"),
        ('{"format": 2, "model": "drawn", "model_digest": "", "curves": []}', "holds no DET curves"),
        ('{"format": 1, "model": "drawn", "model_digest": "sha256:0", "curves": []}', "of another version"),
    ],
)
def test_what_is_no_curve_of_this_model_is_refused(tmp_path: Path, text: str, fault: str) -> None:
    (tmp_path / "drawn.det.json").write_text(text)

    with pytest.raises(ModelUnusable, match=fault):
        curves_of(tmp_path, manifest())


@pytest.mark.parametrize(
    "points",
    [
        POINTS[:1],
        (POINTS[1], POINTS[0]),
        (POINTS[0], POINTS[0]),
        (POINTS[0], POINTS[1]._replace(false_matches=301)),
        (POINTS[1], POINTS[2]._replace(false_non_matches=8)),
        (POINTS[0]._replace(false_matches=300_001), POINTS[1]),
        (POINTS[0], POINTS[2]._replace(false_non_matches=1_001)),
        (POINTS[0], POINTS[1]._replace(fmr_high=1.2)),
    ],
)
def test_a_curve_that_nobody_can_have_measured_is_refused(points: tuple[DetPoint, ...]) -> None:
    with pytest.raises(ValidationError):
        curve(points=points)


def test_between_two_measured_thresholds_nothing_is_known() -> None:
    assert curve().at(0.5) == POINTS[1]
    assert curve().at(0.6) is None


@pytest.mark.parametrize(
    ("changes", "shown"), [({}, True), ({"date": "2026-11-23"}, False), ({"frames": 2}, False)]
)
def test_an_operating_point_of_another_calibration_is_not_on_the_curve(
    changes: dict[str, Any], shown: bool
) -> None:
    model: Manifest = manifest(point("1 in 1000", 0.5, 300_000))

    assert curve(**changes).shows(model.operating_points[0]) is shown


def test_the_published_form_is_plain_json() -> None:
    stored = json.loads(DetFile(model="drawn", model_digest="sha256:0", curves=(curve(),)).to_text())

    assert stored["curves"][0]["points"][1] == [0.5, 12, 0.0, 0.0001, 9, 0.004, 0.02]
