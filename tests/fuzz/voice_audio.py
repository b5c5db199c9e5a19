"""An Atheris target: whatever bytes come, the audio decoder refuses in its own words or answers bounded, finite sound.

Not part of the test run. Atheris is fetched for the occasion:

    uv run --with atheris python tests/fuzz/voice_audio.py -max_total_time=600 -rss_limit_mb=1024 -max_len=20000
"""

import sys

import atheris

with atheris.instrument_imports(include=["authsvc"]):
    from authsvc.errors import InvalidRequest, PayloadTooLarge, UnsupportedMedia
    from authsvc.voice.audio import MAX_SECONDS, decode, encode_opus, encode_wav

import numpy as np

_SOUND = np.sin(np.arange(8000) / 5).astype(np.float32)
# WebM and M4A start a child process each, which is too slow to fuzz from here.
_STARTS = (
    encode_wav(_SOUND),
    encode_opus(_SOUND, 16000),
    b"fLaC\x00\x00\x00\x22",
    b"ID3\x04\x00\x00",
    b"\xff\xfb\x90",
    b"",
)


def examine(data: bytes) -> None:
    """The first bytes choose a beginning and how much of it is kept, so that most inputs get past the first look."""
    if len(data) < 3:
        return
    start = _STARTS[data[0] % len(_STARTS)]
    kept = int.from_bytes(data[1:3], "big") % (len(start) + 1)
    try:
        recording = decode(start[:kept] + data[3:])
    except (InvalidRequest, PayloadTooLarge, UnsupportedMedia):
        return
    if not np.isfinite(recording.samples).all() or recording.seconds > MAX_SECONDS + 0.01:
        raise AssertionError(f"a recording of {recording.seconds} s")


if __name__ == "__main__":
    atheris.Setup(sys.argv, examine)
    atheris.Fuzz()
