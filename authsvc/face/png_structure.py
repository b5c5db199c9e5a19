"""The structure of a PNG: one still picture of any colour type and depth that the standard knows, and where it ends."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping

from authsvc.errors import InvalidRequest, UnsupportedMedia
from authsvc.face.image_structure import OtherFormat, Still, check_size, check_tail

PNG = b"\x89PNG\r\n\x1a\n"
_MAX_CHUNKS = 8192
_DEPTHS: Mapping[int, frozenset[int]] = {
    0: frozenset({1, 2, 4, 8, 16}),  # Grey.
    2: frozenset({8, 16}),  # RGB.
    3: frozenset({1, 2, 4, 8}),  # Palette.
    4: frozenset({8, 16}),  # Grey with alpha.
    6: frozenset({8, 16}),  # RGB with alpha.
}


def check_png(data: bytes) -> Still:
    """The picture of the file; raises as `image.decode` does."""
    size = (0, 0)
    for number, (kind, body, end) in enumerate(_chunks(data)):
        if number == 0:
            size = _checked_header(kind, body)
        if kind == b"acTL":
            raise OtherFormat("an animated picture: send a still one")
        if kind == b"IEND":
            check_tail(data, end)
            return Still("PNG", *size, end)
    raise InvalidRequest("the picture is damaged or ends too early")


def _chunks(data: bytes) -> Iterator[tuple[bytes, bytes, int]]:
    """Kind, the first 13 bytes of the body, and where the chunk ends."""
    at = len(PNG)
    for _ in range(_MAX_CHUNKS):
        if at + 12 > len(data):
            return
        length, kind = struct.unpack_from(">I4s", data, at)
        end = at + 12 + length
        if end > len(data):
            return
        yield kind, data[at + 8 : at + 8 + min(length, 13)], end
        at = end


def _checked_header(kind: bytes, body: bytes) -> tuple[int, int]:
    """Width and height."""
    if kind != b"IHDR" or len(body) != 13:
        raise InvalidRequest("the picture does not begin with its header")
    width, height, depth, colour = struct.unpack_from(">IIBB", body)
    check_size(width, height)
    if depth not in _DEPTHS.get(colour, ()):
        raise UnsupportedMedia(
            f"PNG with {depth} bits and colour type {colour}, which the standard does not know"
        )
    return width, height
