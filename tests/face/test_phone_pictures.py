"""Files as phones and browsers write them: read as the picture in them, or answered with a sentence for the person."""

from __future__ import annotations

import io
import struct
import subprocess
import sys
import zlib
from collections.abc import Callable
from functools import partial

import numpy as np
import pytest
from PIL import Image, ImageCms, features

from authsvc.biometric.manifest import Manifest
from authsvc.errors import InvalidRequest, PayloadTooLarge, UnsupportedMedia
from authsvc.face import heif_engine, image
from authsvc.face.capture import CaptureContext
from authsvc.face.engine import Pixels
from authsvc.face.hints import sentence
from authsvc.face.image import MAX_APART, decode, examined
from authsvc.face.image_structure import OtherFormat
from authsvc.face.liveness import UnsafeNoPad
from authsvc.face.service import FaceService
from authsvc.factor import Unusable
from tests.face.drawing import BLUE, RED, ColourMatcher, SquareDetector, drawn

PICTURE = drawn(RED, BLUE)
IMAGE = Image.fromarray(PICTURE)
SHAPE = PICTURE.shape
FILM = b"\x00\x00\x00\x18ftypmp42\x00\x00\x00\x00isommp42" + bytes(range(256)) * 400


def saved(picture: Image.Image = IMAGE, kind: str = "JPEG", **options: object) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, kind, **options)
    return buffer.getvalue()


def turned(orientation: int) -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = orientation
    exif[0x010F] = "samsung"
    return exif


def sef(kind: int, name: bytes, body: bytes) -> bytes:
    """A trailer in the form of Samsung's: blocks, a directory of them, and how long that is."""
    block = struct.pack("<HHI", 0, kind, len(name)) + name + body
    listed = b"SEFH" + struct.pack("<II", 106, 1) + struct.pack("<HHII", 0, kind, len(block), len(block))
    return block + listed + struct.pack("<I", len(listed)) + b"SEFT"


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def deep_png(colour: int) -> bytes:
    """The picture with sixteen bits a channel, which Pillow does not write."""
    grey = np.asarray(IMAGE.convert("L"))[..., None]
    channels = {0: grey, 2: PICTURE, 4: np.dstack([grey, np.full(SHAPE[:2], 255)])}
    channels[6] = np.dstack([PICTURE, np.full(SHAPE[:2], 255)])
    rows = b"".join(b"\x00" + row.tobytes() for row in channels[colour].astype(">u2") * 257)
    head = struct.pack(">IIBBBBB", SHAPE[1], SHAPE[0], 16, colour, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"IDAT", zlib.compress(rows))
        + chunk(b"IEND", b"")
    )


def profiled(extra: int) -> bytes:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    return saved(icc_profile=profile + bytes(extra))


def with_corner() -> Image.Image:
    seen = IMAGE.convert("RGBA")
    seen.putpixel((0, 0), (0, 0, 0, 0))
    return seen


def coarse(picture: Pixels) -> Pixels:
    """Brightness over a few pixels: what half-tones and grey keep."""
    return np.asarray(Image.fromarray(picture).convert("L").resize((64, 48), Image.Resampling.BOX))


