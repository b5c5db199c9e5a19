"""Is this one still picture, and where does it end? Answered from the file's own structure, before any pixel is decoded.

Phones put films, second pictures and notes of their own behind the end of a good picture: whatever follows is cut off and
never opened, and refused where it begins as a program, a page or an archive. Other formats, animations and four-colour print
are refused with a hint for the person.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from authsvc.errors import InvalidRequest, PayloadTooLarge, UnsupportedMedia
from authsvc.face.hints import Hint

MAX_PIXELS = 24_000_000
"""Of a picture that is unpacked whole; one that can be unpacked at an eighth of its size may have more."""

MIN_SIDE = 32

_HARMFUL = (
    b"<", b"PK", b"\x7fELF", b"MZ", b"#!", b"%PDF", b"%!PS", b"GIF8", b"\x89PNG", b"RIFF", b"Rar!",
    b"7z\xbc\xaf", b"\x1f\x8b", b"BZh", b"\xca\xfe\xba\xbe", b"\xcf\xfa\xed\xfe",
)  # fmt: skip
_PADDING = b"\x00 \t\r\n"


LARGEST_SENSOR = 250_000_000
"""Pixels of a picture that a phone may have taken; what says to have more was made by nobody's camera."""


class OtherFormat(UnsupportedMedia):
    """A picture, but of a kind that is not read here: the person can send another."""

    hint = Hint.OTHER_FORMAT


class TooManyPixels(PayloadTooLarge):
    """A picture of more pixels than are unpacked, as the largest sensors write it: the person can send a smaller one."""

    hint = Hint.TOO_MANY_PIXELS


UNREAD = (OtherFormat, TooManyPixels)
"""What the person is told about a picture; everything else that is refused no phone writes."""


@dataclass(frozen=True, slots=True)
class Still:
    """One still picture: its format as Pillow calls it, its size in pixels, and where it ends in the file.

    `apart` is true where it is decoded in a process of its own, because its decoder is large.
    """

    kind: str
    width: int
    height: int
    end: int
    apart: bool = False

    @property
    def pixels(self) -> int:
        return self.width * self.height


def check_size(width: int, height: int, most: int = MAX_PIXELS) -> None:
    """Raises PayloadTooLarge or InvalidRequest for a picture that is too large to be opened, or too small for a face."""
    if width * height > most:
        refusal = TooManyPixels if width * height <= LARGEST_SENSOR else PayloadTooLarge
        raise refusal(f"a picture of {width} x {height} pixels, and {most} are accepted")
    if min(width, height) < MIN_SIDE:
        raise InvalidRequest(
            f"a picture of {width} x {height} pixels, and at least {MIN_SIDE} a side are needed"
        )


def check_tail(data: bytes, end: int, *, second_picture: bool = False) -> None:
    """Raises UnsupportedMedia where something else begins behind the picture; a second one only if the first announces it."""
    tail = data[end : end + 4096].lstrip(_PADDING) or data[end:].lstrip(_PADDING)
    if tail.startswith(_HARMFUL) or (tail.startswith(b"\xff\xd8") and not second_picture):
        raise UnsupportedMedia(f"another file follows the end of the picture ({len(data) - end} bytes)")


_OTHERS: Mapping[bytes, str] = {
    b"GIF8": "GIF",
    b"BM": "BMP",
    b"II*\x00": "TIFF or raw",
    b"MM\x00*": "TIFF or raw",
    b"\xff\x0a": "JPEG XL",
    b"\x00\x00\x00\x0cJXL ": "JPEG XL",
    b"\x00\x00\x00\x0cjP  ": "JPEG 2000",
    b"\x00\x00\x01\x00": "ICO",
    b"%PDF": "PDF",
}


def refuse_other(data: bytes) -> None:
    """Raises OtherFormat for a picture of a format that is known by its beginning, UnsupportedMedia for anything else."""
    for beginning, name in _OTHERS.items():
        if data.startswith(beginning):
            raise OtherFormat(f"a {name} picture: send JPEG, PNG or WebP")
    raise UnsupportedMedia("not a JPEG, PNG or WebP picture")
