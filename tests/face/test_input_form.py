"""What a matcher's network expects of a face, as its manifest states it."""

from typing import Any

import numpy as np
import pytest

from authsvc.errors import ModelUnusable
from authsvc.face.engine import PointKind
from authsvc.face.input_form import InputForm

FIVE = [[0, 0], [1, 0], [0.5, 0.5], [0, 1], [1, 1]]


def form(**changes: Any) -> InputForm:
    stated = {"detector": "yunet", "size": 32, "channels": "RGB", "points": {"eyes_nose_mouth": FIVE}}
    return InputForm.of({**stated, **changes}, "drawn")


def test_chips_are_normalised_in_the_order_of_the_channels() -> None:
    chip = np.zeros((32, 32, 3), dtype=np.uint8)
    chip[..., 0] = 200
    rgb = form(mean=(100.0, 0.0, 0.0), scale=2.0).normalise([chip])
    bgr = form(mean=(100.0, 0.0, 0.0), scale=2.0, channels="BGR").normalise([chip])
    assert rgb.shape == (1, 3, 32, 32)
    assert rgb.dtype == np.float32
    assert rgb[0, :, 0, 0].tolist() == [50, 0, 0]
    assert bgr[0, :, 0, 0].tolist() == [0, 0, 50]


def test_points_of_a_kind_that_was_not_measured_are_refused() -> None:
    assert form().target(PointKind.EYES_NOSE_MOUTH).tolist() == FIVE
    with pytest.raises(ModelUnusable, match="eye_corners"):
        form().target(PointKind.EYE_CORNERS)


@pytest.mark.parametrize(
    "change", [{"size": 8}, {"channels": "GREY"}, {"scale": 0}, {"points": {"eyes_nose_mouth": FIVE[:4]}}]
)
def test_a_form_that_is_none_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(ModelUnusable, match="manifest `drawn`, field `input"):
        form(**change)