READ: dict[str, Callable[[], bytes]] = {
    "progressive JPEG": lambda: saved(progressive=True),
    "JPEG without subsampling": lambda: saved(subsampling=0, quality=100),
    "JPEG that says it is RGB": lambda: saved()[:2] + b"\xff\xee\x00\x0eAdobe\x00\x64\x00\x00\x00\x00\x01" + saved()[2:],
    "colour profile": lambda: profiled(0),
    "colour profile of many segments": lambda: profiled(200_000),
    "maker's notes": lambda: saved(exif=b"Exif\x00\x00MM\x00*\x00\x00\x00\x08" + bytes(60_000)),
    "NUL bytes behind": lambda: saved() + bytes(4),
    "a line feed behind": lambda: saved() + b"\r\n",
    "a film behind": lambda: saved() + FILM,
    "a film behind, for a television": lambda: saved() + b"\x00\x00\x00\x1cftypqt  " + FILM,
    "a time of taking behind": lambda: saved() + sef(0x0A01, b"Image_UTC_Data", b"1700000000000"),
    "a film in a trailer": lambda: saved() + sef(0x0A30, b"MotionPhoto_Data", FILM),
    "notes of another maker behind": lambda: saved() + b'vivo{"version":1,"depth":0}' + bytes(12),
    "a live photo's length behind": lambda: saved() + FILM + b"LIVE_0000012345",
    "several pictures, indexed": lambda: saved(kind="MPO", save_all=True, append_images=[IMAGE.resize((64, 48))]),
    "a gain map behind": lambda: saved(kind="MPO", save_all=True, append_images=[IMAGE.convert("L").resize((160, 120))]),
    "palette PNG": lambda: saved(IMAGE.quantize(64), "PNG"),
    "palette PNG with transparency": lambda: saved(with_corner().quantize(64), "PNG"),
    "grey PNG with alpha": lambda: saved(IMAGE.convert("LA"), "PNG"),
    "PNG with one corner transparent": lambda: saved(with_corner(), "PNG"),
    "opaque RGBA PNG": lambda: saved(IMAGE.convert("RGBA"), "PNG"),
    "1-bit PNG": lambda: saved(IMAGE.convert("1"), "PNG"),
    **{f"16-bit PNG of colour type {colour}": partial(deep_png, colour) for colour in (0, 2, 4, 6)},
    "PNG with bytes behind": lambda: saved(kind="PNG") + b"\x00\x00screenshot",
    "lossy WebP": lambda: saved(kind="WEBP", quality=85),
    "lossless WebP": lambda: saved(kind="WEBP", lossless=True),
    "WebP with alpha": lambda: saved(with_corner(), "WEBP"),
    "WebP with metadata": lambda: saved(kind="WEBP", exif=turned(1)),
    "WebP with bytes behind": lambda: saved(kind="WEBP") + b"\x00\x00\x00\x00",
}  # fmt: skip


@pytest.mark.parametrize("name", READ)
def test_what_a_phone_writes_is_read_as_the_picture_in_it(name: str) -> None:
    decoded = decode(READ[name]())
    assert decoded.shape == SHAPE
    assert np.abs(coarse(decoded).astype(int) - coarse(PICTURE)).mean() < 6


@pytest.mark.parametrize("orientation", [3, 6, 8])
def test_a_webp_is_turned_upright(orientation: int) -> None:
    decoded = decode(saved(kind="WEBP", exif=turned(orientation)))
    assert decoded.shape == (SHAPE if orientation == 3 else (640, 480, 3))


