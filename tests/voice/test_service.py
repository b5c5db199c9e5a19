"""Enrolment and verification of hums: who is accepted, who is asked again, and what is refused."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from authsvc.arrays.vectors import unpack
from authsvc.biometric import Liveness, Modality, Template
from authsvc.errors import InvalidRequest, ModelUnusable, PayloadTooLarge
from authsvc.factor import Unusable
from authsvc.voice.audio import encode_wav
from authsvc.voice.capture import CaptureContext, Enrolled, Heard
from authsvc.voice.engine import Samples
from authsvc.voice.service import VoiceService
from tests.voice.sounds import HumEncoder, say

PROMPTS = ("402917", "385162", "760493")


def asked(*prompts: str, **more: Any) -> CaptureContext:
    return replace(CaptureContext(prompts, "en"), **more)


def wav(digits: str, pitch: float = 400, **how: Any) -> bytes:
    return encode_wav(say(digits, pitch, **how))


def enrolled(service: VoiceService, pitch: float = 400) -> Enrolled:
    made = service.enroll([wav(digits, pitch) for digits in PROMPTS], asked(*PROMPTS))
    assert isinstance(made, Enrolled)
    return made


def heard(service: VoiceService, digits: str, pitch: float = 400, **more: Any) -> Heard:
    answer = service.verify([wav(digits, pitch)], enrolled(service).template, asked(digits, **more))
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
    assert heard(service, "551834").comparison.score > 0.9 > heard(service, "551834", 520).comparison.score


def test_the_asked_digits_in_a_new_recording_are_bona_fide(service: VoiceService):
    liveness = heard(service, "551834").comparison.liveness
    assert liveness.verdict is Liveness.BONA_FIDE
    assert liveness.evidence["digits_heard"] == 6


def test_other_digits_are_not_bona_fide(service: VoiceService):
    answer = service.verify([wav("551834")], enrolled(service).template, asked("551934"))
    assert isinstance(answer, Heard)
    assert answer.comparison.liveness.verdict is Liveness.UNDECIDED


def test_a_recording_that_was_heard_before_is_an_attack(service: VoiceService):
    first = heard(service, "551834")
    again = heard(service, "551834", earlier=first.comparison.fingerprints)
    assert again.comparison.liveness.verdict is Liveness.ATTACK
    assert again.comparison.liveness.evidence["copy"] == 1.0


def test_an_enrolment_phrase_is_no_proof_later(service: VoiceService):
    made = enrolled(service)
    answer = service.verify([wav(PROMPTS[0])], made.template, asked(PROMPTS[0], earlier=made.fingerprints))
    assert isinstance(answer, Heard)
    assert answer.comparison.liveness.verdict is Liveness.ATTACK


def test_a_held_phrase_is_averaged_in(service: VoiceService):
    first = heard(service, "551834", 412)
    second = heard(service, "207731", 400, held=first.probe)
    alone = heard(service, "207731", 400)
    assert (first.comparison.frames, second.comparison.frames) == (1, 2)
    assert first.comparison.score < second.comparison.score < alone.comparison.score


def test_a_held_probe_of_another_size_is_refused(service: VoiceService):
    with pytest.raises(ModelUnusable, match="has 2 numbers"):
        heard(service, "551834", held=bytes(8))


@pytest.mark.parametrize(
    ("sound", "hint"),
    [
        (say("5") * 0, "no_speech"),
        (say("551", each=0.3), "too_short"),
        (say("551834", level=0.004), "too_quiet"),
        (say("55", each=1.2), "speak_all_digits"),
        (say("551834", each=0.9, level=0.9).clip(-0.4, 0.4), "clipped"),
    ],
)
def test_what_cannot_be_judged_says_what_to_do(service: VoiceService, sound: Samples, hint: str):
    answer = service.verify([encode_wav(sound)], enrolled(service).template, asked("551834"))
    assert isinstance(answer, Unusable)
    assert hint in answer.hints


def test_phrases_of_two_voices_are_no_template(service: VoiceService):
    phrases = [wav(PROMPTS[0], 400), wav(PROMPTS[1], 520), wav(PROMPTS[2], 400)]
    assert service.enroll(phrases, asked(*PROMPTS)) == Unusable(("inconsistent",))


def test_one_recording_sent_twice_is_no_template(service: VoiceService):
    phrases = [wav(PROMPTS[0]), wav(PROMPTS[0]), wav(PROMPTS[2])]
    prompts = asked(PROMPTS[0], PROMPTS[0], PROMPTS[2])
    assert service.enroll(phrases, prompts) == Unusable(("same_recording",))


def test_an_enrolment_reads_its_own_digits(service: VoiceService):
    phrases = [wav(digits) for digits in PROMPTS]
    assert service.enroll(phrases, asked("402917", "385162", "111111")) == Unusable(("speak_all_digits",))


def test_a_phrase_too_few_asks_for_more(service: VoiceService):
    phrases = [wav(PROMPTS[0]), wav(PROMPTS[1]), encode_wav(say("7") * 0)]
    answer = service.enroll(phrases, asked(*PROMPTS))
    assert answer == Unusable(("no_speech", "more_phrases"))


@pytest.mark.parametrize(
    ("recordings", "prompts", "error"),
    [
        ([], PROMPTS, InvalidRequest),
        ([b"x"], PROMPTS, InvalidRequest),
        ([b"x"] * 9, ("402917",) * 9, PayloadTooLarge),
    ],
)
def test_another_number_of_recordings_than_prompts_is_refused(
    service: VoiceService, recordings: Sequence[bytes], prompts: tuple[str, ...], error: type[Exception]
):
    with pytest.raises(error):
        service.enroll(recordings, asked(*prompts))


def test_a_template_of_another_model_is_refused(service: VoiceService):
    foreign = Template(Modality.VOICE, "sha256:00", enrolled(service).template.vector, 3)
    with pytest.raises(ModelUnusable, match="enrol again"):
        service.verify([wav("551834")], foreign, asked("551834"))


def test_a_face_template_opens_no_voice(service: VoiceService):
    face = replace(enrolled(service).template, modality=Modality.FACE)
    with pytest.raises(ModelUnusable, match="enrol again"):
        service.verify([wav("551834")], face, asked("551834"))


def test_the_template_is_two_unit_vectors_of_the_encoder(service: VoiceService):
    vectors = unpack(enrolled(service).template.vector).reshape(2, HumEncoder.dimension)
    assert (vectors**2).sum(axis=1) == pytest.approx(1, abs=1e-6)


def test_a_template_of_another_size_is_refused(service: VoiceService):
    short = replace(enrolled(service).template, vector=bytes(64))
    with pytest.raises(ModelUnusable, match="another number of numbers"):
        service.verify([wav("551834")], short, asked("551834"))


def test_health_names_engine_and_model(service: VoiceService):
    about = service.describe()
    assert (about["engine"], about["model"], about["liveness"]) == ("hum", service.model, "prompt")
