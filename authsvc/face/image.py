"""Uploaded bytes into an upright picture; the only file of the room that knows Pillow.

Hostile until shown otherwise: size and structure are judged before anything is decoded, what lies behind the picture's end is
cut off, and a picture that is larger than needed is never unpacked at full size where its format allows. Nothing of its
metadata is kept but the orientation.
"""

from __future__ import annotations

import io
import struct
import warnings
import zlib
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from authsvc.errors import InvalidRequest, PayloadTooLarge
from authsvc.face.engine import Box, Pixels
from authsvc.face.heif_engine import FTYP, check_heif, decode_apart
from authsvc.face.image_structure import Still, check_size, refuse_other
from authsvc.face.jpeg_structure import JPEG, MAX_BASELINE_PIXELS, check_jpeg
from authsvc.face.png_structure import PNG, check_png
from authsvc.face.riff_structure import RIFF, check_webp

Affine = NDArray[np.float64]
MAX_BYTES = 12 * 1024 * 1024
MAX_CAPTURE_PIXELS = 300_000_000
"""Of all pictures of a capture: six photographs of 48 megapixels, or a hundred frames of a video camera."""

MAX_APART = 8
"""Pictures of a capture that need a process of their own, at a quarter of a second each."""

MAX_LONG_SIDE = 960
"""Pictures are shrunk to this before anything looks at them: enough for every engine, and cheap."""

_EXIF_ORIENTATION = 0x0112
_TURNS: Mapping[object, Image.Transpose] = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
DAMAGED = (
    OSError, ValueError, SyntaxError, EOFError, IndexError, KeyError, TypeError, ZeroDivisionError,
    OverflowError, AttributeError, AssertionError, NotImplementedError, struct.error, zlib.error,
)  # fmt: skip
"""What Pillow raises on bytes that are not what they claim to be."""


def examine(data: bytes) -> Still:
    """What the file's own structure says of the picture in it; raises as `decode` does."""
    if len(data) > MAX_BYTES:
        raise PayloadTooLarge(f"a picture of {len(data)} bytes, and {MAX_BYTES} are accepted")
    if data.startswith(JPEG):
        return check_jpeg(data)
    if data.startswith(PNG):
        return check_png(data)
    if data.startswith(RIFF):
        return check_webp(data)
    if data[4:8] == FTYP:
        return check_heif(data)
    refuse_other(data)
    raise AssertionError


def examined(pictures: Sequence[bytes]) -> tuple[Still, ...]:
    """`examine` of each; raises PayloadTooLarge as well where they would cost too much together."""
    stills = tuple(map(examine, pictures))
    if sum(still.pixels for still in stills) > MAX_CAPTURE_PIXELS:
        raise PayloadTooLarge(f"pictures of more than {MAX_CAPTURE_PIXELS} pixels together")
    if sum(still.apart for still in stills) > MAX_APART:
        raise PayloadTooLarge(f"more than {MAX_APART} pictures in HEIC or AVIF: send JPEG")
    return stills


def decode(data: bytes, still: Still | None = None) -> Pixels:
    """The picture, upright, `h x w x 3` uint8 RGB, at most 960 pixels on its long side; `still` where it was examined before.

    Raises PayloadTooLarge (bytes or pixels), UnsupportedMedia (no still picture; OtherFormat for one that is not read here) or
    InvalidRequest (damaged).
    """
    still = still or examine(data)
    if still.apart:
        return decode_apart(data, still.kind)
    return opened(data[: still.end], still.kind)


def opened(data: bytes, kind: str) -> Pixels:
    """A picture of that format and nothing else, as `decode` returns it."""
    with warnings.catch_warnings():
        # Pillow warns about odd metadata, which is dropped here anyway.
        warnings.simplefilter("ignore")
        try:
            with Image.open(io.BytesIO(data), formats=(kind,)) as image:
                check_size(*image.size, MAX_BASELINE_PIXELS)
                return _upright(image)
        except Image.DecompressionBombError as error:
            raise PayloadTooLarge("a picture of more pixels than are accepted") from error
        except DAMAGED as error:
            raise InvalidRequest("the picture is damaged or ends too early") from error


def _upright(image: Image.Image) -> Pixels:
    orientation = _orientation(image)
    shrunk = _shrunk_size(image.size)
    # A JPEG can be unpacked at a half, a quarter or an eighth of its size, which saves most of the time.
    image.draft(None, shrunk)
    image.load()
    small = _eight_bits(image).resize(shrunk, Image.Resampling.BOX)
    if small.mode == "RGBA":
        # Whatever shines through is white, as where the picture was looked at.
        small = Image.alpha_composite(Image.new("RGBA", small.size, "white"), small)
    small = small.convert("RGB")
    return np.asarray(small if orientation is None else small.transpose(orientation))


