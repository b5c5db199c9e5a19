"""What is recorded is a corpus that can be read and replayed; of whom did not agree nothing is kept."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest

from authsvc.biometric.words import Modality
from authsvc.errors import InvalidRequest
from authsvc.lab.clips import clip_of
from authsvc.lab.corpus import read_corpus
from authsvc.lab.recording import CAPTURES, CONSENTS, MANIFEST, About, Recording, Upload

ASKED = {"gestures": ["left"], "pause_ms": 300}


def frames(*at: int, nonce: str = "n") -> Upload:
    meta = {"taken_at_ms": [*at], "camera": "front"}
    return Upload(nonce, meta, [b"\xff\xd8%d" % each for each in at], 200, "2026-11-30T12:00:00Z")


def spoken(nonce: str = "n") -> Upload:
    return Upload(nonce, {}, [b"RIFF" + nonce.encode()], 422, "2026-11-30T12:00:00Z")


@pytest.fixture
def recording(tmp_path: Path) -> Recording:
    made = Recording(tmp_path / "corpus", About("bona_fide", "phone A", "monday"))
    made.agree("ann", "I agree", "2026-11-30T11:59:00Z")
    return made


def lines(recording: Recording, name: str) -> list[dict[str, object]]:
    return [json.loads(line) for line in (recording.folder / name).read_text().splitlines()]


def test_the_parts_of_a_face_are_one_sample_in_its_own_time(recording: Recording) -> None:
    recording.begin("ann", Modality.FACE, ASKED)
    assert recording.take("ann", Modality.FACE, frames(5_000, 5_110, nonce="n1"), {"gestures": ["up"]})
    assert recording.take("ann", Modality.FACE, frames(5_230, 5_340, nonce="n2"), {})
    (sample,) = read_corpus(recording.folder / MANIFEST).samples
    assert (sample.subject, sample.species, sample.instrument, sample.session) == (
        "ann",
        None,
        "phone A",
        "monday",
    )
    assert clip_of(sample.path).taken_ms == (0, 110, 230, 340)
    said = lines(recording, CAPTURES)
    assert [(each["nonce"], each["asked"], each["meta"]["camera"]) for each in said] == [  # type: ignore[index] # JSON.
        ("n1", ASKED, "front"),
        ("n2", {"gestures": ["up"]}, "front"),
    ]


def test_a_capture_that_begins_anew_is_another_sample(recording: Recording) -> None:
    for _ in range(2):
        recording.begin("ann", Modality.FACE, ASKED)
        recording.take("ann", Modality.FACE, frames(0, 100), {})
    assert len(read_corpus(recording.folder / MANIFEST).samples) == 2


def test_each_row_of_digits_is_a_sample_that_says_them(recording: Recording) -> None:
    for digits in ("40291738", "38516274"):
        recording.begin("ann", Modality.VOICE, {"digits": digits, "language": "en"})
        recording.take("ann", Modality.VOICE, spoken(digits), {})
    found = read_corpus(recording.folder / MANIFEST).of(Modality.VOICE)
    assert [each.path.name for each in found] == ["40291738_0001.wav", "38516274_0002.wav"]
    assert [each["answered"] for each in lines(recording, CAPTURES)] == [422, 422]


def test_of_whom_did_not_agree_nothing_is_kept(recording: Recording) -> None:
    recording.begin("bob", Modality.FACE, ASKED)
    assert not recording.take("bob", Modality.FACE, frames(0), {})
    assert not recording.take("ann", Modality.FACE, frames(0), {})
    assert sorted(file.name for file in recording.folder.iterdir()) == [CONSENTS]
    assert lines(recording, CONSENTS)[0]["sentence"] == "I agree"


def test_only_its_operator_reads_a_corpus(recording: Recording) -> None:
    recording.begin("ann", Modality.FACE, ASKED)
    recording.take("ann", Modality.FACE, frames(0, 100), {})
    modes = {stat.S_IMODE(each.stat().st_mode) for each in recording.folder.rglob("*") if each.is_file()}
    folders = {stat.S_IMODE(each.stat().st_mode) for each in recording.folder.rglob("*") if each.is_dir()}
    assert (modes, folders) == ({0o600}, {0o700})


def test_a_clock_that_is_set_back_or_says_nothing_leaves_a_readable_sample(recording: Recording) -> None:
    recording.begin("ann", Modality.FACE, ASKED)
    recording.take("ann", Modality.FACE, frames(5_000, 5_100), {})
    recording.take("ann", Modality.FACE, frames(10, 90), {})
    recording.take("ann", Modality.FACE, Upload("n", {"taken_at_ms": ["x"]}, [b"\xff\xd8"], 200, ""), {})
    (sample,) = read_corpus(recording.folder / MANIFEST).samples
    assert clip_of(sample.path).taken_ms == (0, 100, 100, 100, 100)


def test_a_corpus_of_before_goes_on_and_another_folder_is_left_alone(
    recording: Recording, tmp_path: Path
) -> None:
    recording.begin("ann", Modality.FACE, ASKED)
    recording.take("ann", Modality.FACE, frames(0, 100), {})
    again = Recording(recording.folder, About("print"))
    again.agree("ann", "I agree", "")
    again.begin("ann", Modality.FACE, ASKED)
    again.take("ann", Modality.FACE, frames(0, 100), {})
    assert [each.species for each in read_corpus(recording.folder / MANIFEST).samples] == [None, "print"]
    (tmp_path / "holiday.jpg").touch()
    with pytest.raises(InvalidRequest, match="holds something else"):
        Recording(tmp_path, About("print"))
