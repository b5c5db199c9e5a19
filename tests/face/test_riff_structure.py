"""The structure of a WebP: its size and its end, before any pixel."""

import io

import pytest
from PIL import Image

from authsvc.errors import InvalidRequest, UnsupportedMedia
from authsvc.face.image_structure import OtherFormat
from authsvc.face.riff_structure import check_webp
from tests.face.drawing import GREEN, RED, drawn


def webp(**options: object) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(drawn(RED)).save(buffer, "WEBP", **options)
    return buffer.getvalue()


@pytest.mark.parametrize("options", [{"lossless": False}, {"lossless": True}, {"exif": b"Exif\x00\x00"}])
def test_size_and_end_are_read(options: dict[str, object]) -> None:
    data = webp(**options)
    still = check_webp(data + b"\x00")
    assert (still.kind, still.width, still.height, still.end) == ("WEBP", 640, 480, len(data))


def test_an_animation_is_refused() -> None:
    frames = [Image.fromarray(drawn(GREEN))]
    with pytest.raises(OtherFormat, match="animated"):
        check_webp(webp(save_all=True, append_images=frames))


@pytest.mark.parametrize("cut", [21, 100])
def test_what_breaks_off_is_damaged(cut: int) -> None:
    with pytest.raises(InvalidRequest):
        check_webp(webp()[:cut])


def test_sound_in_the_same_container_is_no_picture() -> None:
    with pytest.raises(UnsupportedMedia):
        check_webp(b"RIFF\x24\x00\x00\x00WAVEfmt ")
