"""A voice, enrolled and used by clicking, in a browser whose microphone plays what is asked for.

The page's own digits are answered: as soon as the service has chosen them, a recording of them is put where the fake
microphone finds it. Everything else is real: the page, the service, its worker and its engines.
"""

from __future__ import annotations

import re
import time
import wave
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser, Playwright, Response, Route

from authsvc.biometric.manifest import manifest_folder, read_manifests
from authsvc.biometric.words import Modality, Template
from authsvc.lab.voice_copies import at_speed
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
# Longer than is needed on a machine that does nothing else; the page itself gives up after eleven and a half.
_SPOKEN_AND_JUDGED_MS = 40_000
# A voice that is so much higher than at the enrollment leaves doubt.
_HIGHER = (1.13, 1.14, 1.15, 1.12, 1.16, 1.13, 1.14, 1.15)


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

    `leaves_doubt` makes the next reading one that is neither clearly the owner's nor clearly not, in a higher voice:
    what was played for the enrollment tells how alike a reading will be.
    """

    def __init__(self, phone: Phone, microphone: Microphone, speaker: Speaker, service: VoiceService) -> None:
        self.phone, self.page = phone, phone.page
        self.leaves_doubt = self.is_drowned = False
        self._microphone, self._speaker, self._service = microphone, speaker, service
        self._enrolled: list[EnrollmentPhrase] = []
        self.page.route("**/steps/voice/begin", self._answer_with_the_digits)

    def record(self) -> Response:
        """One press: the row is spoken, its end is heard, and it is sent; what the service answers."""
        with self.page.expect_response(
            lambda answer: answer.request.method == "PUT", timeout=_SPOKEN_AND_JUDGED_MS
        ) as sent:
            self.page.click("#start")
        return sent.value

    def _answer_with_the_digits(self, route: Route) -> None:
        answer = route.fetch()
        digits = answer.json()["digits"]
        sound = self._doubtful(digits) if self.leaves_doubt else self._speaker.samples(digits)
        if self.is_drowned:
            sound = noisy(sound, 2)
        elif "phrase" in answer.json():
            heard = self._service.listen(encode_wav(sound), CaptureContext(digits, "en"))
            assert isinstance(heard, EnrollmentPhrase)
            self._enrolled.append(heard)
        self._microphone.play(sound)
        route.fulfill(response=answer)

    def _doubtful(self, digits: str) -> Samples:
        template = self._service.enroll([phrase.share for phrase in self._enrolled])
        assert isinstance(template, Template)
        for factor in _HIGHER:
            sound = self._speaker.samples(digits, partial(at_speed, factor=factor))
            heard = self._service.verify(encode_wav(sound), template, CaptureContext(digits, "en"))
            if isinstance(heard, Heard) and 0.74 < heard.comparison.score < 0.82:
                return sound
        raise AssertionError("no pitch leaves a doubt")


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
def test_a_voice_is_enrolled_and_confirms_a_payment(
    reader: Reader, record_property: Callable[[str, object], None]
):
    phone, page = reader.phone, reader.page
    phone.begin_enrolling()
    page.click("a.button")
    phone.agree(voice="yes")
    phone.register_device()
    phone.add_app()
    assert page.url.endswith("/voice")

    _listen_to_a_row_that_was_not_accepted(reader)
    began = time.monotonic()
    for number in range(1, 6):
        assert page.inner_text("#phrases") == f"Row {number} of 5"
        if number < 5:
            assert reader.record().json() == {"state": "received", "remaining": 5 - number}
            page.wait_for_selector("#start:visible")
            assert page.inner_text("#say") == "That was good. Now the next row."
    with page.expect_navigation():
        reader.record()
    record_property("seconds_for_five_rows", round(time.monotonic() - began, 1))
    phone.finish()
    phone.leave()

    _confirm_by_voice(reader)
    assert phone.complaints == []


def _listen_to_a_row_that_was_not_accepted(reader: Reader) -> None:
    """The first reading drowns in noise: only then is there something to listen to."""
    page = reader.page
    assert not page.is_visible("#review")
    reader.is_drowned = True
    with page.expect_response(
        lambda answer: answer.request.method == "PUT", timeout=_SPOKEN_AND_JUDGED_MS
    ) as sent:
        page.click("#start")
        page.wait_for_selector("#digits:visible")
        assert page.inner_text("#phrases") == "Row 1 of 5"
        assert page.inner_text("#tongue") == "Read them in English."
        assert inspect(page, "enroll-6-voice-speaking") == []
    assert sent.value.status == 422
    page.wait_for_selector("#review:visible")
    page.wait_for_function("document.getElementById('playback').duration > 2")
    assert inspect(page, "enroll-6-voice-heard") == []
    reader.is_drowned = False


def _confirm_by_voice(reader: Reader) -> None:
    """A payment from this phone at a risk that wants more than a code: first in a voice that leaves doubt, then in peace."""
    phone, page = reader.phone, reader.page
    phone.buy("teapot", "suspicious")
    phone.choose("voice", "otp")
    reader.leaves_doubt = True
    assert reader.record().status == 422
    page.wait_for_selector("#start:visible")
    assert page.inner_text("#say") == "Thank you. Once more, with other digits."
    assert inspect(page, "pay-9-voice-once-more") == []
    reader.leaves_doubt = False
    with page.expect_navigation():
        reader.record()
    phone.type_code(phone.current_code())
    page.wait_for_url(re.compile(r"/c/"))
    assert phone.order_is_paid()
