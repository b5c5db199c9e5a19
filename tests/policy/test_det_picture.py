"""Thresholds in the DET plane: a line where a curve was kept, a dot with its whisker where a point was measured."""

from xml.etree import ElementTree as ET

from authsvc.policy import loading
from authsvc.policy.det_picture import DESCRIPTION, det_picture
from authsvc.policy.thresholds import Model, thresholds
from tests.biometric.test_det import curve
from tests.policy.test_thresholds import CALIBRATED, document


def test_a_kept_curve_is_drawn_with_its_point_and_the_interval_of_owners_refused() -> None:
    model = Model(CALIBRATED, (curve(),))
    found = thresholds(loading.from_mapping(document("1 in 10000")).document, [model])
    drawn = ET.fromstring(det_picture(found, rows=False))  # noqa: S314 - our own

    line = drawn.find("{*}polyline")
    assert line is not None
    assert len(line.attrib["points"].split()) == 3


def test_a_point_of_which_no_curve_was_kept_says_so_and_is_named_in_words():
    found = thresholds(loading.from_mapping(document("1 in 10000")).document, [Model(CALIBRATED)])
    picture = det_picture(found)
    assert "no curve was kept" in picture
    assert "DET: drawn" in picture
    assert DESCRIPTION in picture


def test_without_a_model_the_picture_is_empty_and_says_so():
    assert "DET: no model" in det_picture([])
