"""Recordings of digits are found in any layout of folders, and rows of single digits are put together."""

from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from authsvc.biometric.manifest import Manifest
from authsvc.lab.voice import Plan, measure_voices
from authsvc.lab.voice_corpus import DigitRow, phrases, speakers
from authsvc.voice.audio import encode_wav
from tests.lab.hums import PROMPTS, engine
from tests.voice.sounds import say


def test_speakers_and_their_digits_are_read_from_the_names(corpus: Path):
    found = speakers(corpus)
    assert list(found) == ["hum360", "hum440", "hum520", "hum600"]
    assert {utterance.digits for utterance in found["hum360"]} == set(PROMPTS)


def test_a_table_of_transcripts_counts_more_than_names(corpus: Path, tmp_path: Path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "123_x.wav").write_bytes(b"")
    (tmp_path / "manifest.tsv").write_text("set\tpath\tdigits\nx\ta/123_x.wav\t456789\n")
    assert speakers(tmp_path)["a"][0].digits == "456789"


def test_a_row_of_single_digits_keeps_each_take_in_one_session(tmp_path: Path):
    for digit in "0123456789":
        for take in range(4):
            (tmp_path / "ann").mkdir(exist_ok=True)
            file = tmp_path / "ann" / f"{digit}_{take}.wav"
            file.write_bytes(encode_wav(say(digit, take=take)))
    rows = phrases(speakers(tmp_path)["ann"])
    takes: dict[str, set[Path]] = {}
    for row in rows:
        assert isinstance(row, DigitRow)
        takes.setdefault(row.session, set()).update(take.path for take in row.takes)
    one, other = takes.values()
    assert not one & other


def test_any_layout_of_folders_is_read(corpus: Path, tmp_path: Path, hum_manifest: Manifest):
    """Sessions within speakers, odd names, another wrapping, other containers, damaged, silent and very long files."""
    for number, person in enumerate(sorted(corpus.iterdir())[:3]):
        for session, file in enumerate(sorted(person.glob("*.wav"))):
            folder = tmp_path / "wrapped" / f"说话人 {number}" / f"session {session % 2}"
            folder.mkdir(parents=True, exist_ok=True)
            sound, rate = soundfile.read(file, dtype="float32")
            kind = ("WAV", "FLAC", "OGG", "MP3")[session % 4]
            soundfile.write(folder / f"a b #{session}.{kind}", sound, rate, format=kind)
    odd = tmp_path / "wrapped" / "说话人 0" / "session 0"
    (odd / "damaged.flac").write_bytes(b"fLaC" + bytes(100))
    (odd / "empty.wav").write_bytes(b"")
    (odd / "notes.txt").write_text("no recording")
    (odd / "._a b #0.WAV").write_bytes(b"litter")
    soundfile.write(odd / "silent.wav", np.zeros(48000), 16000)
    soundfile.write(odd / "short.wav", np.zeros(100), 16000)
    soundfile.write(odd / "long.wav", np.tile(say(PROMPTS[0], 360), 40), 16000)
    figures: Any = measure_voices(tmp_path, hum_manifest, engine, Plan(phrases=3, draws=2))
    assert (figures["speakers"], figures["utterances"]) == (3, 19)
    assert figures["refused_by_the_gates"]["unreadable"] == 4
    assert figures["conditions"]["clean"]["one_phrase"]["eer"] == 0
