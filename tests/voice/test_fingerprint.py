"""Copies are found however they were spoiled, other takes are not, and foreign text is refused."""

import base64
import zlib
from collections.abc import Callable

import numpy as np
import pytest

from authsvc.errors import InvalidRequest
from authsvc.voice.audio import encode_wav, recording_of
from authsvc.voice.conditions import noisy, reverberant, telephone
from authsvc.voice.engine import Samples
from authsvc.voice.fingerprint import COPY, Fingerprint, likeness
from tests.voice.sounds import say

SOUND = say("402917")


def fingerprint(samples: Samples) -> Fingerprint:
    return Fingerprint.of(encode_wav(samples), recording_of(samples, 16000))


@pytest.mark.parametrize(
    "spoil",
    [
        lambda sound: sound,
        lambda sound: (sound / 5).astype(np.float32),
        lambda sound: np.concatenate([sound[4000:-3000], np.zeros(9000, dtype=np.float32)]),
        lambda sound: np.pad(sound, (16000, 0)),
        lambda sound: noisy(sound, 45),
        telephone,
        reverberant,
    ],
)
def test_a_copy_is_found_however_it_was_spoiled(spoil: Callable[[Samples], Samples]):
    alike = likeness(fingerprint(spoil(SOUND)), [fingerprint(SOUND).text()])
    assert alike.copy >= COPY
    assert alike.is_copy


@pytest.mark.parametrize("digits", ["385162", "760493", "551834", "112233"])
def test_other_digits_by_the_same_voice_are_no_copy(digits: str):
    assert likeness(fingerprint(say(digits)), [fingerprint(SOUND).text()]).copy < COPY


def test_the_same_file_and_the_same_samples_are_found_by_their_hashes():
    one, louder = fingerprint(SOUND), fingerprint(SOUND * np.float32(0.5))
    assert one.similarity(fingerprint(SOUND)) == 1.0
    assert Fingerprint("other", one.sound, louder.relief).similarity(one) == 1.0
    assert louder.similarity(one) > 0.9


def test_text_and_back():
    one = fingerprint(SOUND)
    again = Fingerprint.parse(one.text())
    assert (again.file, again.sound) == (one.file, one.sound)
    assert np.array_equal(again.relief, one.relief)
    assert one.relief.dtype == np.int8


def test_nothing_earlier_is_no_copy():
    alike = likeness(fingerprint(SOUND), [])
    assert (alike.copy, alike.excerpts) == (0.0, 0.0)


@pytest.mark.parametrize("samples", [np.zeros(8000), np.full(8000, 0.3), np.eye(1, 8000)[0]])
def test_sound_without_content_has_a_fingerprint_too(samples: np.ndarray):
    assert fingerprint(samples.astype(np.float32)).relief.shape[1] == 23


@pytest.mark.parametrize(
    "text",
    [
        "",
        "v1.a.b",
        "v1.a.b.c.d",
        "v1.a.b.%%%",
        "v1.a.b." + base64.b64encode(b"not zlib").decode(),
        "v1.a.b." + base64.b64encode(zlib.compress(bytes(24))).decode(),
        "v1.a.b." + base64.b64encode(zlib.compress(bytes(23 * 100_000))).decode(),
        "v2.a.b." + base64.b64encode(zlib.compress(bytes(23))).decode(),
    ],
)
def test_text_that_is_no_fingerprint_is_refused(text: str):
    with pytest.raises(InvalidRequest):
        Fingerprint.parse(text)
