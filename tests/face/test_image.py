"""Uploaded pictures: what is taken, what is refused, and that refusing costs little."""

import contextlib
import io
import struct
import tracemalloc
import zlib

import numpy as np
import pytest
from PIL import Image

from authsvc.errors import InvalidRequest, PayloadTooLarge, UnsupportedMedia
from authsvc.face.image import MAX_BYTES, decode, resample, shrink
from tests.face.drawing import BLUE, RED, drawn, jpeg, png

PICTURE = drawn(RED, BLUE)
CORNER = np.zeros((120, 80, 3), dtype=np.uint8)
CORNER[:40, :30] = 255  # White at the top left, so that every turn can be told.


def saved(image: Image.Image, kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def png_chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png_of(width: int, height: int, depth: int = 8, colour: int = 2, rows: bytes = b"") -> bytes:
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(png_chunk(kind, body) for kind, body in chunks)


@pytest.mark.parametrize("encode", [jpeg, png])
def test_a_plain_picture_comes_out_as_it_went_in(encode: object) -> None:
    assert callable(encode)
    decoded = decode(encode(PICTURE))
    assert decoded.shape == PICTURE.shape
    assert np.abs(decoded.astype(int) - PICTURE.astype(int)).mean() < 3


@pytest.mark.parametrize("mode", ["L", "RGBA"])
def test_grey_and_opaque_pictures_become_rgb(mode: str) -> None:
    assert decode(saved(Image.fromarray(PICTURE).convert(mode), "PNG")).shape == PICTURE.shape


@pytest.mark.parametrize("size", [(4000, 3000), (3000, 4000), (4032, 2268)])
def test_a_large_photograph_is_shrunk_while_it_is_decoded(size: tuple[int, int]) -> None:
    data = saved(Image.fromarray(PICTURE).resize(size), "JPEG")
    tracemalloc.start()
    decoded = decode(data)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert max(decoded.shape) == 960
    assert decoded.shape[1] / decoded.shape[0] == pytest.approx(size[0] / size[1], rel=0.01)
    assert peak < 32 * 1024 * 1024


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_every_orientation_is_turned_upright(orientation: int, kind: str) -> None:
    stored = {1: CORNER, 2: CORNER[:, ::-1], 3: CORNER[::-1, ::-1], 4: CORNER[::-1]}
    sideways = CORNER.transpose(1, 0, 2)
    stored |= {5: sideways, 6: sideways[::-1], 7: sideways[::-1, ::-1], 8: sideways[:, ::-1]}
    exif = Image.Exif()
    exif[0x0112] = orientation
    options = {"quality": 95} if kind == "JPEG" else {}
    decoded = decode(
        saved(Image.fromarray(np.ascontiguousarray(stored[orientation])), kind, exif=exif, **options)
    )
    assert decoded.shape == CORNER.shape
    assert decoded[10:30, 5:25].min() > 200
    assert decoded[60:, 40:].max() < 50


def test_damaged_metadata_is_no_reason_to_refuse() -> None:
    data = jpeg(PICTURE)
    exif = b"Exif\x00\x00MM\x00*\x00\x00\x00\x08\xff\xff" + b"\x01\x12\x00\x03\xff\xff\xff\xff" * 20
    segment = b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif
    assert decode(data[:2] + segment + data[2:]).shape == PICTURE.shape


def test_metadata_that_points_at_itself_ends() -> None:
    """An IFD whose next IFD is itself."""
    entry = struct.pack(">HHIHH", 0x0112, 3, 1, 6, 0)
    exif = b"Exif\x00\x00MM\x00*" + struct.pack(">IH", 8, 1) + entry + struct.pack(">I", 8)
    data = jpeg(PICTURE)
    segment = b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif
    assert decode(data[:2] + segment + data[2:]).shape == (640, 480, 3)


def animated(kind: str) -> bytes:
    frames = [Image.fromarray(drawn(colour)) for colour in (RED, BLUE)]
    return saved(frames[0], kind, save_all=True, append_images=frames[1:])


UNSUPPORTED = {
    "gif": lambda: animated("GIF"),
    "bmp": lambda: saved(Image.fromarray(PICTURE), "BMP"),
    "tiff": lambda: saved(Image.fromarray(PICTURE), "TIFF"),
    "svg": lambda: b"<svg xmlns='http://www.w3.org/2000/svg'/>",
    "html": lambda: b"<html><script>alert(1)</script></html>",
    "empty": lambda: b"",
    "zeros": lambda: bytes(4096),
    "animated PNG": lambda: animated("PNG"),
    "PNG of 3 bits": lambda: png_of(64, 64, depth=3),
    "PNG of colour type 5": lambda: png_of(64, 64, colour=5),
    "palette of 16 bits": lambda: png_of(64, 64, depth=16, colour=3),
    "CMYK JPEG": lambda: saved(Image.fromarray(PICTURE).convert("CMYK"), "JPEG"),
    "JPEG and ZIP": lambda: jpeg(PICTURE) + b"PK\x03\x04" + bytes(100),
    "JPEG and JPEG": lambda: jpeg(PICTURE) * 2,
    "PNG and HTML": lambda: png(PICTURE) + b"<script>alert(1)</script>",
    "arithmetic JPEG": lambda: jpeg(PICTURE).replace(b"\xff\xc0", b"\xff\xc9", 1),
}


@pytest.mark.parametrize("name", UNSUPPORTED)
def test_what_is_not_one_still_picture_is_refused(name: str) -> None:
    with pytest.raises(UnsupportedMedia):
        decode(UNSUPPORTED[name]())


BOMBS = {
    "PNG of 40 000 x 40 000": lambda: png_of(40_000, 40_000, rows=bytes(1000)),
    "PNG of 2 000 000 x 100": lambda: png_of(2_000_000, 100),
    "PNG just over": lambda: png_of(6000, 4001),
    "JPEG of 65 500 x 65 500": lambda: _with_size(65_500, 65_500),
    "more bytes than accepted": lambda: jpeg(PICTURE) + bytes(MAX_BYTES),
}


def _with_size(width: int, height: int) -> bytes:
    data = jpeg(PICTURE)
    at = data.index(b"\xff\xc0") + 5
    return data[:at] + struct.pack(">HH", height, width) + data[at + 4 :]


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_is_refused_before_it_is_unpacked(name: str) -> None:
    data = BOMBS[name]()
    tracemalloc.start()
    with pytest.raises(PayloadTooLarge):
        decode(data)
    assert tracemalloc.get_traced_memory()[1] < 1_000_000
    tracemalloc.stop()


@pytest.mark.parametrize("encode", [jpeg, png])
@pytest.mark.parametrize("share", [0.02, 0.1, 0.3, 0.5, 0.7, 0.9, 0.99])
def test_a_truncated_picture_is_refused(encode: object, share: float) -> None:
    assert callable(encode)
    data = encode(PICTURE)
    with pytest.raises(InvalidRequest):
        decode(data[: int(len(data) * share)])


def test_a_picture_too_small_for_any_face_is_refused() -> None:
    with pytest.raises(InvalidRequest, match="at least 32"):
        decode(saved(Image.new("RGB", (31, 400)), "JPEG"))


def test_a_progressive_picture_with_endless_scans_is_refused() -> None:
    data = saved(Image.fromarray(PICTURE), "JPEG", progressive=True)
    start = data.rindex(b"\xff\xda")
    many = data[:start] + data[start:-2] * 30 + data[-2:]
    with pytest.raises(UnsupportedMedia, match="too many scans"):
        decode(many)


def test_bytes_that_only_pad_the_end_are_let_be() -> None:
    assert decode(jpeg(PICTURE) + bytes(16)).shape == PICTURE.shape


@pytest.mark.parametrize("encode", [jpeg, png])
def test_spoiled_bytes_never_raise_anything_but_a_refusal(encode: object) -> None:
    assert callable(encode)
    data = encode(drawn(RED, size=(160, 240), width=60))
    chance = np.random.default_rng(11)
    for _ in range(150):
        spoiled = bytearray(data)
        for at in chance.integers(0, len(data), size=chance.integers(1, 8)):
            spoiled[at] = chance.integers(0, 256)
        with contextlib.suppress(InvalidRequest, UnsupportedMedia, PayloadTooLarge):
            assert decode(bytes(spoiled)).shape[2] == 3


def test_shrinking_keeps_the_shape_and_never_enlarges() -> None:
    assert shrink(PICTURE, 320).shape == (240, 320, 3)
    assert shrink(PICTURE, 5000) is PICTURE


def test_resampling_by_the_identity_changes_nothing() -> None:
    identity = np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])
    assert np.array_equal(resample(PICTURE, identity, 300)[1:-1, 1:-1], PICTURE[1:299, 1:299])
