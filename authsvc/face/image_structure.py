"""Is this one plain, still picture and nothing else? Answered from the file's own structure, before any pixel is decoded.

Refused are other formats, animations, several pictures in one file, sixteen bits, palettes, four-colour print, and whatever
follows the picture's end: bytes that some other program would read as something else.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator

from authsvc.errors import InvalidRequest, PayloadTooLarge, UnsupportedMedia

MAX_PIXELS = 24_000_000
MIN_SIDE = 32
_MAX_SCANS = 20  # A progressive picture has about ten; each costs a pass over all pixels.
_MAX_CHUNKS = 8192

_PNG = b"\x89PNG\r\n\x1a\n"
_PNG_COLOURS = frozenset({0, 2, 6})  # Grey, RGB, RGBA.
_JPEG = b"\xff\xd8\xff"
# Inside a scan 0xFF is followed by a stuffed zero or a restart marker; anything else ends the scan.
_SCAN_END = re.compile(rb"\xff+[^\x00\xff\xd0-\xd7]")
_FILL = re.compile(rb"\xff+")
_SOS, _EOI = 0xDA, 0xD9
_SOF = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_SOF_READ = frozenset({0xC0, 0xC1, 0xC2})  # Baseline, extended, progressive.


def check_structure(data: bytes) -> str:
    """`JPEG` or `PNG`; raises UnsupportedMedia, PayloadTooLarge or InvalidRequest as `image.decode` says."""
    if data.startswith(_JPEG):
        _check_jpeg(data)
        return "JPEG"
    if data.startswith(_PNG):
        _check_png(data)
        return "PNG"
    raise UnsupportedMedia("not a JPEG or PNG picture")


def _check_size(width: int, height: int) -> None:
    if width * height > MAX_PIXELS:
        raise PayloadTooLarge(f"a picture of {width} x {height} pixels, and {MAX_PIXELS} are accepted")
    if min(width, height) < MIN_SIDE:
        raise InvalidRequest(
            f"a picture of {width} x {height} pixels, and at least {MIN_SIDE} a side are needed"
        )


def _check_end(data: bytes, end: int) -> None:
    if data[end:].strip(b"\x00"):
        raise UnsupportedMedia(f"{len(data) - end} bytes follow the end of the picture")


def _check_png(data: bytes) -> None:
    for number, (kind, body, end) in enumerate(_png_chunks(data)):
        if number == 0:
            _check_png_header(kind, body)
        if kind == b"acTL":
            raise UnsupportedMedia("an animated picture")
        if kind == b"IEND":
            return _check_end(data, end)
    raise InvalidRequest("the picture is damaged or ends too early")


def _png_chunks(data: bytes) -> Iterator[tuple[bytes, bytes, int]]:
    """Kind, the first 13 bytes of the body, and where the chunk ends."""
    at = len(_PNG)
    for _ in range(_MAX_CHUNKS):
        if at + 12 > len(data):
            return
        length, kind = struct.unpack_from(">I4s", data, at)
        end = at + 12 + length
        if end > len(data):
            return
        yield kind, data[at + 8 : at + 8 + min(length, 13)], end
        at = end


def _check_png_header(kind: bytes, body: bytes) -> None:
    if kind != b"IHDR" or len(body) != 13:
        raise InvalidRequest("the picture does not begin with its header")
    width, height, depth, colour = struct.unpack_from(">IIBB", body)
    _check_size(width, height)
    if depth != 8 or colour not in _PNG_COLOURS:
        raise UnsupportedMedia(f"PNG with {depth} bits and colour type {colour}: send 8-bit RGB or grey")


def _check_jpeg(data: bytes) -> None:
    scans = frames = 0
    for marker, start, end in _jpeg_segments(data):
        if marker in _SOF:
            _check_jpeg_frame(marker, data[start:end])
            frames += 1
        scans += marker == _SOS
        if frames > 1 or scans > _MAX_SCANS:
            raise UnsupportedMedia("several pictures, or too many scans, in one file")
        if marker == _EOI and frames == 1 and scans > 0:
            return _check_end(data, end)
    raise InvalidRequest("the picture is damaged or ends too early")


def _jpeg_segments(data: bytes) -> Iterator[tuple[int, int, int]]:
    """Marker, and where its body starts and ends, up to the end marker; the coded data of a scan is skipped."""
    at = 2
    while at + 2 <= len(data) and data[at] == 0xFF:
        marker = data[at + 1]
        if marker == 0xFF:
            at = _FILL.match(data, at).end() - 1  # type: ignore[union-attr]  # two fill bytes were just seen
            continue
        if marker == _EOI:
            yield marker, at + 2, at + 2
            return
        if at + 4 > len(data):
            return
        end = at + 2 + int.from_bytes(data[at + 2 : at + 4], "big")
        yield marker, at + 4, end
        at = end
        if marker == _SOS:
            scan_end = _SCAN_END.search(data, end)
            at = len(data) if scan_end is None else scan_end.end() - 2


def _check_jpeg_frame(marker: int, body: bytes) -> None:
    if marker not in _SOF_READ or len(body) < 6:
        raise UnsupportedMedia("a JPEG of a rare kind: send a baseline or progressive one")
    depth, height, width, components = struct.unpack_from(">BHHB", body)
    _check_size(width, height)
    if depth != 8 or components not in (1, 3):
        raise UnsupportedMedia(f"JPEG with {depth} bits and {components} components: send 8-bit RGB or grey")
