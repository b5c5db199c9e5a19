"""The look of a face: the same after light, mirror and a small move, and another for another picture."""

import numpy as np
import pytest

from authsvc.face.engine import PointKind
from authsvc.face.looks import Patch, nearest, packed, unpacked
from tests.face.drawing import SquareDetector, drawn


def patch(seed: int = 3, moved: int = 0, brightness: float = 1.0) -> Patch:
    """A coloured square with a face of random blotches."""
    blotches = np.kron(np.random.default_rng(seed).integers(0, 90, (8, 8, 1)), np.ones((20, 20, 1)))
    picture = drawn((230, 60, 60), width=160, texture=1)
    (face,) = SquareDetector().detect(picture)
    left, top = round(face.box.left), round(face.box.top)
    lit = picture.astype(np.float64)
    lit[top : top + 160, left : left + 160] -= blotches
    shown = np.clip(np.roll(lit, moved, axis=1) * brightness, 0, 255).astype(np.uint8)
    face = type(face)(face.box, face.points + np.array([moved, 0]), face.score)
    return Patch.of(shown, face, PointKind.EYES_NOSE_MOUTH)


def test_a_look_is_576_numbers_of_unit_length_and_survives_being_kept() -> None:
    look = patch().look()
    assert look.shape == (576,)
    assert np.linalg.norm(look) == pytest.approx(1)
    assert unpacked([packed(look)])[0] @ look > 0.999


@pytest.mark.parametrize("again", [{}, {"moved": 40}, {"brightness": 0.7}])
def test_the_same_picture_is_known_again(again: dict[str, float]) -> None:
    assert nearest(patch(**again), patch().look()[None]) > 0.98  # type: ignore[arg-type]


def test_a_mirrored_picture_is_known_again_and_another_is_not() -> None:
    assert nearest(patch().mirrored(), patch().look()[None]) > 0.98
    assert nearest(patch(seed=4), patch().look()[None]) < 0.9
