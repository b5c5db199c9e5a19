"""Voices for drills, out of recordings of single digits: a template of half of the takes, and people who say what is asked."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from authsvc.biometric.words import Template
from authsvc.errors import InvalidRequest
from authsvc.lab.drill.scene import Say, Voices
from authsvc.lab.voice_copies import at_speed
from authsvc.lab.voice_layers import VOICE_LAYERS, Speech, speech_of
from authsvc.lab.voice_rows import Rows
from authsvc.voice.audio import decode, encode_wav
from authsvc.voice.build import voice_service
from authsvc.voice.capture import CaptureContext, EnrollmentPhrase
from authsvc.voice.engine import SAMPLE_RATE, Samples
from authsvc.voice.service import VoiceService
from authsvc.voice.spoken_prompt import PHRASES

ROWS = ("40291738", "38516274", "76049302", "18257469", "93605871", "52830146", "61974025", "07418593")
"""Every digit several times; of a row that is misheard another one is read."""

_PASTED = VOICE_LAYERS["cut-and-paste"]


def spoken(owner: Path, stranger: Path, model_dir: Path) -> tuple[Voices, Template]:
    """Both say digits; and the owner's template, with what its rows are known again by.

    Raises InvalidRequest for recordings of which no template can be made, ModelUnusable without the voice's weights.
    """
    service = voice_service(model_dir)
    service.load()
    own = speech_of(owner)
    voices = Voices(
        owner=_says(_half(own, 1)),
        heard=_says(_half(own, 0)),
        stranger=_says(speech_of(stranger)),
        changes=CHANGES,
    )
    return voices, voice_template(service, Rows(owner))


def voice_template(service: VoiceService, rows: Rows, language: str = "en") -> Template:
    """As an enrollment makes it, with what its rows are known again by; raises InvalidRequest where none can be made."""
    phrases: list[EnrollmentPhrase] = []
    for row in ROWS:
        heard = service.listen(
            rows.read(row), CaptureContext(row, language, tuple(p.fingerprint for p in phrases))
        )
        phrases += [heard] if isinstance(heard, EnrollmentPhrase) else []
        if len(phrases) == PHRASES:
            made = service.enroll([each.share for each in phrases])
            if isinstance(made, Template):
                return replace(made, fingerprints=tuple(each.fingerprint for each in phrases))
            break
    raise InvalidRequest("these recordings make no voice template")


def _half(speech: Speech, first: int) -> Speech:
    """Every other take: the enrollment hears those of even number."""
    return replace(speech, takes={digit: takes[first::2] for digit, takes in speech.takes.items()})


def _says(speech: Speech) -> Say:
    return lambda digits: _PASTED.change(replace(speech, digits=digits)).wav()


def _changing(change: Callable[[Samples], Samples]) -> Callable[[bytes], bytes]:
    return lambda recording: encode_wav(change(decode(recording).samples))


CHANGES: Sequence[Callable[[bytes], bytes]] = (
    _changing(lambda sound: at_speed(sound, 1.03)),
    _changing(lambda sound: -0.5 * sound),
    _changing(lambda sound: np.concatenate([np.zeros(2 * SAMPLE_RATE, dtype=np.float32), sound])),
)
