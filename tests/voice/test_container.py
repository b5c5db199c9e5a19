"""Which container a recording comes in, by its first bytes."""

import pytest

from authsvc.errors import UnsupportedMedia
from authsvc.voice.container import Container, container_of, is_left_to_av


@pytest.mark.parametrize(
    ("data", "container"),
    [
        (b"RIFF\x00\x00\x00\x00WAVEfmt ", Container.WAV),
        (b"fLaC\x00", Container.FLAC),
        (b"OggS\x00", Container.OGG),
        (b"\x1aE\xdf\xa3\x01", Container.WEBM),
        (b"\x00\x00\x00\x18ftypM4A ", Container.M4A),
        (b"\x00\x00\x00\x1cftyp3gp4", Container.M4A),
        (b"caff\x00\x01", Container.CAF),
        (b"#!AMR\n", Container.AMR),
        (b"#!AMR-WB\n", Container.AMR),
        (b"\xff\xf1\x50", Container.AAC),
        (b"\xff\xf9\x50", Container.AAC),
        (b"ID3\x04", Container.MP3),
        (b"\xff\xfb\x90", Container.MP3),
    ],
)
def test_a_recording_is_known_by_its_beginning(data: bytes, container: Container) -> None:
    assert container_of(data) is container
    opened_here = {Container.WAV, Container.FLAC, Container.OGG, Container.MP3}
    assert is_left_to_av(data) == (container not in opened_here)


@pytest.mark.parametrize(
    "data",
    [b"", b"\xff", b"RIFF\x00\x00\x00\x00WEBP", b"\xff\xd8\xff", b"\xff\xff\x00", b"\xff\xe1", b"<html>"],
)
def test_what_is_no_recording_is_refused(data: bytes) -> None:
    with pytest.raises(UnsupportedMedia):
        container_of(data)
