"""One still picture of a size that is read, with nothing harmful behind its end."""

import pytest

from authsvc.errors import InvalidRequest, PayloadTooLarge, UnsupportedMedia
from authsvc.face.image_structure import (
    MAX_PIXELS,
    MIN_SIDE,
    OtherFormat,
    check_size,
    check_tail,
    refuse_other,
)


def test_a_size_between_the_bounds_is_accepted() -> None:
    check_size(MIN_SIDE, MIN_SIDE)
    check_size(6000, 4000)
    with pytest.raises(PayloadTooLarge):
        check_size(MAX_PIXELS, 2)
    with pytest.raises(InvalidRequest):
        check_size(MIN_SIDE - 1, 500)


@pytest.mark.parametrize("tail", [b"", b"\x00\x00\n", b"\x00\x00\x00\x18ftypmp42", bytes(5000)])
def test_a_phone_s_own_notes_and_films_may_follow(tail: bytes) -> None:
    check_tail(b"picture" + tail, 7)


@pytest.mark.parametrize("tail", [b"<html>", b"PK\x03\x04", b"\x7fELF", b"  #!/bin/sh", bytes(5000) + b"MZ"])
def test_a_program_a_page_or_an_archive_may_not(tail: bytes) -> None:
    with pytest.raises(UnsupportedMedia):
        check_tail(b"picture" + tail, 7)


def test_a_second_picture_follows_only_where_the_first_announced_it() -> None:
    check_tail(b"picture\xff\xd8\xff", 7, second_picture=True)
    with pytest.raises(UnsupportedMedia):
        check_tail(b"picture\xff\xd8\xff", 7)


@pytest.mark.parametrize(("data", "name"), [(b"GIF89a", "GIF"), (b"II*\x00", "TIFF"), (b"%PDF-1.7", "PDF")])
def test_another_format_is_called_by_its_name(data: bytes, name: str) -> None:
    with pytest.raises(OtherFormat, match=name):
        refuse_other(data)
    with pytest.raises(UnsupportedMedia, match="not a JPEG"):
        refuse_other(b"words")
