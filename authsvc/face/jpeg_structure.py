"""The structure of a JPEG: one baseline or progressive picture of three components or one, and where it ends."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator

from authsvc.errors import InvalidRequest, UnsupportedMedia
from authsvc.face.image_structure import MAX_PIXELS, OtherFormat, Still, check_size, check_tail

JPEG = b"\xff\xd8\xff"

MAX_BASELINE_PIXELS = 65_000_000
"""A baseline picture is unpacked row by row at an eighth of its size; a progressive one is held whole."""

_MAX_SCANS = 20  # A progressive picture has about ten; each costs a pass over all pixels.
# Inside a scan 0xFF is followed by a stuffed zero or a restart marker; anything else ends the scan.
_SCAN_END = re.compile(rb"\xff[\x01-\xcf\xd8-\xfe]")
_FILL = re.compile(rb"\xff+")
_MAX_FILL = 4096  # Libraries take a step for each.
_MAX_SEGMENTS = 4096
_SOS, _EOI, _APP1, _APP2 = 0xDA, 0xD9, 0xE1, 0xE2
_SOF = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_SOF_WHOLE = 0xC2
_SOF_READ = frozenset({0xC0, 0xC1, _SOF_WHOLE})  # Baseline, extended, progressive.
_ANNOUNCED = (b"MPF\x00", b"hdrgm:", b"GContainer", b"Container:Directory", b"GDepth:", b"GCamera:")
"""How a first picture says that others follow: the index of CIPA DC-007, or a directory in its XMP."""


def check_jpeg(data: bytes) -> Still:
    """The first picture of the file; raises as `image.decode` does."""
    scans = 0
    announced = False
    size: tuple[int, int] | None = None
    for marker, start, end in _segments(data):
        if marker in _SOF:
            if size is not None:
                raise UnsupportedMedia("several frames in one picture")
            size = _checked_frame(marker, data[start:end])
        scans += marker == _SOS
        if scans > _MAX_SCANS:
            raise UnsupportedMedia("too many scans in one picture")
        if marker in (_APP1, _APP2):
            announced = announced or any(word in data[start:end] for word in _ANNOUNCED)
        if marker == _EOI and size is not None and scans > 0:
            check_tail(data, end, second_picture=announced)
            return Still("JPEG", *size, end)
    raise InvalidRequest("the picture is damaged or ends too early")


def _segments(data: bytes) -> Iterator[tuple[int, int, int]]:
    """Marker, and where its body starts and ends, up to the end marker; the coded data of a scan is skipped."""
    at = 2
    for _ in range(_MAX_SEGMENTS):
        fill = _FILL.match(data, at, at + _MAX_FILL)
        if fill is None or fill.end() >= len(data):
            return
        at = fill.end() - 1
        marker = data[at + 1]
        if marker == 0xFF:
            return
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
            at = len(data) if scan_end is None else scan_end.start()


def _checked_frame(marker: int, body: bytes) -> tuple[int, int]:
    """Width and height."""
    if marker not in _SOF_READ or len(body) < 6:
        raise OtherFormat("a JPEG of a rare kind: send a baseline or progressive one")
    depth, height, width, components = struct.unpack_from(">BHHB", body)
    check_size(width, height, MAX_PIXELS if marker == _SOF_WHOLE else MAX_BASELINE_PIXELS)
    if depth != 8 or components not in (1, 3):
        raise OtherFormat(f"JPEG with {depth} bits and {components} components: send 8-bit RGB or grey")
    return width, height
