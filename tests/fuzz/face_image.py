"""An Atheris target: whatever bytes come, the picture decoder refuses in its own words or decodes.

Not part of the test run. Atheris is fetched for the occasion:

    uv run --with atheris python tests/fuzz/face_image.py -max_total_time=600 -rss_limit_mb=1024 -max_len=20000
"""

import sys

import atheris

with atheris.instrument_imports(include=["authsvc", "PIL"]):
    from authsvc.errors import InvalidRequest, PayloadTooLarge, UnsupportedMedia
    from authsvc.face.image import MAX_LONG_SIDE, decode

_STARTS = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"")


def examine(data: bytes) -> None:
    """The first byte chooses a beginning, so that most inputs get past the first look."""
    if not data:
        return
    try:
        picture = decode(_STARTS[data[0] % len(_STARTS)] + data[1:])
    except (InvalidRequest, PayloadTooLarge, UnsupportedMedia):
        return
    if picture.ndim != 3 or picture.shape[2] != 3 or max(picture.shape) > MAX_LONG_SIDE:
        raise AssertionError(f"a picture of shape {picture.shape}")


if __name__ == "__main__":
    atheris.Setup(sys.argv, examine)
    atheris.Fuzz()
