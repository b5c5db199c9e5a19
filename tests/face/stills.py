"""Stills that pretend to move: photographs under homographies, as a print that is turned or a picture warped in software."""

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from authsvc.face.engine import Face, Pixels
from authsvc.face.image import decode

SIZE = (480, 640)
_FACE = 160.0


def homography(chance: np.random.Generator, face_width: float) -> NDArray[np.float64]:
    """A random plane-to-plane map about a face: turned, stretched, sheared and seen in perspective."""
    angle, shear = chance.normal(0, 0.12), chance.uniform(-0.6, 0.6)
    turning = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    bending = np.array(
        [[chance.uniform(0.6, 1.3), shear], [chance.normal(0, 0.05), chance.uniform(0.6, 1.3)]]
    )
    matrix = np.eye(3)
    matrix[:2, :2] = turning @ bending
    matrix[2, :2] = chance.uniform(-0.5, 0.5, 2) / face_width
    return matrix


def warped(picture: Pixels, face: Face, matrix: NDArray[np.float64], quality: int = 85) -> Pixels:
    """The picture under a homography about its face, on a plain background, encoded and decoded as an upload is."""
    middle = np.array([face.box.left + face.box.width / 2, face.box.top + face.box.height / 2])
    to_origin, to_frame, scale = np.eye(3), np.eye(3), _FACE / face.box.width
    to_origin[:2, 2], to_frame[:2, 2] = -middle, (SIZE[0] / 2, SIZE[1] / 2)
    whole = to_frame @ np.diag([scale, scale, 1]) @ matrix @ to_origin
    back = np.linalg.inv(whole)
    image = Image.fromarray(picture).transform(
        SIZE, Image.Transform.PERSPECTIVE, (back / back[2, 2]).ravel()[:8].tolist(), Image.Resampling.BICUBIC
    )
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=quality)
    return decode(buffer.getvalue())


def relit(picture: Pixels, kind: int) -> Pixels:
    """The picture in another light: as it is, under a lamp's reflection, or in the shade from one side."""
    height, width = picture.shape[:2]
    rows, columns = np.mgrid[0:height, 0:width]
    if kind % 3 == 1:
        spot = np.exp(-(((columns - width * 0.45) / 90) ** 2) - ((rows - height * 0.47) / 70) ** 2)
        return np.clip(picture + 90 * spot[..., None], 0, 255).astype(np.uint8)
    if kind % 3 == 2:
        return np.clip(picture * np.linspace(0.5, 1.3, width)[None, :, None], 0, 255).astype(np.uint8)
    return picture