@pytest.mark.parametrize("size", [(8064, 6048), (8160, 6120), (8192, 6144), (9248, 6936)])
def test_a_photograph_at_full_resolution_is_unpacked_at_an_eighth(size: tuple[int, int]) -> None:
    """In a process of its own, whose largest size says what it cost."""
    program = (
        "import sys; from authsvc.face.image import decode\n"
        "assert max(decode(sys.stdin.buffer.read()).shape) == 960\n"
        "print(open('/proc/self/status').read().split('VmHWM:')[1].split()[0])"
    )
    data = saved(IMAGE.resize(size), quality=80)
    done = subprocess.run(
        [sys.executable, "-c", program], input=data, capture_output=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr[-500:]
    assert int(done.stdout) < 160 * 1024


@pytest.mark.parametrize(
    "data",
    [
        lambda: saved(IMAGE.resize((8064, 6048)), progressive=True),
        lambda: saved(IMAGE.resize((9600, 7200))),
        lambda: b"RIFF\x20\x00\x00\x00WEBPVP8X\x0a\x00\x00\x00\x00\x00\x00\x00\xff\xff\x3f\xff\xff\x3f" + bytes(20),
    ],
)  # fmt: skip
def test_what_would_have_to_be_held_whole_is_too_large(data: Callable[[], bytes]) -> None:
    with pytest.raises(PayloadTooLarge):
        decode(data())


OTHERS: dict[str, Callable[[], bytes]] = {
    "HEIC where no decoder is": lambda: b"\x00\x00\x00\x24ftypheic\x00\x00\x00\x00mif1MiHEmiafheix" + bytes(2000),
    "GIF": lambda: saved(kind="GIF"),
    "BMP": lambda: saved(kind="BMP"),
    "TIFF": lambda: saved(kind="TIFF"),
    "JPEG 2000": lambda: saved(kind="JPEG2000"),
    "JPEG XL": lambda: b"\xff\x0a" + bytes(2000),
    "four-colour JPEG": lambda: saved(IMAGE.convert("CMYK")),
    "animated PNG": lambda: saved(kind="PNG", save_all=True, append_images=[IMAGE.rotate(90)]),
    "animated WebP": lambda: saved(kind="WEBP", save_all=True, append_images=[IMAGE.rotate(90)]),
    "a film": lambda: FILM,
}  # fmt: skip


@pytest.mark.parametrize("name", OTHERS)
def test_a_picture_of_another_kind_is_answered_with_a_sentence(
    name: str, drawn_manifest: Manifest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(heif_engine, "_has_decoder", lambda kind: False)
    with pytest.raises(OtherFormat):
        decode(OTHERS[name]())
    service = FaceService(drawn_manifest, SquareDetector(), ColourMatcher(), UnsafeNoPad(), least_frames=1)
    answered = service.enroll([OTHERS[name]()] * 3, CaptureContext())
    assert answered == Unusable(("other_format",))
    assert "JPEG" in sentence("other_format", "en")
    assert "JPEG" in sentence("other_format", "zh-CN")


def of_size(size: tuple[int, int], kind: str) -> bytes:
    return saved(Image.new("L", size), kind)


@pytest.mark.parametrize(
    ("size", "kind"),
    [
        ((12_000, 9_000), "JPEG"),
        ((16_320, 12_240), "JPEG"),
        ((30_000, 2_200), "JPEG"),
        ((8_064, 6_048), "PNG"),
        ((6_000, 4_100), "WEBP"),
    ],
)
def test_a_picture_of_the_largest_sensors_is_answered_with_a_sentence(
    size: tuple[int, int], kind: str, drawn_manifest: Manifest
) -> None:
    large = of_size(size, kind)
    service = FaceService(drawn_manifest, SquareDetector(), ColourMatcher(), UnsafeNoPad(), least_frames=1)
    answered = service.enroll([saved(), saved(), large], CaptureContext())
    assert answered == Unusable(("too_many_pixels",))
    assert "smaller" in sentence("too_many_pixels", "en")
    assert "缩小" in sentence("too_many_pixels", "zh-CN")


HARMFUL = (
    b"PK\x03\x04",
    b"\x7fELF",
    b"MZ\x90",
    b"<html>",
    b"<?php",
    b"#!/bin/sh",
    b"%PDF-1.7",
    b"\n\x00<script>",
)


@pytest.mark.parametrize("tail", [*HARMFUL, saved(), saved(kind="PNG")])
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_a_picture_that_is_another_file_as_well_is_refused(tail: bytes, kind: str) -> None:
    with pytest.raises(UnsupportedMedia):
        decode(saved(kind=kind) + tail + bytes(50))


@pytest.mark.skipif(not features.check("avif"), reason="this Pillow does not read AVIF")
class TestAvif:
    """In a process of its own."""

    def test_it_is_read(self) -> None:
        decoded = decode(saved(kind="AVIF"))
        assert np.abs(decoded.astype(int) - PICTURE).mean() < 8

    @pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
    def test_what_breaks_off_is_damaged(self, share: float) -> None:
        data = saved(kind="AVIF")
        with pytest.raises(InvalidRequest):
            decode(data[: int(len(data) * share)])

    def test_more_pixels_than_accepted_are_too_many(self, monkeypatch: pytest.MonkeyPatch) -> None:
        data = saved(IMAGE.resize((9600, 7200)), "AVIF", speed=10)
        with pytest.raises(PayloadTooLarge):
            decode(data)

    def test_only_so_many_are_taken_at_once(self) -> None:
        data = saved(kind="AVIF")
        assert len(examined([data] * MAX_APART)) == MAX_APART
        with pytest.raises(PayloadTooLarge):
            examined([data] * (MAX_APART + 1))


def test_pictures_of_a_capture_share_a_limit_of_pixels() -> None:
    """Small files that unpack to much: each is accepted, and all of them together are not."""
    flat = saved(Image.new("RGB", (4800, 4900)), "PNG")
    assert len(examined([flat] * 12)) == 12
    with pytest.raises(PayloadTooLarge, match=str(image.MAX_CAPTURE_PIXELS)):
        examined([flat] * 13)
