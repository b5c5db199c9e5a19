"""Photographs in formats that the service does not take are looked at all the same, and nothing of them is lost."""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from authsvc.errors import InvalidRequest, UnsupportedMedia
from authsvc.face.image import decode
from authsvc.lab.pictures import photograph
from tests.face.drawing import drawn


@pytest.mark.parametrize("suffix", ["webp", "bmp", "tiff"])
def test_another_format_gives_the_same_pixels(tmp_path: Path, suffix: str) -> None:
    file = tmp_path / f"1.{suffix}"
    Image.fromarray(drawn()).save(file, lossless=True)
    assert np.array_equal(decode(photograph(file)), drawn())


def test_which_way_is_up_survives(tmp_path: Path) -> None:
    turned = Image.Exif()
    turned[0x0112] = 6
    file = tmp_path / "1.webp"
    Image.fromarray(drawn()).save(file, exif=turned, lossless=True)
    assert decode(photograph(file)).shape == (640, 480, 3)


def test_jpeg_and_png_are_the_bytes_that_lie_there(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    Image.fromarray(drawn()).save(buffer, "JPEG")
    (tmp_path / "1.JPG").write_bytes(buffer.getvalue())
    assert photograph(tmp_path / "1.JPG") == buffer.getvalue()


@pytest.mark.parametrize("damage", [b"", b"RIFF????WEBPVP8 nothing", bytes(5000)])
def test_what_is_no_picture_is_left_to_the_decoder_to_refuse(tmp_path: Path, damage: bytes) -> None:
    file = tmp_path / "1.webp"
    file.write_bytes(damage)
    with pytest.raises((InvalidRequest, UnsupportedMedia)):
        decode(photograph(file))
