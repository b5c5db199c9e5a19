"""The structure of a JPEG: its size and its end, before any pixel."""

import pytest

from authsvc.errors import InvalidRequest, UnsupportedMedia
from authsvc.face.image_structure import OtherFormat
from authsvc.face.jpeg_structure import check_jpeg
from tests.face.drawing import RED, drawn, jpeg

DATA = jpeg(drawn(RED))


@pytest.mark.parametrize("progressive", [False, True])
def test_size_and_end_are_read(progressive: bool) -> None:
    data = jpeg(drawn(RED), progressive=progressive)
    still = check_jpeg(data + bytes(9))
    assert (still.kind, still.width, still.height, still.end) == ("JPEG", 640, 480, len(data))


@pytest.mark.parametrize("kept", [4, 30, 600, len(DATA) - 2])
def test_a_picture_that_breaks_off_is_damaged(kept: int) -> None:
    with pytest.raises(InvalidRequest, match="damaged or ends too early"):
        check_jpeg(DATA[:kept])


def test_four_colours_and_rare_kinds_are_refused() -> None:
    frame = DATA.index(b"\xff\xc0")
    rare = DATA[: frame + 1] + b"\xc9" + DATA[frame + 2 :]
    four = DATA[: frame + 9] + b"\x04" + DATA[frame + 10 :]
    for data in (rare, four):
        with pytest.raises(OtherFormat):
            check_jpeg(data)


def test_a_page_behind_the_picture_is_refused() -> None:
    with pytest.raises(UnsupportedMedia, match="another file follows"):
        check_jpeg(DATA + b"<script>")
