"""Enrollment and verification of hums: who is accepted, who is asked again, and what is refused."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest

from authsvc.biometric.manifest import manifest_folder, read_manifests
from authsvc.biometric.vectors import unpack
from authsvc.biometric.words import Liveness, Modality, Template
from authsvc.errors import InvalidRequest, ModelUnusable
from authsvc.factor import Unusable
from authsvc.voice.audio import encode_wav
from authsvc.voice.build import DEFAULT_MODEL, DIGIT_RECOGNISER
from authsvc.voice.capture import CaptureContext, EnrollmentPhrase, Heard
from authsvc.voice.engine import Probabilities, Samples
from authsvc.voice.service import VoiceService
from tests.voice.sounds import HumEncoder, LoudDetector, ToneRecogniser, say

PROMPTS = ("402917", "385162", "760493")


@dataclass(frozen=True, slots=True)
class Enrolled:
    template: Template
    fingerprints: tuple[str, ...]


def asked(digits: str, **more: Any) -> CaptureContext:
    return replace(CaptureContext(digits, "en"), **more)


def wav(digits: str, pitch: float = 400, **how: Any) -> bytes:
    return encode_wav(say(digits, pitch, **how))


def listened(service: VoiceService, digits: str, pitch: float = 400, **more: Any) -> EnrollmentPhrase:
    phrase = service.listen(wav(digits, pitch), asked(digits, **more))
    assert isinstance(phrase, EnrollmentPhrase)
    return phrase


def enrolled(service: VoiceService, pitch: float = 400) -> Enrolled:
    phrases = [listened(service, digits, pitch) for digits in PROMPTS]
    template = service.enroll([phrase.share for phrase in phrases])
    assert isinstance(template, Template)
    return Enrolled(template, tuple(phrase.fingerprint for phrase in phrases))


def heard(service: VoiceService, digits: str, pitch: float = 400, **more: Any) -> Heard:
    answer = service.verify(wav(digits, pitch), enrolled(service).template, asked(digits, **more))
    assert isinstance(answer, Heard)
    return answer


def test_a_template_is_bound_to_the_model_and_names_its_phrases(service: VoiceService):
    made = enrolled(service)
    assert (made.template.modality, made.template.model, made.template.samples) == (
        Modality.VOICE,
        service.model,
        3,
    )
    assert len(set(made.fingerprints)) == 3


def test_the_same_phrases_always_make_the_same_template(service: VoiceService):
    assert enrolled(service).template == enrolled(service).template


def test_the_owner_is_more_alike_than_a_stranger(service: VoiceService):
    assert heard(service, "951834").comparison.score > 0.9 > heard(service, "951834", 520).comparison.score


def test_the_asked_digits_in_a_new_recording_are_bona_fide(service: VoiceService):
    liveness = heard(service, "951834").comparison.liveness
    assert liveness.verdict is Liveness.BONA_FIDE
    assert liveness.evidence["digits_heard"] == 6


def test_other_digits_are_not_bona_fide(service: VoiceService):
    answer = service.verify(wav("951834"), enrolled(service).template, asked("951934"))
    assert isinstance(answer, Heard)
    assert answer.comparison.liveness.verdict is Liveness.UNDECIDED


def test_a_recording_that_was_heard_before_is_an_attack(service: VoiceService):
    first = heard(service, "951834")
    again = heard(service, "951834", earlier=first.comparison.fingerprints)
    assert again.comparison.liveness.verdict is Liveness.ATTACK
    assert again.comparison.liveness.evidence["copy"] == 1.0


def test_an_enrollment_phrase_is_no_proof_later(service: VoiceService):
    made = enrolled(service)
    answer = service.verify(wav(PROMPTS[0]), made.template, asked(PROMPTS[0], earlier=made.fingerprints))
    assert isinstance(answer, Heard)
    assert answer.comparison.liveness.verdict is Liveness.ATTACK


def test_a_held_phrase_is_averaged_in(service: VoiceService):
    first = heard(service, "951834", 412)
    second = heard(service, "207731", 400, held=first.probe)
    alone = heard(service, "207731", 400)
    assert (first.comparison.frames, second.comparison.frames) == (1, 2)
    assert first.comparison.score < second.comparison.score < alone.comparison.score


def test_a_held_probe_of_another_size_is_refused(service: VoiceService):
    with pytest.raises(ModelUnusable, match="has 2 numbers"):
        heard(service, "951834", held=bytes(8))


@pytest.mark.parametrize(
    ("sound", "hint"),
    [
        (say("5") * 0, "no_speech"),
        (say("551", each=0.3), "too_short"),
        (say("951834", level=0.004), "too_quiet"),
        (say("55", each=1.2), "speak_all_digits"),
        (say("951834", each=0.9, level=0.9).clip(-0.4, 0.4), "clipped"),
    ],
)
def test_what_cannot_be_judged_says_what_to_do(service: VoiceService, sound: Samples, hint: str):
    answer = service.verify(encode_wav(sound), enrolled(service).template, asked("951834"))
    assert isinstance(answer, Unusable)
    assert hint in answer.hints


def test_digits_without_a_voice_are_a_whisper(service: VoiceService, monkeypatch: pytest.MonkeyPatch):
    template = enrolled(service).template
    monkeypatch.setattr(
        LoudDetector, "probabilities", lambda self, samples: np.zeros(samples.size // 512 + 1)
    )
    assert service.verify(wav("951834"), template, asked("951834")) == Unusable(("too_quiet",))


def test_more_than_twelve_seconds_are_a_hint_and_no_error(service: VoiceService):
    sound = encode_wav(np.tile(say("951834"), 6))
    for listen in (
        service.listen,
        lambda data, context: service.verify(data, enrolled(service).template, context),
    ):
        assert listen(sound, asked("951834")) == Unusable(("too_long",))


def test_a_container_that_is_not_opened_here_is_told_to_the_person(
    service: VoiceService, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    answer = service.listen(b"\x1aE\xdf\xa3" + bytes(100), asked("951834"))
    assert answer == Unusable(("other_format",))


def test_digits_in_the_other_language_are_a_hint_where_hints_are_free(
    service: VoiceService, monkeypatch: pytest.MonkeyPatch
):
    hears = ToneRecogniser.log_probabilities

    def in_english(self: ToneRecogniser, samples: Samples) -> Probabilities:
        rows = hears(self, samples)
        rows[:, 11:] = np.roll(rows[:, 11:], 1, axis=1)
        return rows

    template, mandarin = enrolled(service).template, replace(asked("918246"), language="zh")
    monkeypatch.setattr(ToneRecogniser, "log_probabilities", in_english)
    free = service.verify(wav("918246"), template, replace(mandarin, corrects=True))
    assert free == Unusable(("read_as_shown",))
    charged = service.verify(wav("918246"), template, mandarin)
    assert isinstance(charged, Heard)
    assert charged.comparison.liveness.verdict is Liveness.UNDECIDED
    assert service.listen(wav("91824635"), replace(mandarin, digits="91824635")) == Unusable(
        ("read_as_shown",)
    )


def test_phrases_of_two_voices_are_no_template(service: VoiceService):
    pitches = zip(PROMPTS, (400, 520, 400), strict=True)
    shares = [listened(service, digits, pitch).share for digits, pitch in pitches]
    assert service.enroll(shares) == Unusable(("inconsistent",))


def test_one_recording_sent_twice_is_no_second_phrase(service: VoiceService):
    first = listened(service, PROMPTS[0])
    again = service.listen(wav(PROMPTS[0]), asked(PROMPTS[0], earlier=(first.fingerprint,)))
    assert again == Unusable(("same_recording",))


def test_an_enrollment_phrase_reads_its_own_digits(service: VoiceService):
    assert service.listen(wav("760493"), asked("111111")) == Unusable(("speak_all_digits",))


def test_a_phrase_that_is_too_short_for_a_template_is_still_good_for_a_comparison(service: VoiceService):
    sound = encode_wav(say("951834", each=0.3))
    assert service.listen(sound, asked("951834")) == Unusable(("too_short",))
    assert isinstance(service.verify(sound, enrolled(service).template, asked("951834")), Heard)


@pytest.mark.parametrize("count", [0, 2, 4])
def test_another_number_of_phrases_is_no_template(service: VoiceService, count: int):
    share = listened(service, PROMPTS[0]).share
    with pytest.raises(InvalidRequest, match=f"{count} phrases, and 3 make a template"):
        service.enroll([share] * count)


def test_a_phrase_that_another_model_heard_is_refused(service: VoiceService):
    with pytest.raises(ModelUnusable, match="begin again"):
        service.enroll([bytes(64)] * 3)


def test_a_template_of_another_model_is_refused(service: VoiceService):
    foreign = Template(Modality.VOICE, "sha256:00", enrolled(service).template.vector, 3)
    with pytest.raises(ModelUnusable, match="enroll again"):
        service.verify(wav("951834"), foreign, asked("951834"))


def test_a_face_template_opens_no_voice(service: VoiceService):
    face = replace(enrolled(service).template, modality=Modality.FACE)
    with pytest.raises(ModelUnusable, match="enroll again"):
        service.verify(wav("951834"), face, asked("951834"))


def test_the_template_is_three_unit_vectors_of_the_encoder(service: VoiceService):
    vectors = unpack(enrolled(service).template.vector).reshape(3, HumEncoder.dimension)
    assert (vectors**2).sum(axis=1) == pytest.approx(1, abs=1e-6)


def test_a_template_of_another_size_is_refused(service: VoiceService):
    short = replace(enrolled(service).template, vector=bytes(64))
    with pytest.raises(ModelUnusable, match="another number of numbers"):
        service.verify(wav("951834"), short, asked("951834"))


def test_health_names_whatever_judges_with_its_thresholds(default_service: VoiceService):
    known = {one.id: one.calibration_digest for one in read_manifests(manifest_folder())}
    assert default_service.describe()["calibrations"] == [known[DEFAULT_MODEL], known[DIGIT_RECOGNISER]]


def test_health_names_engine_and_model(service: VoiceService):
    about = service.describe()
    assert (about["engine"], about["model"], about["liveness"]) == ("hum", service.model, "prompt")
