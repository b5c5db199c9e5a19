"""Pictures stand on a page only where somebody asks, and are few and small, whatever a corpus holds."""

from __future__ import annotations

import base64
import io
import re
import wave
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from authsvc.biometric.words import Modality
from authsvc.lab import page_pictures
from authsvc.lab.corpus import Sample
from authsvc.lab.page_pictures import MOST_OF_A_KIND, SPECTROGRAM, THUMBNAIL, Shown, pictures_of, section


@pytest.fixture
def photograph(tmp_path: Path) -> Path:
    noise = np.random.default_rng(1).integers(0, 256, (900, 1200, 3), dtype=np.uint8)
    Image.fromarray(noise).save(tmp_path / "1.jpg")
    return tmp_path / "1.jpg"


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    with wave.open(str(tmp_path / "1.wav"), "wb") as file:
        file.setparams((1, 2, 16_000, 0, "NONE", ""))
        file.writeframes(np.random.default_rng(1).integers(-9_000, 9_000, 160_000).astype("<i2").tobytes())
    return tmp_path / "1.wav"


def sizes(page: str) -> list[tuple[int, int]]:
    found = re.findall(r'src="data:image/\w+;base64,([^"]+)"', page)
    opened = (Image.open(io.BytesIO(base64.b64decode(each))) for each in found)
    return [each.size for each in opened]


def test_a_face_and_a_voice_are_small_and_the_page_says_whose_they_are(
    photograph: Path, recording: Path
) -> None:
    shown = [
        Shown("print", Sample(photograph, "print", "ann<b>"), ("print",)),
        Shown("heard", Sample(recording, "heard", "bob", Modality.VOICE), ("telephone",)),
    ]
    made = pictures_of(shown)
    page = section(made)
    face, voice = sizes(page)
    assert max(face) == THUMBNAIL
    assert voice == SPECTROGRAM
    assert all(len(each.content) < 20_000 for each in made)
    assert "ann&lt;b&gt;" in page
    assert "holds pictures of people" in page


def test_a_picture_that_lies_on_its_side_is_put_upright(tmp_path: Path) -> None:
    turned = Image.Exif()
    turned[0x0112] = 6
    Image.new("RGB", (640, 480)).save(tmp_path / "1.jpg", exif=turned)
    (made,) = pictures_of([Shown("live", Sample(tmp_path / "1.jpg", None, "ann"))])
    with Image.open(io.BytesIO(made.content)) as opened:
        assert opened.size == (72, 96)


def test_without_any_nothing_is_said() -> None:
    assert section(pictures_of(())) == ""


def test_of_each_kind_there_is_a_dozen_and_of_all_no_more_than_so_many(
    photograph: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(page_pictures, "MOST", 20)
    sample = Sample(photograph, None, "ann")
    assert len(pictures_of([Shown("one", sample)] * 50)) == MOST_OF_A_KIND
    assert len(pictures_of(Shown(f"{n // 3}", sample) for n in range(90))) == 20


@pytest.mark.parametrize("content", [b"", b"no picture", b"\xff\xd8\xff"])
def test_what_cannot_be_read_has_none(content: bytes, tmp_path: Path) -> None:
    for name, modality in (("x.jpg", Modality.FACE), ("x.wav", Modality.VOICE)):
        (tmp_path / name).write_bytes(content)
        assert pictures_of([Shown("x", Sample(tmp_path / name, "x", "ann", modality))]) == ()
