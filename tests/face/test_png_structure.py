"""The structure of a PNG: its size and its end, before any pixel."""

import pytest

from authsvc.errors import InvalidRequest, UnsupportedMedia
from authsvc.face.image_structure import OtherFormat
from authsvc.face.png_structure import PNG, check_png
from tests.face.drawing import RED, drawn, png

DATA = png(drawn(RED))


def test_size_and_end_are_read() -> None:
    still = check_png(DATA + b"\n")
    assert (still.kind, still.width, still.height, still.end) == ("PNG", 640, 480, len(DATA))


@pytest.mark.parametrize("data", [PNG, DATA[:40], DATA[:-12], PNG + DATA[33:]])
def test_what_lacks_its_beginning_or_its_end_is_damaged(data: bytes) -> None:
    with pytest.raises(InvalidRequest):
        check_png(data)


def test_an_animation_is_refused() -> None:
    chunk = (8).to_bytes(4, "big") + b"acTL" + bytes(12)
    with pytest.raises(OtherFormat, match="animated"):
        check_png(DATA[:33] + chunk + DATA[33:])


def test_a_depth_that_the_standard_does_not_know_is_refused() -> None:
    with pytest.raises(UnsupportedMedia, match="3 bits"):
        check_png(DATA[:24] + b"\x03" + DATA[25:])
