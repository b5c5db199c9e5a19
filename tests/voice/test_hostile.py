"""Two hundred hostile recordings: each is refused in the decoder's own words, quickly, and within bounded memory."""

import io
import random
import resource
import struct
import time
from collections.abc import Iterator
from functools import cache

import numpy as np
import pytest
import soundfile

from authsvc.errors import AuthsvcError, InvalidRequest, PayloadTooLarge, UnsupportedMedia
from authsvc.factor import Unusable
from authsvc.voice.audio import MAX_BYTES, encode_opus, encode_wav
from authsvc.voice.audio import decode as decode_audio
from authsvc.voice.capture import CaptureContext
from authsvc.voice.service import VoiceService
from tests.support.slowness import slowness
from tests.voice.sounds import say

SOUND = say("402917")
LONGEST_S = 3.0
MOST_MEMORY = 200 * 1024 * 1024


def packed(sound: np.ndarray, container: str, rate: int = 16000, subtype: str | None = None) -> bytes:
    buffer = io.BytesIO()
    soundfile.write(buffer, sound, rate, format=container, subtype=subtype)
    return buffer.getvalue()


def wav_header(channels: int, rate: int, bits: int, size: int, kind: int = 1) -> bytes:
    block = channels * bits // 8
    form = struct.pack("<HHIIHH", kind, channels, rate, rate * block & 0xFFFFFFFF, block & 0xFFFF, bits)
    return b"RIFF" + struct.pack("<I", size) + b"WAVEfmt " + struct.pack("<I", 16) + form + b"data"


def id3(size: int, frame: bytes) -> bytes:
    """An ID3v2.4 tag that claims `size` bytes, in seven bits each."""
    sizes = bytes(size >> shift & 0x7F for shift in (21, 14, 7, 0))
    return b"ID3\x04\x00\x00" + sizes + frame


def hostile() -> Iterator[tuple[str, bytes]]:
    """Truncated, claiming, lying and spoiled files of every container; the same two hundred every time."""
    chance = random.Random(20261122)
    good = {
        "wav": encode_wav(SOUND),
        "flac": packed(SOUND, "FLAC"),
        "vorbis": packed(SOUND, "OGG", subtype="VORBIS"),
        "opus": encode_opus(SOUND, 16000),
        "mp3": packed(SOUND, "MP3"),
    }
    for name, data in good.items():
        for length in (4, 12, 20, 36, 44, 60, 200):
            yield f"{name} cut after {length}", data[:length]
        for other in good:
            if other != name:
                yield f"{name} in the clothes of {other}", good[other][:12] + data[12:]
        for number in range(22):
            yield f"{name} spoiled {number}", spoiled(data, chance)
    for rate, channels, bits in (
        (0, 1, 16),
        (16000, 0, 16),
        (16000, 64, 16),
        (16000, 65535, 16),
        (2**31, 1, 16),
    ):
        yield (
            f"wav {rate} {channels} {bits}",
            wav_header(channels, rate, bits, 2**31 - 1) + struct.pack("<I", 1600) + bytes(1600),
        )
    for bits in (0, 1, 7, 48, 65535):
        yield f"wav of {bits} bits", wav_header(1, 16000, bits, 1000) + struct.pack("<I", 1600) + bytes(1600)
    for kind in (2, 6, 7, 0x11, 0x31, 0x50, 0x55, 0xFFFE, 0xFFFF):
        yield (
            f"wav codec {kind}",
            wav_header(1, 16000, 16, 1000, kind) + struct.pack("<I", 1600) + bytes(1600),
        )
    for claim in (0, 1, 2**31 - 1, 2**32 - 1):
        yield f"wav claims {claim}", wav_header(1, 8000, 16, claim) + struct.pack("<I", claim)
    for value in (np.nan, np.inf, -np.inf):
        yield f"floats {value}", packed(np.full(16000, value), "WAV", subtype="FLOAT")
    yield "ten hours", packed(np.zeros(10 * 3600 * 8000, dtype=np.int16), "FLAC", 8000)
    yield "one sample", encode_wav(SOUND[:1])
    yield "no sample", encode_wav(SOUND[:0])
    yield "a megabyte of tag", id3(2**27, bytes(2**20))
    yield "a tag in a tag", id3(40, id3(40, id3(40, bytes(4000))))
    for flags in (b"\x00\x08", b"\x00\x0c", b"\x00\xff"):
        frame = b"TIT2\x00\x00\x0f\xff" + flags + b"x\x9c" + bytes(3000)
        yield f"a tag packed {flags.hex()}", id3(5000, frame)
    yield "a picture", b"\x89PNG\r\n\x1a\n" + bytes(1000)
    yield "a zip", b"PK\x03\x04" + bytes(1000)
    yield "a script", b"#!/bin/sh\n" * 100
    yield "webm of nothing", b"\x1aE\xdf\xa3" + bytes(1000)
    yield "m4a of nothing", b"\x00\x00\x00\x18ftypM4A " + bytes(1000)
    yield "m4a that names a file", b"\x00\x00\x00\x18ftypM4A " + b"file:///etc/passwd" * 10
    yield "too many bytes", b"RIFF\x00\x00\x00\x00WAVE" + bytes(MAX_BYTES)
    yield "a playlist", b"#EXTM3U\nhttp://127.0.0.1/a.wav\n"


def spoiled(data: bytes, chance: random.Random) -> bytes:
    """Some bytes changed in the first half, where the structure is."""
    raw = bytearray(data)
    for _ in range(chance.choice((1, 4, 32))):
        raw[chance.randrange(len(raw) // 2)] = chance.randrange(256)
    return bytes(raw)


@cache
def files() -> dict[str, bytes]:
    return dict(hostile())


def test_there_are_two_hundred_of_them():
    assert len(files()) >= 200


def test_each_is_refused_or_harmless_quickly_and_in_little_memory():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for name, data in files().items():
        started = time.monotonic()
        try:
            recording = decode_audio(data)
        except (InvalidRequest, PayloadTooLarge, UnsupportedMedia):
            recording = None
        # What a format heals by itself comes out as sound of a bounded length all the same.
        assert recording is None or (np.isfinite(recording.samples).all() and recording.seconds < 12.01), name
        assert time.monotonic() - started < LONGEST_S * slowness(), name
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024
    assert grown < MOST_MEMORY


@pytest.mark.parametrize(
    "name", ["ten hours", "floats nan", "one sample", "wav 16000 64 16", "a zip", "m4a of nothing"]
)
def test_what_cannot_be_a_recording_is_refused(name: str):
    with pytest.raises(AuthsvcError):
        decode_audio(files()[name])


def test_the_service_answers_hostile_recordings_as_the_decoder_does(service: VoiceService):
    for name in ("ten hours", "floats nan", "a zip", "wav of 0 bits"):
        try:
            heard = service.listen(files()[name], CaptureContext("402917", "en"))
        except (InvalidRequest, PayloadTooLarge, UnsupportedMedia):
            continue
        # A person who speaks for too long is told so, and what is of another kind gets a sentence.
        assert isinstance(heard, Unusable), name
        assert set(heard.hints) <= {"too_long", "other_format"}, name
