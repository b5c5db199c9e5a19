"""Recordings are cut up for the digits that are asked, and a voice is made anew, the same way every time."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest

from authsvc.errors import InvalidRequest
from authsvc.lab.voice_layers import VOICE_LAYERS, Speech, speech_of, synthesised
from authsvc.voice.audio import decode, encode_wav
from authsvc.voice.engine import SAMPLE_RATE, Samples


def tone(hertz: float, seconds: float = 0.4) -> Samples:
    return (0.3 * np.sin(np.arange(int(seconds * SAMPLE_RATE)) * 2 * np.pi * hertz / SAMPLE_RATE)).astype(
        np.float32
    )


TAKES: Mapping[str, Sequence[Samples]] = {str(digit): (tone(300 + 200 * digit),) for digit in range(10)}
SPEECH = Speech(tuple(takes[0] for takes in TAKES.values()), TAKES, "7702")


def loudest_hertz(samples: Samples) -> float:
    return float(np.abs(np.fft.rfft(samples)).argmax()) * SAMPLE_RATE / samples.size


@pytest.mark.parametrize("name", sorted(VOICE_LAYERS))
def test_a_layer_does_the_same_every_time_and_leaves_a_recording(name: str) -> None:
    once, again = (VOICE_LAYERS[name].change(SPEECH).wav() for _ in range(2))
    assert once == again
    assert (once == SPEECH.wav()) is (name == "other-nonce")
    assert decode(once).seconds > 1


def test_digits_are_pasted_in_the_order_that_is_asked() -> None:
    (pasted,) = VOICE_LAYERS["cut-and-paste"].change(SPEECH).recordings
    loud = np.abs(pasted) > 0.05
    edges = np.flatnonzero(np.diff(np.convolve(loud, np.ones(320), mode="same") > 0))
    heard = [loudest_hertz(pasted[start:end]) for start, end in zip(edges[::2], edges[1::2], strict=True)]
    assert heard == pytest.approx([1700, 1700, 300, 700], abs=20)


def test_who_has_no_recording_of_a_digit_alone_pastes_nothing() -> None:
    with pytest.raises(InvalidRequest, match="digit 0 alone"):
        VOICE_LAYERS["cut-and-paste"].change(Speech(SPEECH.recordings, {"7": TAKES["7"]}, "70"))


def test_of_a_folder_what_can_be_read_is_played_and_a_file_that_cannot_is_named(tmp_path: Path) -> None:
    (tmp_path / "7_0.wav").write_bytes(encode_wav(tone(1700)))
    (tmp_path / "7_1.wav").write_bytes(b"nothing that can be heard")
    heard = speech_of(tmp_path)
    assert (len(heard.recordings), list(heard.takes)) == (1, ["7"])
    with pytest.raises(InvalidRequest, match=r"`7_1\.wav`: "):
        speech_of(tmp_path / "7_1.wav")


def test_what_a_machine_says_keeps_the_bands_and_not_the_phases() -> None:
    made = synthesised(tone(1500, 1.0))
    assert loudest_hertz(made) == pytest.approx(1500, abs=250)
    assert abs(float(np.corrcoef(made, tone(1500, 1.0))[0, 1])) < 0.3
    silence = np.zeros(SAMPLE_RATE, dtype=np.float32)
    assert not synthesised(silence).any()


def test_without_librosa_no_machine_speaks_and_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "librosa", None)
    with pytest.raises(InvalidRequest, match="extra `voice-lab`"):
        VOICE_LAYERS["synthetic"].change(SPEECH)


def test_a_sample_is_a_recording_or_a_folder_of_them(tmp_path: Path) -> None:
    for digit in "07":
        (tmp_path / f"{digit}_01.wav").write_bytes(encode_wav(TAKES[digit][0]))
    folder = speech_of(tmp_path)
    assert (len(folder.recordings), sorted(folder.takes)) == (2, ["0", "7"])
    assert speech_of(tmp_path / "7_01.wav").takes == {}
    (tmp_path / "nothing.wav").write_bytes(b"nothing")
    with pytest.raises(InvalidRequest):
        speech_of(tmp_path / "nothing.wav")
