"""The quality gate: each thing that can be wrong with a face gives its own hint."""

from dataclasses import replace

import numpy as np
import pytest

from authsvc.face.engine import Box, Face, PointKind, Points
from authsvc.face.hints import Hint
from authsvc.face.quality import ENROLLMENT, VERIFICATION, Quality, has_rival, measure, pose
from tests.face.drawing import RED, SquareDetector, drawn

GOOD = Quality(width=150, sharpness=200, luma=120, turn=0.02, roll=1, outside=0, context=3, detail=0.8)


SPOILED = {
    Hint.TOO_SMALL: {"width": 50.0},
    Hint.PARTIAL: {"outside": 0.4},
    Hint.TOO_DARK: {"luma": 30.0},
    Hint.TOO_BRIGHT: {"luma": 230.0},
    Hint.BLURRED: {"sharpness": 8.0},
    Hint.COVERED: {"detail": 0.05},
    Hint.TURNED: {"turn": -0.4},
    Hint.ROLLED: {"roll": -35.0},
}


def test_a_good_face_gives_no_hint() -> None:
    assert ENROLLMENT.hints(GOOD) == VERIFICATION.hints(GOOD) == ()


@pytest.mark.parametrize("hint", SPOILED)
def test_each_spoiled_measure_gives_its_own_hint(hint: Hint) -> None:
    spoiled = replace(GOOD, **SPOILED[hint])
    assert ENROLLMENT.hints(spoiled) == VERIFICATION.hints(spoiled) == (hint,)


def test_a_face_without_surroundings_is_too_close_where_liveness_needs_them() -> None:
    assert replace(VERIFICATION, context=2.0).hints(replace(GOOD, context=1.5)) == (Hint.TOO_CLOSE,)


def test_enrollment_asks_for_a_larger_face_and_refuses_no_ordinary_photograph_for_blur() -> None:
    fair = replace(GOOD, width=70, sharpness=30)
    assert ENROLLMENT.hints(fair) == (Hint.TOO_SMALL,)
    assert ENROLLMENT.hints(replace(GOOD, sharpness=19)) == (Hint.BLURRED,)
    assert VERIFICATION.hints(fair) == ()


def five(turn: float = 0.0, roll: float = 0.0, kind: PointKind = PointKind.EYES_NOSE_MOUTH) -> Points:
    """A face of 100 pixels between the eyes, its nose off the middle by `turn`, then rolled by `roll` degrees."""
    eyes = [(-50, 0), (50, 0)]
    nose = [(100 * turn, 60)]
    corners = [(70, 0), (30, 0), (-70, 0), (-30, 0)]
    points = [*corners, *nose] if kind is PointKind.EYE_CORNERS else [*eyes, *nose, (-30, 90), (30, 90)]
    angle = np.radians(roll)
    turning = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    return np.array(points, dtype=np.float64) @ turning + 200


@pytest.mark.parametrize("kind", list(PointKind))
@pytest.mark.parametrize(("turn", "roll"), [(0, 0), (0.3, 0), (-0.4, 0), (0, 30), (0.2, -25)])
def test_turn_and_roll_are_told_apart(kind: PointKind, turn: float, roll: float) -> None:
    assert pose(five(turn, roll, kind), kind) == pytest.approx((turn, roll), abs=1e-9)


def test_measures_follow_the_picture() -> None:
    picture = drawn(RED, width=120)
    (face,) = SquareDetector().detect(picture)
    measured = measure(picture, face, PointKind.EYES_NOSE_MOUTH)
    darker = measure(picture // 2, face, PointKind.EYES_NOSE_MOUTH)
    assert measured.width == 120
    assert measured.outside == 0
    assert darker.luma == pytest.approx(measured.luma / 2, rel=0.02)
    assert darker.sharpness < measured.sharpness


@pytest.mark.parametrize("kind", list(PointKind))
def test_a_face_over_the_edge_counts_by_its_share_however_wide_its_box_is(kind: PointKind) -> None:
    at = five(kind=kind)
    middle = (at[:, 0].min() + at[:, 0].max()) / 2
    shares = [
        measure(drawn(), Face(Box(-90, -90, 900, 900), at - [moved, 0], 1.0), kind).outside
        for moved in (0, middle, 500)
    ]
    assert shares == pytest.approx([0, 0.5, 1], abs=0.05)


@pytest.mark.parametrize(
    ("left", "width", "rival"), [(300, 60, True), (300, 49, False), (20, 90, False), (300, 100, True)]
)
def test_a_second_face_counts_from_half_the_size_of_the_first(left: float, width: float, rival: bool) -> None:
    first, second = (Face(Box(x, 0, side, side), five(), 1.0) for x, side in ((0, 100), (left, width)))
    assert has_rival([first, second]) is rival
