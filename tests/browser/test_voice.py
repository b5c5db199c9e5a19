"""A voice, enrolled and used by clicking, in a browser whose microphone plays what is asked for.

The page's own digits are answered: as soon as the service has chosen them, a recording of them is put where the fake
microphone finds it. Everything else is real: the page, the service, its worker and its engines.
"""

from __future__ import annotations

import re
import wave
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser, Playwright, Route

from authsvc.biometric.manifest import manifest_folder, read_manifests
from authsvc.biometric.words import Modality, Template
from authsvc.voice.audio import encode_wav
from authsvc.voice.build import ears, voice_service
from authsvc.voice.capture import CaptureContext, EnrollmentPhrase, Heard
from authsvc.voice.conditions import noisy
from authsvc.voice.engine import SAMPLE_RATE, Samples
from authsvc.voice.service import VoiceService
from tests.browser.inspection import inspect
from tests.browser.phone import Phone
from tests.support.live import LiveService
from tests.support.speaking import Speaker

_BEFORE_S, _AFTER_S = 0.7, 7.0
# A slow row of eight digits takes six seconds.
_WHILE_IT_IS_SPOKEN_MS = 7500
# Noise from little to much, and all of it three times over: every reading is another one.
_NOISES_DB = 3 * tuple(range(30, 12, -1))