def _eight_bits(image: Image.Image) -> Image.Image:
    """The picture as grey, RGB or RGBA of eight bits, whatever the file holds."""
    if image.mode.startswith("I"):
        return Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
    if image.mode in ("L", "RGB", "RGBA"):
        return image
    return image.convert("RGBA" if image.has_transparency_data else "RGB")


def _shrunk_size(size: tuple[int, int]) -> tuple[int, int]:
    factor = min(1.0, MAX_LONG_SIDE / max(size))
    return max(1, round(size[0] * factor)), max(1, round(size[1] * factor))


def _orientation(image: Image.Image) -> Image.Transpose | None:
    """How to turn the picture upright; metadata that cannot be read says nothing."""
    try:
        return _TURNS.get(image.getexif().get(_EXIF_ORIENTATION))
    except DAMAGED:
        return None


def shrink(picture: Pixels, long_side: int) -> Pixels:
    """The picture with at most `long_side` pixels on its long side, averaged so that nothing aliases."""
    height, width = picture.shape[:2]
    if max(height, width) <= long_side:
        return picture
    factor = long_side / max(height, width)
    size = max(1, round(width * factor)), max(1, round(height * factor))
    return np.asarray(Image.fromarray(picture).resize(size, Image.Resampling.BILINEAR))


def enlarge(picture: Pixels, factor: float) -> Pixels:
    """The picture `factor` times as wide and as high."""
    height, width = picture.shape[:2]
    size = round(width * factor), round(height * factor)
    return np.asarray(Image.fromarray(picture).resize(size, Image.Resampling.BILINEAR))


def resample(picture: Pixels, matrix: Affine, size: int) -> Pixels:
    """A `size x size x 3` view of the picture; `matrix` (2 x 3) takes its pixel centres to the picture's, outside is black."""
    image = Image.fromarray(picture)
    # Pillow counts from the corner of a pixel, the matrix from its centre.
    offsets = matrix[:, 2] + 0.5 - matrix[:, :2].sum(axis=1) / 2
    data = (*matrix[0, :2], offsets[0], *matrix[1, :2], offsets[1])
    chip = image.transform((size, size), Image.Transform.AFFINE, data, Image.Resampling.BILINEAR)
    return np.asarray(chip)


def grey(picture: Pixels) -> Pixels:
    """`h x w` uint8 luma (ITU-R 601)."""
    return np.asarray(Image.fromarray(picture).convert("L"))


def crop(picture: Pixels, box: Box, size: int) -> Pixels:
    """What of the box lies in the picture, as `size x size x 3`; a box wholly outside gives black."""
    height, width = picture.shape[:2]
    left, top = max(box.left, 0.0), max(box.top, 0.0)
    right, bottom = min(box.left + box.width, width), min(box.top + box.height, height)
    if right - left < 1 or bottom - top < 1:
        return np.zeros((size, size, 3), dtype=np.uint8)
    part = (left, top, right, bottom)
    return np.asarray(Image.fromarray(picture).resize((size, size), Image.Resampling.BILINEAR, box=part))


def sampled(picture: Pixels, box: Box, size: int) -> Pixels:
    """The box (whole pixels within the picture) as `size x size x 3`, each pixel from the four nearest and nothing averaged.

    Networks that were trained on pictures shrunk like this take an averaged one for a print: it is too smooth.
    """
    right, bottom = box.left + box.width, box.top + box.height
    part = np.ascontiguousarray(picture[int(box.top) : int(bottom), int(box.left) : int(right)])
    scale_x, scale_y = part.shape[1] / size, part.shape[0] / size
    data = (scale_x, 0, 0, 0, scale_y, 0)
    chip = Image.fromarray(part).transform(
        (size, size), Image.Transform.AFFINE, data, Image.Resampling.BILINEAR
    )
    return np.asarray(chip)


def resize_grey(picture: Pixels, width: int, height: int) -> Pixels:
    """`height x width` uint8 luma, averaged."""
    return np.asarray(Image.fromarray(picture).convert("L").resize((width, height), Image.Resampling.BOX))


def blurred(luma: Pixels, radius: float) -> NDArray[np.float64]:
    """`h x w` luma after a Gaussian blur of `radius` pixels."""
    return np.asarray(Image.fromarray(luma).filter(ImageFilter.GaussianBlur(radius)), dtype=np.float64)
