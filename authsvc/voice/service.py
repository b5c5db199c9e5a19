"""What the voice room does: make a template of a person's phrases, and compare new phrases with it.

Runs inside a biometric worker process. It keeps nothing: sound lives for one call, templates, probes and fingerprints are
handed to the caller, who seals them.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np

from authsvc.arrays.vectors import Vectors, cosine, fuse, least_alike, pack, unpack
from authsvc.biometric import Comparison, Modality, Template
from authsvc.errors import InvalidRequest, ModelUnusable, PayloadTooLarge
from authsvc.factor import Unusable
from authsvc.manifest import Manifest
from authsvc.voice.acquisition import Ears, Phrase, acquire, hints_of
from authsvc.voice.capture import CaptureContext, Enrolled, Heard
from authsvc.voice.engine import SpeakerEncoder
from authsvc.voice.fingerprint import COPY, closest
from authsvc.voice.hints import Hint
from authsvc.voice.liveness import Evidence, PromptedLiveness
from authsvc.voice.quality import ENROLMENT, VERIFICATION, Gate
from authsvc.voice.references import Reference, Share
from authsvc.voice.spoken_prompt import Language

MAX_PHRASES = 8

_AGREEMENT = 0.70
"""How alike the phrases of one enrolment must be to each other: one voice, and no noise among them."""


class VoiceService:
    """One encoder, one speech detector, one digit recogniser; `load` opens them all."""

    def __init__(
        self, manifest: Manifest, encoder: SpeakerEncoder, ears: Ears, liveness: PromptedLiveness
    ) -> None:
        self._manifest = manifest
        self._encoder = encoder
        self._ears = ears
        self._liveness = liveness

    @property
    def model(self) -> str:
        """The manifest's digest: what a template is bound to."""
        return self._manifest.digest

    def load(self) -> None:
        """Open every weight file; raises ModelUnusable."""
        for part in (self._encoder, self._ears, self._liveness):
            part.load()

    def describe(self) -> dict[str, object]:
        """What health shows: engine, model and liveness mode."""
        return {
            "engine": self._encoder.id,
            "detector": self._ears.detector.id,
            "recogniser": self._ears.recogniser.id,
            "model": self.model,
            "model_id": self._manifest.id,
            "model_version": self._manifest.version,
            "liveness": self._liveness.id,
        }

    def enroll(self, recordings: Sequence[bytes], context: CaptureContext) -> Enrolled | Unusable:
        """A template of as many good phrases as the manifest's fusion asks for, or what to do better.

        Each recording reads its own prompt of `context.digits`. Raises what `audio.decode` raises, InvalidRequest for another
        number of recordings than prompts.
        """
        phrases = self._acquire(recordings, context, ENROLMENT)
        samples = self._manifest.fusion.samples
        good = [phrase for phrase in phrases if phrase.is_good][:samples]
        if len(good) < samples:
            return Unusable(hints_of(phrases, samples))
        if any(self._liveness.is_misread(phrase.reading) for phrase in good):
            return Unusable((Hint.SPEAK_ALL_DIGITS.value,))
        if _repeats(good, context.earlier):
            return Unusable((Hint.SAME_RECORDING.value,))
        vectors = self._describe(good)
        if least_alike(vectors) < _AGREEMENT:
            return Unusable((Hint.INCONSISTENT.value,))
        shares = [Share.of(self._encoder, phrase.speech.only, phrase.quality) for phrase in good]
        template = Template(Modality.VOICE, self.model, Reference.of(shares).packed(), samples)
        return Enrolled(template, tuple(phrase.fingerprint.text() for phrase in good))

    def verify(
        self, recordings: Sequence[bytes], reference: Template, context: CaptureContext
    ) -> Heard | Unusable:
        """How alike the phrase's speaker is to the template's, and whether the digits were spoken now; raises as `enroll` does.

        With `context.held` the probe is the mean of that earlier phrase and this one. Raises ModelUnusable for a template of
        another model: the person must enrol again.
        """
        expected = self._reference(reference)
        (phrase,) = self._acquire(recordings, context, VERIFICATION, most=1)
        if not phrase.is_good:
            return Unusable(hints_of((phrase,), 1))
        probe = self._describe((phrase,))[0]
        probes = [probe] if context.held is None else [self._probe(context.held), probe]
        copy = closest(phrase.fingerprint, context.earlier)
        comparison = Comparison(
            score=cosine(fuse(np.stack(probes)), expected.for_probe(phrase.quality)),
            model=self.model,
            frames=len(probes),
            liveness=self._liveness.judge(Evidence(phrase.reading, copy), phrase.speech.only),
            quality=phrase.quality.numbers(),
            fingerprints=(phrase.fingerprint.text(),),
        )
        return Heard(comparison, pack(probe))

    def _acquire(
        self, recordings: Sequence[bytes], context: CaptureContext, gate: Gate, most: int = MAX_PHRASES
    ) -> list[Phrase]:
        if not recordings:
            raise InvalidRequest("a voice capture without a recording")
        if len(recordings) > most:
            raise PayloadTooLarge(f"{len(recordings)} recordings, and {most} are accepted")
        if len(recordings) != len(context.digits):
            raise InvalidRequest(f"{len(recordings)} recordings for {len(context.digits)} prompts")
        language = Language(context.language)
        return [
            acquire(data, digits, language, self._ears, gate)
            for data, digits in zip(recordings, context.digits, strict=True)
        ]

    def _describe(self, phrases: Sequence[Phrase]) -> Vectors:
        return self._encoder.describe([phrase.speech.only for phrase in phrases])

    def _reference(self, template: Template) -> Reference:
        if template.modality is not Modality.VOICE or template.model != self.model:
            raise ModelUnusable("the template was made by another model: the person must enrol again")
        try:
            return Reference.unpacked(template.vector, self._encoder.dimension)
        except ValueError as error:
            raise ModelUnusable("the template has another number of numbers than is expected") from error

    def _probe(self, data: bytes) -> Vectors:
        vector = unpack(data)
        if vector.shape != (self._encoder.dimension,):
            raise ModelUnusable(
                f"the held phrase has {vector.size} numbers, and {self._encoder.dimension} are expected"
            )
        return vector


def _repeats(phrases: Sequence[Phrase], earlier: Sequence[str]) -> bool:
    """Whether one phrase is a copy of another of this enrolment, or of an earlier capture."""
    prints = [phrase.fingerprint for phrase in phrases]
    among = (one.similarity(other) for one, other in itertools.combinations(prints, 2))
    return any(value >= COPY for value in (*among, *(closest(one, earlier) for one in prints)))
