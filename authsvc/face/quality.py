"""Is this face good enough to be compared? Judged before matching, because a blurred or dark probe also matches others more.

The limits are starting values measured on photographs of 140 people whose probes were spoiled one way at a time; each is
told to the person as a hint, and all of them at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np

from authsvc.face.alignment import PLACES, aligned_chip, similarity
from authsvc.face.engine import Box, Face, Pixels, PointKind, Points
from authsvc.face.hints import Hint
from authsvc.face.image import crop, grey

_SIDE = 112

# Places all over the face itself, in the units of PLACES: a chip has a quarter of the face's width about it.
_FACE = np.stack(np.meshgrid(*[np.linspace(1 / 6, 5 / 6, 25)] * 2), axis=-1).reshape(-1, 2)


@dataclass(frozen=True, slots=True)
class Quality:
    """What was measured of one face.

    `width` in pixels of the picture; `sharpness` the variance of the Laplacian and `luma` the mean (0 to 255) of the face at
    112 x 112; `turn` how far the nose is off the middle of the eyes, in eye distances, positive to the picture's right;
    `roll` in degrees; `outside` the share of the face, as its points place it, that is beyond the picture's edge; `context` how
    many times the face fits into the picture; `detail` the contrast within the plainest of eyes and mouth, as a share of
    the whole face's: a mask or dark glasses leave next to none.
    """

    width: float
    sharpness: float
    luma: float
    turn: float
    roll: float
    outside: float
    context: float
    detail: float

    def numbers(self) -> dict[str, float]:
        return {name: round(value, 4) for name, value in asdict(self).items()}


@dataclass(frozen=True, slots=True)
class Gate:
    """The limits for one purpose."""

    width: float
    sharpness: float
    luma: tuple[float, float] = (45, 210)
    turn: float = 0.25
    roll: float = 20
    outside: float = 0.05
    context: float = 0.0
    detail: float = 0.25

    def hints(self, quality: Quality) -> tuple[Hint, ...]:
        """Everything that is wrong; nothing when the face may be compared."""
        darkest, brightest = self.luma
        checks = (
            (quality.width < self.width, Hint.TOO_SMALL),
            (quality.outside > self.outside, Hint.PARTIAL),
            (quality.context < self.context, Hint.TOO_CLOSE),
            (quality.luma < darkest, Hint.TOO_DARK),
            (quality.luma > brightest, Hint.TOO_BRIGHT),
            (quality.sharpness < self.sharpness, Hint.BLURRED),
            (quality.detail < self.detail, Hint.COVERED),
            (abs(quality.turn) > self.turn, Hint.TURNED),
            (abs(quality.roll) > self.roll, Hint.ROLLED),
        )
        return tuple(hint for broken, hint in checks if broken)


ENROLLMENT = Gate(width=80, sharpness=20)
VERIFICATION = Gate(width=64, sharpness=20)


def measure(picture: Pixels, face: Face, kind: PointKind) -> Quality:
    """Every measure of one face of the picture."""
    luma = grey(crop(picture, face.box, _SIDE)).astype(np.float64)
    turn, roll = pose(face.points, kind)
    return Quality(
        width=face.box.width,
        sharpness=_sharpness(luma),
        luma=float(luma.mean()),
        turn=turn,
        roll=roll,
        outside=_outside(picture, face.points, kind),
        # A whole face is about 1.3 times as high as it is wide, whatever shape of box the detector draws.
        context=min(picture.shape[1] / face.box.width, picture.shape[0] / (1.3 * face.box.width)),
        detail=_detail(picture, face.points, kind),
    )


def pose(points: Points, kind: PointKind) -> tuple[float, float]:
    """Turn in eye distances and roll in degrees, as `Quality` has them; 0 and 0 for a level frontal face."""
    left, right, nose = eyes_and_nose(points, kind)
    axis = right - left
    distance = float(np.hypot(*axis)) or 1.0
    turn = float((nose - (left + right) / 2) @ axis) / distance**2
    return turn, float(np.degrees(np.arctan2(axis[1], axis[0])))


def eyes_and_nose(points: Points, kind: PointKind) -> tuple[Points, Points, Points]:
    """Centre of the eye on the picture's left, of the one on its right, and the nose."""
    if kind is PointKind.EYE_CORNERS:
        return points[2:4].mean(axis=0), points[0:2].mean(axis=0), points[4]
    return points[0], points[1], points[2]


def has_rival(faces: Sequence[Face]) -> bool:
    """Whether a second face is larger than half the first: smaller ones are passers-by, dolls and pictures on the wall."""
    first, *others = faces
    return any(
        other.box.width > first.box.width / 2 and not _overlap(first.box, other.box) for other in others
    )


def _sharpness(luma: Points) -> float:
    inner = luma[1:-1, 1:-1]
    laplacian = luma[:-2, 1:-1] + luma[2:, 1:-1] + luma[1:-1, :-2] + luma[1:-1, 2:] - 4 * inner
    return float(laplacian.var())


def _detail(picture: Pixels, points: Points, kind: PointKind) -> float:
    chip = grey(aligned_chip(picture, points, np.array(PLACES[kind]) * _SIDE, _SIDE)).astype(np.float64)
    eyes = max(float(chip[31:40, 26:46].std()), float(chip[31:40, 64:84].std()))
    mouth = float(chip[74:96, 38:74].std())
    return min(eyes, mouth) / max(float(chip[20:100, 20:92].std()), 1.0)


def _outside(picture: Pixels, points: Points, kind: PointKind) -> float:
    """By the points and not by the detector's box, which comes in coarse steps and may be a third wider than the face.

    Of the development pictures half faces have 0.07 to 0.19 outside, and crops as tight as the face itself none.
    """
    matrix = similarity(np.array(PLACES[kind]), points)
    places = _FACE @ matrix[:, :2].T + matrix[:, 2]
    inside = (places >= 0).all(axis=1) & (places < picture.shape[1::-1]).all(axis=1)
    return 1 - float(inside.mean())


def _overlap(one: Box, other: Box) -> bool:
    """Whether two boxes are the same face, found twice: the centre of one lies in the other."""
    x, y = other.left + other.width / 2, other.top + other.height / 2
    return one.left < x < one.left + one.width and one.top < y < one.top + one.height
