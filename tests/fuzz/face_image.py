"""An Atheris target: whatever bytes come, the picture decoder refuses in its own words or decodes.

Not part of the test run. Atheris is fetched for the occasion; an empty folder at the end of the line is filled with small
pictures to begin from, without which chance hardly ever makes one that is worth decoding:

    uv run --with atheris python tests/fuzz/face_image.py -max_total_time=600 -rss_limit_mb=1024 -max_len=20000 CORPUS
"""

import io
import struct
import sys
import zlib
from collections.abc import Iterator
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["authsvc", "PIL"]):
    from PIL import Image

    from authsvc.errors import InvalidRequest, PayloadTooLarge, UnsupportedMedia
    from authsvc.face.image import MAX_LONG_SIDE, decode

_JPEG, _PNG, _WEBP = b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"RIFF"
_STARTS = (_JPEG, _PNG, _WEBP, b"")


def examine(data: bytes) -> None:
    """The first byte chooses a beginning, so that most inputs get past the first look."""
    if not data:
        return
    start = _STARTS[data[0] % len(_STARTS)]
    try:
        picture = decode(start + (_with_checksums(data[1:]) if start == _PNG else data[1:]))
    except (InvalidRequest, PayloadTooLarge, UnsupportedMedia):
        return
    if picture.ndim != 3 or picture.shape[2] != 3 or max(picture.shape) > MAX_LONG_SIDE:
        raise AssertionError(f"a picture of shape {picture.shape}")


def _with_checksums(chunks: bytes) -> bytes:
    """A PNG's chunks with right checksums, or hardly any change would come farther than to them."""
    repaired, at = bytearray(chunks), 0
    while at + 12 <= len(repaired):
        end = at + 8 + struct.unpack_from(">I", repaired, at)[0]
        if end + 4 > len(repaired):
            break
        struct.pack_into(">I", repaired, end, zlib.crc32(repaired[at + 4 : end]))
        at = end + 4
    return bytes(repaired)


def _seeds() -> Iterator[bytes]:
    """Small pictures of every kind that is accepted, as `examine` takes them."""
    tile = Image.linear_gradient("L").resize((48, 40))
    colours = Image.merge("RGB", (tile, tile.rotate(90), tile.rotate(180)))
    turned = Image.Exif()
    turned[0x0112] = 6
    for number, kind, image, options in (
        (0, "JPEG", tile, {}),
        (0, "JPEG", colours, {"quality": 60}),
        (0, "JPEG", colours, {"progressive": True, "subsampling": 0}),
        (0, "JPEG", colours, {"exif": turned, "restart_marker_blocks": 2}),
        (1, "PNG", tile, {}),
        (1, "PNG", colours, {"exif": turned}),
        (1, "PNG", colours.convert("RGBA"), {}),
        (1, "PNG", colours.quantize(16), {}),
        (1, "PNG", tile.convert("I;16"), {}),
        (2, "WEBP", colours, {"exif": turned}),
        (2, "WEBP", colours.convert("RGBA"), {"lossless": True}),
    ):
        buffer = io.BytesIO()
        image.save(buffer, kind, **options)
        yield bytes([number]) + buffer.getvalue().removeprefix(_STARTS[number])


def _fill(corpus: Path) -> None:
    if corpus.is_dir() and not any(corpus.iterdir()):
        for number, seed in enumerate(_seeds()):
            (corpus / f"seed-{number}").write_bytes(seed)


if __name__ == "__main__":
    _fill(Path(sys.argv[-1]))
    atheris.Setup(sys.argv, examine)
    atheris.Fuzz()
