"""The default engines on real voices: enroll five, compare what is left; strangers, synthesisers and copies do not pass."""

import itertools
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from authsvc.biometric.manifest import Manifest, manifest_folder, read_manifest
from authsvc.biometric.words import Liveness, Template
from authsvc.factor import Unusable
from authsvc.lab.voice_corpus import joined, speakers, takes_of
from authsvc.voice.audio import encode_wav
from authsvc.voice.build import DEFAULT_MODEL
from authsvc.voice.capture import CaptureContext, EnrollmentPhrase, Heard
from authsvc.voice.conditions import noisy, telephone
from authsvc.voice.engine import Samples
from authsvc.voice.service import VoiceService

ENROLLMENT = ("40291738", "38516274", "76049302", "18257469", "93605871")
PROMPTS = ("271846", "604395", "518273")


@dataclass(frozen=True, slots=True)
class Enrolled:
    template: Template
    fingerprints: tuple[str, ...]


@pytest.fixture(scope="module")
def manifest() -> Manifest:
    return read_manifest(manifest_folder() / f"{DEFAULT_MODEL}.toml")


@pytest.fixture(scope="module")
def spoken(voices_dir: Path) -> dict[str, dict[str, Samples]]:
    """Every prompt by two people, each from takes of its own."""
    chance = np.random.default_rng(3)
    found = {}
    for name, utterances in itertools.islice(speakers(voices_dir / "digits").items(), 2):
        takes = takes_of(utterances)
        found[name] = {
            prompt: joined(name, takes, prompt, chance).recording.samples for prompt in ENROLLMENT + PROMPTS
        }
    return found


@pytest.fixture(scope="module")
def templates(default_service: VoiceService, spoken: dict[str, dict[str, Samples]]) -> dict[str, Enrolled]:
    return {name: enrolled(default_service, own) for name, own in spoken.items()}


def enrolled(service: VoiceService, own: dict[str, Samples]) -> Enrolled:
    phrases: list[EnrollmentPhrase] = []
    for digits in ENROLLMENT:
        earlier = tuple(phrase.fingerprint for phrase in phrases)
        phrase = service.listen(encode_wav(own[digits]), CaptureContext(digits, "en", earlier))
        assert isinstance(phrase, EnrollmentPhrase), phrase
        phrases.append(phrase)
    template = service.enroll([phrase.share for phrase in phrases])
    assert isinstance(template, Template), template
    return Enrolled(template, tuple(phrase.fingerprint for phrase in phrases))


def heard(
    service: VoiceService, sound: Samples, reference: Template, digits: str, earlier: Sequence[str] = ()
):
    answer = service.verify(encode_wav(sound), reference, CaptureContext(digits, "en", tuple(earlier)))
    assert isinstance(answer, Heard), answer
    return answer.comparison


@pytest.mark.parametrize("digits", PROMPTS)
def test_the_owner_reading_the_digits_is_accepted_and_a_stranger_is_not(
    default_service: VoiceService,
    manifest: Manifest,
    spoken: dict[str, dict[str, Samples]],
    templates: dict[str, Enrolled],
    digits: str,
):
    owner, stranger = templates
    mine = heard(default_service, spoken[owner][digits], templates[owner].template, digits)
    theirs = heard(default_service, spoken[stranger][digits], templates[owner].template, digits)
    point = manifest.operating_point("1 in 200", frames=1)
    assert mine.liveness.verdict is Liveness.BONA_FIDE
    assert point.retry_from is not None
    assert mine.score > point.retry_from > theirs.score


def test_a_recording_of_other_digits_is_not_bona_fide(
    default_service: VoiceService, spoken: dict[str, dict[str, Samples]], templates: dict[str, Enrolled]
):
    name = next(iter(templates))
    for asked in ("111111", "918273", "000000", "846271"):
        compared = heard(default_service, spoken[name][PROMPTS[0]], templates[name].template, asked)
        assert compared.liveness.verdict is Liveness.UNDECIDED


@pytest.mark.parametrize("spoil", [telephone, lambda sound: noisy(sound, 25)])
def test_a_spoiled_copy_of_an_accepted_recording_is_an_attack(
    default_service: VoiceService,
    spoken: dict[str, dict[str, Samples]],
    templates: dict[str, Enrolled],
    spoil,
):
    name = next(iter(templates))
    digits = PROMPTS[0]
    first = heard(default_service, spoken[name][digits], templates[name].template, digits)
    again = heard(
        default_service, spoil(spoken[name][digits]), templates[name].template, digits, first.fingerprints
    )
    assert again.liveness.verdict is Liveness.ATTACK


def test_classic_synthesisers_do_not_pass_for_a_person(
    default_service: VoiceService, manifest: Manifest, voices_dir: Path, templates: dict[str, Enrolled]
):
    threshold = manifest.threshold_for("1 in 200", frames=1)
    for utterances in speakers(voices_dir / "synthetic").values():
        for utterance in utterances[:4]:
            answer = default_service.verify(
                utterance.path.read_bytes(),
                next(iter(templates.values())).template,
                CaptureContext(utterance.digits, "zh" if "zh" in utterance.speaker else "en"),
            )
            assert isinstance(answer, Unusable) or answer.comparison.score < threshold


def test_noise_enrols_nobody(default_service: VoiceService):
    noise = (np.random.default_rng(0).standard_normal(64000) / 20).astype(np.float32)
    answer = default_service.listen(encode_wav(noise), CaptureContext(ENROLLMENT[0], "en"))
    assert isinstance(answer, Unusable)
    assert "no_speech" in answer.hints or "too_short" in answer.hints


def test_the_serving_path_loads_neither_torch_nor_librosa():
    heavy = ("torch", "librosa", "numba", "scipy", "speechbrain", "resemblyzer", "silero_vad", "av")
    program = (
        "import sys, authsvc.voice.build, authsvc.voice.service;"
        f"print([name for name in {heavy!r} if name in sys.modules])"
    )
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "[]"
