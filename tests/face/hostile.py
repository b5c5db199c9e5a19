"""Two hundred and more files that mean harm: broken off, bombs, animations, odd modes, two formats in one, looping metadata."""

import io
import struct
import zlib
from collections.abc import Iterator

import numpy as np
from PIL import Image

from tests.face.drawing import BLUE, RED, drawn, jpeg, png

_SMALL = drawn(RED, width=100, size=(300, 240))


def hostile_files() -> Iterator[tuple[str, bytes]]:
    """A name and the bytes of each."""
    yield from _truncated()
    yield from _bombs()
    yield from _other_formats()
    yield from _two_in_one()
    yield from _metadata()
    yield from _segments()
    yield from _noise()


def _saved(image: Image.Image, kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def _truncated() -> Iterator[tuple[str, bytes]]:
    for name, data in (
        ("jpeg", jpeg(_SMALL)),
        ("png", png(_SMALL)),
        ("progressive", jpeg(_SMALL, progressive=True)),
    ):
        for part in range(16):
            yield f"{name} after {part}/16", data[: len(data) * part // 16]


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png_of(
    width: int,
    height: int,
    *chunks: bytes,
    depth: int = 8,
    colour: int = 2,
    rows: bytes = b"",
    interlaced: int = 0,
) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, interlaced)
    body = chunk(b"IDAT", zlib.compress(rows, 9))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + b"".join(chunks) + body + chunk(b"IEND", b"")


def _bombs() -> Iterator[tuple[str, bytes]]:
    for width, height in (
        (100_000, 100_000),
        (2**31 - 1, 2**31 - 1),
        (1, 2**31 - 1),
        (24_000_001, 1),
        (0, 0),
        (0, 50),
    ):
        yield f"png of {width} x {height}", png_of(width, height)
    for interlaced in (0, 1):
        rows = (b"\x00" + bytes(4800 * 4)) * 4900
        yield (
            f"png bomb within limits, {interlaced}",
            png_of(4800, 4900, colour=6, rows=rows, interlaced=interlaced),
        )
        yield (
            f"png with too many rows, {interlaced}",
            png_of(64, 64, rows=bytes(50_000_000), interlaced=interlaced),
        )
    text = b"Comment\x00\x00" + zlib.compress(bytes(80_000_000), 9)
    yield "compressed text bomb", png_of(64, 64, chunk(b"zTXt", text))
    yield "international text bomb", png_of(64, 64, chunk(b"iTXt", b"a\x00\x01\x00\x00\x00" + text[9:]))
    yield (
        "colour profile bomb",
        png_of(64, 64, chunk(b"iCCP", b"p\x00\x00" + zlib.compress(bytes(80_000_000), 9))),
    )
    yield "a million chunks", png_of(64, 64, chunk(b"tEXt", b"") * 900_000)
    for side in (1, 5000, 65_500):
        yield f"jpeg that says {side}", sized(jpeg(_SMALL), side, side)
    yield "progressive of 24 megapixels", sized(jpeg(_SMALL, progressive=True), 4800, 5000)
    progressive = jpeg(_SMALL, progressive=True)
    scan = progressive[progressive.rindex(b"\xff\xda") : -2]
    yield "a thousand scans", progressive[:-2] + scan * 1000 + progressive[-2:]


def sized(data: bytes, width: int, height: int) -> bytes:
    at = next(data.index(marker) for marker in (b"\xff\xc0", b"\xff\xc2") if marker in data) + 5
    return data[:at] + struct.pack(">HH", height, width) + data[at + 4 :]


def _other_formats() -> Iterator[tuple[str, bytes]]:
    image = Image.fromarray(_SMALL)
    for kind in (
        "GIF",
        "WEBP",
        "BMP",
        "TIFF",
        "PPM",
        "TGA",
        "ICO",
        "PCX",
        "JPEG2000",
        "SGI",
        "DDS",
        "PDF",
        "EPS",
    ):
        yield kind, _saved(image, kind)
    for mode in ("1", "P", "LA", "I;16"):
        yield f"png in mode {mode}", _saved(image.convert("L").convert(mode), "PNG")
    for mode in ("CMYK", "YCbCr", "L"):
        yield f"jpeg in mode {mode}", _saved(image.convert(mode), "JPEG")
    yield "transparent", _saved(Image.new("RGBA", (64, 64), (0, 0, 0, 3)), "PNG")
    for depth in (1, 2, 4, 16, 32, 0, 255):
        yield f"png of {depth} bits", png_of(64, 64, depth=depth, rows=bytes(30_000))
    for colour in (1, 3, 4, 5, 7, 255):
        yield f"png of colour {colour}", png_of(64, 64, colour=colour, rows=bytes(30_000))
    for kind in ("PNG", "GIF", "WEBP", "TIFF", "MPO"):
        yield (
            f"animated {kind}",
            _saved(
                image, kind, save_all=True, append_images=[Image.fromarray(drawn(BLUE, size=(300, 240)))] * 3
            ),
        )
    for text in (
        b"",
        b"\xff\xd8\xff",
        b"\x89PNG\r\n\x1a\n",
        b"<svg/>",
        b"%PDF-1.7",
        b"GIF89a",
        b"RIFF\x00\x00\x00\x00WEBP",
    ):
        yield f"only {text!r}", text


def _two_in_one() -> Iterator[tuple[str, bytes]]:
    tails = {
        "zip": b"PK\x03\x04" + bytes(60),
        "html": b"<script>1</script>",
        "php": b"<?php 1;",
        "elf": b"\x7fELF",
    }
    for first_name, first in (("jpeg", jpeg(_SMALL)), ("png", png(_SMALL))):
        for name, tail in tails.items():
            yield f"{first_name} then {name}", first + tail
            yield f"{name} then {first_name}", tail + first
        yield f"{first_name} twice", first * 2
        yield f"{first_name} then zeros and a byte", first + bytes(4000) + b"!"


def _metadata() -> Iterator[tuple[str, bytes]]:
    entry = struct.pack(">HHIHH", 0x0112, 3, 1, 6, 0)
    heads = {
        "a directory that is its own next": struct.pack(">H", 1) + entry + struct.pack(">I", 8),
        "65535 entries": b"\xff\xff" + entry * 3,
        "an entry of four gigabytes": struct.pack(">HHHII", 1, 0x0112, 7, 2**32 - 1, 8),
        "a sub-directory that is the first": struct.pack(">HHHII", 1, 0x8769, 4, 1, 8) + bytes(4),
        "an orientation of 99": struct.pack(">HHHIHH", 1, 0x0112, 3, 1, 99, 0),
        "an orientation of text": struct.pack(">HHHII", 1, 0x0112, 2, 4, 0x41424344),
        "nothing": b"",
    }
    for name, head in heads.items():
        body = b"MM\x00*\x00\x00\x00\x08" + head
        data, exif = jpeg(_SMALL), b"Exif\x00\x00" + body
        yield f"jpeg with {name}", data[:2] + b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif + data[2:]
        whole = png(_SMALL)
        yield f"png with {name}", whole[:33] + chunk(b"eXIf", body) + whole[33:]


def _segments() -> Iterator[tuple[str, bytes]]:
    data = jpeg(_SMALL)
    for marker in (0xC3, 0xC5, 0xC7, 0xC9, 0xCB, 0xCD, 0xCF, 0xF7):
        yield f"frame marker {marker:x}", data.replace(b"\xff\xc0", bytes([0xFF, marker]), 1)
    for length in (0, 1, 2, 65_535):
        yield f"a segment of {length}", data[:2] + b"\xff\xe5" + struct.pack(">H", length) + data[2:]
    yield "endless fill bytes", data[:2] + b"\xff" * 3_000_000 + data[2:]
    yield "a million segments", data[:2] + b"\xff\xfe\x00\x02" * 1_000_000 + data[2:]
    yield "many restart markers", data[:-2] + b"\xff\xd0" * 1_000_000 + data[-2:]
    yield "no tables", data[:2] + data[data.index(b"\xff\xc0") :]
    components = data.index(b"\xff\xc0") + 9
    for count in (0, 2, 4, 255):
        yield f"{count} components", data[:components] + bytes([count]) + data[components + 1 :]


def _noise() -> Iterator[tuple[str, bytes]]:
    chance = np.random.default_rng(23)
    for name, data in (("jpeg", jpeg(_SMALL)), ("png", png(_SMALL))):
        for number in range(30):
            spoiled = bytearray(data)
            for at in chance.integers(2, len(data), 6):
                spoiled[at] = chance.integers(0, 256)
            yield f"{name} spoiled {number}", bytes(spoiled)
