"""A face is turned, scaled and moved so that its points lie where they are expected."""

import numpy as np
import pytest

from authsvc.face.alignment import PLACES, aligned_chip, similarity
from authsvc.face.engine import PointKind
from tests.face.drawing import RED, SquareDetector, drawn

TARGET = np.array(PLACES[PointKind.EYES_NOSE_MOUTH])


@pytest.mark.parametrize(("degrees", "scale"), [(0, 1), (30, 2), (-45, 0.5), (180, 3)])
def test_a_turned_scaled_and_moved_face_is_laid_back_exactly(degrees: float, scale: float) -> None:
    turn = np.radians(degrees)
    matrix = scale * np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    moved = TARGET @ matrix.T + [7, -3]
    found = similarity(moved, TARGET)
    assert moved @ found[:, :2].T + found[:, 2] == pytest.approx(TARGET)


def test_a_face_is_not_squeezed_to_fit() -> None:
    found = similarity(TARGET * [1, 2], TARGET)
    assert found[0, 0] == pytest.approx(found[1, 1])
    assert found[0, 1] == pytest.approx(-found[1, 0])


@pytest.mark.parametrize("width", [80, 400])
def test_a_chip_shows_the_face_however_large_it_is_in_the_picture(width: int) -> None:
    picture = drawn(RED, width=width, size=(800, 600))
    (face,) = SquareDetector().detect(picture)
    chip = aligned_chip(picture, face.points, TARGET * 64, 64)
    assert chip.shape == (64, 64, 3)
    assert chip[20:44, 20:44].mean(axis=(0, 1)) == pytest.approx(RED, abs=12)
