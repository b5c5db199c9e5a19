"""Photographs spoiled one way at a time, for measuring what the quality gate lets through and what it then does."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping

import numpy as np
from PIL import Image, ImageFilter

from authsvc.face.engine import Box, Detector, Pixels, Points

Spoil = Callable[[Image.Image, float], Image.Image]
"""Spoils a picture whose face is so many pixels wide."""


def _levels(factor: float, offset: float = 0) -> Spoil:
    return lambda image, face: image.point(lambda value: min(255.0, value * factor + offset))


def _blurred(share: float) -> Spoil:
    return lambda image, face: image.filter(ImageFilter.GaussianBlur(face * share))


def _small(width: int) -> Spoil:
    """The same scene from farther away: the picture keeps its size, the face does not."""

    def spoil(image: Image.Image, face: float) -> Image.Image:
        factor = min(1.0, width / face)
        small = image.resize((max(1, round(image.width * factor)), max(1, round(image.height * factor))))
        wide = Image.new("RGB", image.size, (127, 127, 127))
        wide.paste(small, ((image.width - small.width) // 2, (image.height - small.height) // 2))
        return wide

    return spoil


def _rolled(degrees: float) -> Spoil:
    return lambda image, face: image.rotate(degrees, Image.Resampling.BICUBIC, expand=True)


def _encoded(quality: int) -> Spoil:
    def spoil(image: Image.Image, face: float) -> Image.Image:
        buffer = io.BytesIO()
        image.save(buffer, "JPEG", quality=quality)
        return Image.open(buffer).convert("RGB")

    return spoil


_SPOILED: Mapping[str, Spoil] = {
    "clean": lambda image, face: image,
    "blur, slight": _blurred(0.02),
    "blur, strong": _blurred(0.06),
    "dark": _levels(0.15),
    "over-exposed": _levels(1.6, 90),
    "face of 70 pixels": _small(70),
    "face of 40 pixels": _small(40),
    "rolled 15 degrees": _rolled(15),
    "rolled 30 degrees": _rolled(30),
    "grey": lambda image, face: image.convert("L").convert("RGB"),
    "mirrored": lambda image, face: image.transpose(Image.Transpose.FLIP_LEFT_RIGHT),
    "JPEG quality 10": _encoded(10),
}
_MOUTH, _EYES = "mouth covered", "eyes covered"

DEGRADATIONS = (*_SPOILED, _MOUTH, _EYES)


def spoiled(photograph: Image.Image, detector: Detector, name: str) -> bytes:
    """The RGB photograph as PNG, spoiled as DEGRADATIONS names it; as it is where no face is found in it."""
    picture = np.asarray(photograph)
    faces = detector.detect(picture)
    if faces and name in _SPOILED:
        photograph = _SPOILED[name](photograph, faces[0].box.width)
    elif faces:
        photograph = Image.fromarray(_covered(picture, faces[0].points, faces[0].box, name))
    buffer = io.BytesIO()
    photograph.save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()


def a_little(photograph: bytes) -> bytes:
    """The same picture as another file: a little brighter, smaller, and compressed again."""
    picture = Image.open(io.BytesIO(photograph)).convert("RGB").point(lambda value: min(255, value * 1.06))
    made = io.BytesIO()
    size = (round(picture.width * 0.97), round(picture.height * 0.97))
    picture.resize(size, Image.Resampling.BICUBIC).save(made, "JPEG", quality=85)
    return made.getvalue()


def _covered(picture: Pixels, points: Points, face: Box, part: str) -> Pixels:
    """The picture with a plain mask from the nose down, or a dark bar over the eyes."""
    covered, width = picture.copy(), face.width
    middle_x, eyes_y = points[:4].mean(axis=0)
    left, right = int(max(0, middle_x - width * 0.55)), int(middle_x + width * 0.55)
    if part == _MOUTH:
        covered[int(points[4, 1]) : int(eyes_y + width * 1.1), left:right] = (70, 90, 105)
    else:
        covered[max(0, int(eyes_y - width * 0.13)) : int(eyes_y + width * 0.13), left:right] = 20
    return covered
