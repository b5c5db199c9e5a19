"""Which container a recording comes in, told by its first bytes alone."""

from __future__ import annotations

from enum import StrEnum

from authsvc.errors import PayloadTooLarge, UnsupportedMedia


class TooLong(PayloadTooLarge):
    """More seconds than are heard; the person can be told so."""


class NotInstalled(UnsupportedMedia):
    """A container that this installation does not open; the person can be told so."""


class Container(StrEnum):
    WAV = "wav"
    FLAC = "flac"
    OGG = "ogg"
    MP3 = "mp3"
    WEBM = "webm"
    M4A = "m4a"


def container_of(data: bytes) -> Container:
    """The container of these bytes; raises UnsupportedMedia for any other."""
    if data[:4] == b"RIFF" and data[8:12] == b"WAVE":
        return Container.WAV
    if data[:4] == b"fLaC":
        return Container.FLAC
    if data[:4] == b"OggS":
        return Container.OGG
    if data[:4] == b"\x1aE\xdf\xa3":
        return Container.WEBM
    if data[4:8] == b"ftyp":
        return Container.M4A
    if data[:3] == b"ID3" or _is_mp3_frame(data):
        return Container.MP3
    raise UnsupportedMedia("not a WAV, FLAC, OGG, MP3, WebM or M4A recording")


def is_left_to_av(data: bytes) -> bool:
    """Whether only FFmpeg opens what begins so: WebM, or M4A."""
    return data[:4] == b"\x1aE\xdf\xa3" or data[4:8] == b"ftyp"


def _is_mp3_frame(data: bytes) -> bool:
    """The eleven set bits of a frame, of a version and layer that MP3 has (ISO/IEC 11172-3 section 2.4.1.3)."""
    if len(data) < 2 or data[0] != 0xFF or data[1] & 0xE0 != 0xE0:
        return False
    version, layer = data[1] >> 3 & 0b11, data[1] >> 1 & 0b11
    return version != 0b01 and layer == 0b01
