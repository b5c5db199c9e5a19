"""The structure of a WebP (RFC 9649): one still picture, and where it ends."""

from __future__ import annotations

from authsvc.errors import InvalidRequest
from authsvc.face.image_structure import OtherFormat, Still, check_size, check_tail, refuse_other

RIFF = b"RIFF"
_FIRST = 20  # Where the body of the first chunk begins.
_ANIMATED = 0x02
_KEY_FRAME = b"\x9d\x01\x2a"


def check_webp(data: bytes) -> Still:
    """The picture of the file; raises as `image.decode` does."""
    if data[8:12] != b"WEBP":
        refuse_other(data)
    size = int.from_bytes(data[4:8], "little")
    end = 8 + size + size % 2
    if size < 22 or end > len(data):
        raise InvalidRequest("the picture is damaged or ends too early")
    width, height = _size(data[12:16], data[_FIRST : _FIRST + 10])
    check_size(width, height)
    check_tail(data, end)
    return Still("WEBP", width, height, end)


def _size(kind: bytes, body: bytes) -> tuple[int, int]:
    """Width and height, as the first chunk states them."""
    if kind == b"VP8X":
        if body[0] & _ANIMATED:
            raise OtherFormat("an animated picture: send a still one")
        return 1 + int.from_bytes(body[4:7], "little"), 1 + int.from_bytes(body[7:10], "little")
    if kind == b"VP8L" and body[0] == 0x2F:
        packed = int.from_bytes(body[1:5], "little")
        return 1 + (packed & 0x3FFF), 1 + (packed >> 14 & 0x3FFF)
    if kind == b"VP8 " and body[3:6] == _KEY_FRAME:
        width, height = (int.from_bytes(body[at : at + 2], "little") & 0x3FFF for at in (6, 8))
        return width, height
    raise InvalidRequest("the picture is damaged or ends too early")