class Microphone:
    """Plays one file from its beginning whenever a page opens the microphone."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "microphone.wav"
        self.play(np.zeros(SAMPLE_RATE, dtype=np.float32))

    def play(self, sound: Samples) -> None:
        silence = [np.zeros(int(seconds * SAMPLE_RATE), np.float32) for seconds in (_BEFORE_S, _AFTER_S)]
        whole = np.concatenate([silence[0], sound, silence[1]])
        # A room is never digitally silent.
        whole += 3e-5 * np.random.default_rng(0).standard_normal(whole.size).astype(np.float32)
        with wave.open(str(self.file), "wb") as file:
            file.setparams((1, 2, SAMPLE_RATE, 0, "NONE", ""))
            file.writeframes(np.round(np.clip(whole, -1, 1) * 32767).astype("<i2").tobytes())


class Reader:
    """Somebody at a phone who reads whatever digits its page is given.

    `leaves_doubt` makes the next reading one that is neither clearly the owner's nor clearly not, in as much noise as that takes:
    what was played for the enrollment tells how alike a reading will be.
    """

    def __init__(self, phone: Phone, microphone: Microphone, speaker: Speaker, service: VoiceService) -> None:
        self.phone, self.page = phone, phone.page
        self.leaves_doubt = False
        self._microphone, self._speaker, self._service = microphone, speaker, service
        self._enrolled: list[EnrollmentPhrase] = []
        self.page.route("**/steps/voice/begin", self._answer_with_the_digits)

    def record(self) -> None:
        """From the button that shows the digits to the one that says they were read."""
        self.page.click("#start")
        self.page.wait_for_selector("#digits:visible")
        self.page.wait_for_timeout(_WHILE_IT_IS_SPOKEN_MS)
        self.page.click("#stop")

    def _answer_with_the_digits(self, route: Route) -> None:
        answer = route.fetch()
        digits = answer.json()["digits"]
        sound = self._doubtful(digits) if self.leaves_doubt else self._speaker.samples(digits)
        if "phrase" in answer.json():
            heard = self._service.listen(encode_wav(sound), CaptureContext(digits, "en"))
            assert isinstance(heard, EnrollmentPhrase)
            self._enrolled.append(heard)
        self._microphone.play(sound)
        route.fulfill(response=answer)

    def _doubtful(self, digits: str) -> Samples:
        template = self._service.enroll([phrase.share for phrase in self._enrolled])
        assert isinstance(template, Template)
        for decibels in _NOISES_DB:
            sound = self._speaker.samples(digits, partial(noisy, decibels=decibels))
            heard = self._service.verify(encode_wav(sound), template, CaptureContext(digits, "en"))
            if isinstance(heard, Heard) and 0.76 < heard.comparison.score < 0.80:
                return sound
        raise AssertionError("no noise leaves a doubt")


@pytest.fixture
def microphone(tmp_path: Path) -> Microphone:
    return Microphone(tmp_path)


@pytest.fixture
def hearing(playwright: Playwright, chromium_program: str, microphone: Microphone) -> Iterator[Browser]:
    browser = playwright.chromium.launch(
        executable_path=chromium_program,
        args=[
            "--use-fake-ui-for-media-stream",
            "--use-fake-device-for-media-stream",
            f"--use-file-for-fake-audio-capture={microphone.file}%noloop",
        ],
    )
    yield browser
    browser.close()


@pytest.fixture
def reader(
    hearing: Browser,
    shop_url: str,
    service: LiveService,
    microphone: Microphone,
    voices_dir: Path,
    model_dir: Path,
) -> Iterator[Reader]:
    if "engine" not in service.ask("GET", "/readyz").json["voice"]:
        pytest.skip("no prepared voice models")
    manifests = read_manifests(manifest_folder())
    known = {each.id: each for each in manifests if each.modality is Modality.VOICE}
    listening, same = ears(model_dir, known), voice_service(model_dir)
    listening.load()
    same.load()
    phone = Phone(hearing, shop_url, "u_voice", locale="en-GB")
    yield Reader(phone, microphone, Speaker(voices_dir / "digits", "george", ears=listening), same)
    phone.close()


@pytest.mark.timeout(400)
def test_a_voice_is_enrolled_and_confirms_a_payment(reader: Reader):
    phone, page = reader.phone, reader.page
    phone.begin_enrolling()
    page.click("a.button")
    phone.agree(voice="yes")
    phone.register_device()
    phone.add_app()
    assert page.url.endswith("/voice")

    _read_a_row_twice_and_listen(reader)
    for number in range(2, 6):
        reader.record()
        assert page.inner_text("#phrases") == f"Row {number} of 5"
        if number < 5:
            with page.expect_response(lambda answer: answer.request.method == "PUT"):
                page.click("#send")
            page.wait_for_selector("#start:visible")
            assert page.inner_text("#say") == "That was good. Now the next row."
    with page.expect_navigation():
        page.click("#send")
    phone.finish()
    phone.leave()

    _confirm_by_voice(reader)
    assert phone.complaints == []


def _read_a_row_twice_and_listen(reader: Reader) -> None:
    """The first reading does not please, and is repeated before anything is sent."""
    page = reader.page
    reader.record()
    page.wait_for_selector("#review:visible")
    assert page.inner_text("#phrases") == "Row 1 of 5"
    assert page.inner_text("#tongue") == "Read them in English."
    page.wait_for_function("document.getElementById('playback').duration > 4")
    assert inspect(page, "enroll-6-voice-heard") == []
    first = page.text_content("#digits")
    page.click("#repeat")
    page.wait_for_selector("#stop:visible")
    page.wait_for_timeout(_WHILE_IT_IS_SPOKEN_MS)
    assert inspect(page, "enroll-6-voice-speaking") == []
    page.click("#stop")
    assert page.text_content("#digits") == first
    with page.expect_response(lambda answer: answer.request.method == "PUT") as sent:
        page.click("#send")
    assert sent.value.json() == {"state": "received", "remaining": 4}
    page.wait_for_selector("#start:visible")


def _confirm_by_voice(reader: Reader) -> None:
    """A payment from this phone at a risk that wants more than a code: first with a noise that leaves doubt, then in peace."""
    phone, page = reader.phone, reader.page
    phone.buy("teapot", "suspicious")
    phone.choose("voice", "otp")
    reader.leaves_doubt = True
    reader.record()
    page.wait_for_selector("#start:visible")
    assert page.inner_text("#say") == "Thank you. Once more, with other digits."
    assert inspect(page, "pay-9-voice-once-more") == []
    reader.leaves_doubt = False
    with page.expect_navigation():
        reader.record()
    phone.type_code(phone.current_code())
    page.wait_for_url(re.compile(r"/c/"))
    assert phone.order_is_paid()
