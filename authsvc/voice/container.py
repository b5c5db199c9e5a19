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
    CAF = "caf"
    AAC = "aac"
    AMR = "amr"


_LEFT_TO_AV = frozenset({Container.WEBM, Container.M4A, Container.CAF, Container.AAC, Container.AMR})
_BEGINNINGS = {
    b"fLaC": Container.FLAC,
    b"OggS": Container.OGG,
    b"\x1aE\xdf\xa3": Container.WEBM,
    b"caff": Container.CAF,
    b"#!AM": Container.AMR,
}


def container_of(data: bytes) -> Container:
    """The container of these bytes; raises UnsupportedMedia for any other."""
    found = _known(data)
    if found is None:
        raise UnsupportedMedia("not a WAV, FLAC, OGG, MP3, WebM, M4A, 3GP, CAF, AAC or AMR recording")
    return found


def is_left_to_av(data: bytes) -> bool:
    """Whether only FFmpeg opens what begins so: what phones and browsers record by themselves."""
    return _known(data) in _LEFT_TO_AV


def _known(data: bytes) -> Container | None:
    if data[:4] == b"RIFF" and data[8:12] == b"WAVE":
        return Container.WAV
    if data[4:8] == b"ftyp":
        return Container.M4A
    if data[:3] == b"ID3" or _is_mp3_frame(data):
        return Container.MP3
    return Container.AAC if _is_adts_frame(data) else _BEGINNINGS.get(data[:4])


def _is_adts_frame(data: bytes) -> bool:
    """Twelve set bits, and no layer (ISO/IEC 13818-7 section 6.2)."""
    return len(data) >= 2 and data[0] == 0xFF and data[1] & 0xF6 == 0xF0


def _is_mp3_frame(data: bytes) -> bool:
    """The eleven set bits of a frame, of a version and layer that MP3 has (ISO/IEC 11172-3 section 2.4.1.3)."""
    if len(data) < 2 or data[0] != 0xFF or data[1] & 0xE0 != 0xE0:
        return False
    version, layer = data[1] >> 3 & 0b11, data[1] >> 1 & 0b11
    return version != 0b01 and layer == 0b01
