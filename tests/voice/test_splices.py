"""An attacker has everything that the service remembers, cuts digits out of it and answers a fresh prompt with them."""

from pathlib import Path

import numpy as np
import pytest

from authsvc.biometric.words import Liveness, Template
from authsvc.lab.voice_copies import spliced
from authsvc.lab.voice_corpus import speakers, takes_of
from authsvc.voice.audio import encode_wav
from authsvc.voice.capture import CaptureContext, EnrollmentPhrase, Heard
from authsvc.voice.engine import Samples
from authsvc.voice.service import VoiceService

ROWS = ("40291738", "38516274", "76049302", "18257469", "93605871")
PROMPTS = ("271846", "604395", "518273", "930467", "825014", "749036")


@pytest.mark.parametrize("name", ["george", "lucas"])
def test_digits_cut_out_of_remembered_recordings_answer_no_fresh_prompt(
    default_service: VoiceService, voices_dir: Path, name: str
):
    takes, chance = takes_of(speakers(voices_dir / "digits")[name]), np.random.default_rng(7)
    phrases: list[EnrollmentPhrase] = []
    known: dict[str, list[Samples]] = {}
    for take, row in enumerate(ROWS):
        # A row that is misheard is said again, in other takes.
        said = ([takes[digit][(take + other) % len(takes[digit])] for digit in row] for other in range(6))
        phrase, pieces = next(
            (heard, pieces)
            for pieces in said
            for heard in [
                default_service.listen(encode_wav(spliced(pieces, chance)), CaptureContext(row, "en"))
            ]
            if isinstance(heard, EnrollmentPhrase)
        )
        phrases.append(phrase)
        for digit, piece in zip(row, pieces, strict=True):
            known.setdefault(digit, []).append(piece)
    template = default_service.enroll([phrase.share for phrase in phrases])
    assert isinstance(template, Template)
    remembered = tuple(phrase.fingerprint for phrase in phrases)
    verdicts = []
    for digits in PROMPTS:
        pieces = [known[digit][int(chance.integers(len(known[digit])))] for digit in digits]
        answer = default_service.verify(
            encode_wav(spliced(pieces, chance)), template, CaptureContext(digits, "en", remembered)
        )
        assert isinstance(answer, Heard), answer
        verdicts.append(answer.comparison.liveness.verdict)
    assert verdicts.count(Liveness.ATTACK) >= len(PROMPTS) - 1
