"""From a recording on disk to what the voice measurements need of it: what it adds to a template, and what it is as a probe.

Runs in several processes, each with engines of its own; nothing but vectors and measures leaves them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from authsvc.biometric.manifest import Manifest
from authsvc.lab.voice_corpus import DigitRow, Utterance
from authsvc.lab.voice_degradations import degradation
from authsvc.lab.voice_trials import Probe
from authsvc.voice.audio import recording_of
from authsvc.voice.engine import SAMPLE_RATE, Samples, SpeakerEncoder, SpeechDetector
from authsvc.voice.quality import ENROLLMENT, VERIFICATION, measure
from authsvc.voice.references import Share
from authsvc.voice.speech import find_speech

_LEAST_SPEECH_S = 0.5


@dataclass(frozen=True, slots=True, eq=False)
class Engine:
    """What is measured."""

    encoder: SpeakerEncoder
    detector: SpeechDetector

    def load(self) -> None:
        self.encoder.load()
        self.detector.load()


@dataclass(frozen=True, slots=True, eq=False)
class Voice:
    """One utterance: what it adds to a reference, the probe that it is in each condition, and which gates it passes."""

    session: str
    share: Share
    probes: Mapping[str, Probe]
    enrolls: bool
    verifies: bool


Listening = Callable[[Utterance | DigitRow], Voice | None]


@dataclass(frozen=True, slots=True)
class Listener:
    """Makes a `Listening` in whichever process it is called; `engine` opens the engines there."""

    engine: Callable[[], Engine]
    conditions: tuple[str, ...]

    def __call__(self) -> Listening:
        engine = self.engine()
        return lambda utterance: _heard(utterance, engine, self.conditions)


@dataclass(frozen=True, slots=True)
class Installed:
    """The engines of a manifest with this machine's weights, opened when they are asked for."""

    model_dir: Path
    manifest: Manifest

    def __call__(self) -> Engine:
        from authsvc.biometric.manifest import manifest_folder, read_manifests
        from authsvc.biometric.words import Modality
        from authsvc.voice.build import ears, speaker_encoder

        known = {one.id: one for one in read_manifests(manifest_folder()) if one.modality is Modality.VOICE}
        engine = Engine(speaker_encoder(self.model_dir, self.manifest), ears(self.model_dir, known).detector)
        engine.load()
        return engine


def _heard(utterance: Utterance | DigitRow, engine: Engine, conditions: Sequence[str]) -> Voice | None:
    """None for what cannot be read, or in which nobody speaks."""
    recording = utterance.load()
    if recording is None or not np.abs(recording.samples).max(initial=0.0) > 0:
        return None
    speech = find_speech(recording, engine.detector)
    quality = measure(speech)
    if quality.speech < _LEAST_SPEECH_S:
        return None
    return Voice(
        utterance.session,
        Share.of(engine.encoder, speech.only),
        {name: _probe(recording.samples, name, engine) for name in conditions},
        not ENROLLMENT.hints(quality),
        not VERIFICATION.hints(quality),
    )


def _probe(samples: Samples, condition: str, engine: Engine) -> Probe:
    """Spoiled first, and only then cut to speech, as it would be in earnest."""
    speech = find_speech(recording_of(degradation(condition)(samples), SAMPLE_RATE), engine.detector)
    return Probe(engine.encoder.describe([speech.only])[0], measure(speech))
