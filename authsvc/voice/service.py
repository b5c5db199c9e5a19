"""What the voice room does: make a template of a person's phrases, and compare new phrases with it.

Runs inside a biometric worker process. It keeps nothing: sound lives for one call, templates, probes and fingerprints are
handed to the caller, who seals them.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from authsvc.biometric.manifest import Manifest
from authsvc.biometric.vectors import Vectors, cosine, fuse, least_alike, pack, unpack
from authsvc.biometric.words import Comparison, Modality, Template
from authsvc.errors import InvalidRequest, ModelUnusable
from authsvc.factor import Unusable
from authsvc.voice.acquisition import Ears, Phrase, acquire
from authsvc.voice.capture import CaptureContext, EnrollmentPhrase, Heard
from authsvc.voice.container import NotInstalled, TooLong
from authsvc.voice.engine import SpeakerEncoder
from authsvc.voice.fingerprint import COPY, closest, likeness
from authsvc.voice.hints import Hint
from authsvc.voice.liveness import Evidence, PromptedLiveness
from authsvc.voice.quality import ENROLLMENT, VERIFICATION, Gate
from authsvc.voice.references import Reference, Share, part_for
from authsvc.voice.spoken_prompt import Language

_AGREEMENT = 0.70
"""How alike the phrases of one enrollment must be to each other: one voice, and no noise among them."""


class VoiceService:
    """One encoder, one speech detector, one digit recogniser; `load` opens them all."""

    def __init__(
        self,
        manifest: Manifest,
        encoder: SpeakerEncoder,
        ears: Ears,
        liveness: PromptedLiveness,
        judged_by: Sequence[Manifest] = (),
    ) -> None:
        """`judged_by` are the models of liveness: of what was said, and of how it sounds."""
        self._manifest = manifest
        self._calibrations = [each.calibration_digest for each in (manifest, *judged_by)]
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
            "populations": self._manifest.populations,
            "liveness": self._liveness.id,
            "calibrations": list(self._calibrations),
        }

    def listen(self, recording: bytes, context: CaptureContext) -> EnrollmentPhrase | Unusable:
        """What one phrase adds to a template, or what to do better; `context.earlier` holds those before it as well.

        Raises what `audio.decode` raises.
        """
        phrase = self._acquire(recording, context, ENROLLMENT)
        if isinstance(phrase, Unusable):
            return phrase
        if hints := self._objections(phrase, context):
            return Unusable(tuple(hint.value for hint in hints))
        share = Share.of(self._encoder, phrase.speech.only)
        return EnrollmentPhrase(share.packed(), phrase.fingerprint.text(), self.model)

    def enroll(self, shares: Sequence[bytes]) -> Template | Unusable:
        """The template of as many phrases as the manifest's fusion asks for; unusable when they are not of one voice.

        Raises InvalidRequest for another number of phrases, ModelUnusable for those of another model.
        """
        samples = self._manifest.fusion.samples
        if len(shares) != samples:
            raise InvalidRequest(f"{len(shares)} phrases, and {samples} make a template")
        parts = [self._share(share) for share in shares]
        if least_alike(np.stack([part.own for part in parts])) < _AGREEMENT:
            return Unusable((Hint.INCONSISTENT.value,))
        return Template(Modality.VOICE, self.model, Reference.of(parts).packed(), samples)

    def verify(self, recording: bytes, reference: Template, context: CaptureContext) -> Heard | Unusable:
        """How alike the phrase's speaker is to the template's, and whether the digits were spoken now; raises as `listen` does.

        With `context.held` the probe is the mean of that earlier phrase and this one. Raises ModelUnusable for a template of
        another model: the person must enroll again.
        """
        expected = self._reference(reference)
        phrase = self._acquire(recording, context, VERIFICATION)
        if isinstance(phrase, Unusable):
            return phrase
        if context.corrects and self._is_in_the_other_language(phrase):
            return Unusable((Hint.READ_AS_SHOWN.value,))
        probe = self._encoder.describe([phrase.speech.only])[0]
        probes = [probe] if context.held is None else [self._probe(context.held), probe]
        alike = likeness(phrase.fingerprint, context.earlier)
        comparison = Comparison(
            score=cosine(fuse(np.stack(probes)), expected.for_probe(phrase.quality)),
            model=self.model,
            frames=len(probes),
            liveness=self._liveness.judge(Evidence(phrase.reading, alike), phrase.speech.only),
            quality=phrase.quality.numbers(),
            fingerprints=(phrase.fingerprint.text(),),
            part=part_for(phrase.quality),
        )
        return Heard(comparison, pack(probe))

    def _acquire(self, recording: bytes, context: CaptureContext, gate: Gate) -> Phrase | Unusable:
        try:
            phrase = acquire(recording, context.digits, Language(context.language), self._ears, gate)
        except TooLong:
            return Unusable((Hint.TOO_LONG.value,))
        except NotInstalled:
            return Unusable((Hint.OTHER_FORMAT.value,))
        if phrase.hints == (Hint.SPEAK_ALL_DIGITS,) and self._is_in_the_other_language(phrase):
            return Unusable((Hint.READ_AS_SHOWN.value,))
        return Unusable(tuple(hint.value for hint in phrase.hints)) if phrase.hints else phrase

    def _is_in_the_other_language(self, phrase: Phrase) -> bool:
        return self._liveness.is_misread(phrase.reading) and not self._liveness.is_misread(phrase.otherwise())

    def _objections(self, phrase: Phrase, context: CaptureContext) -> tuple[Hint, ...]:
        """Against a good recording: other digits than were asked, or a sound that was heard before."""
        if self._is_in_the_other_language(phrase):
            return (Hint.READ_AS_SHOWN,)
        if self._liveness.is_misread(phrase.reading):
            return (Hint.SPEAK_ALL_DIGITS,)
        return (Hint.SAME_RECORDING,) if closest(phrase.fingerprint, context.earlier) >= COPY else ()

    def _share(self, data: bytes) -> Share:
        try:
            return Share.unpacked(data, self._encoder.dimension)
        except ValueError as error:
            raise ModelUnusable("a phrase was heard by another model: the person must begin again") from error

    def _reference(self, template: Template) -> Reference:
        if template.modality is not Modality.VOICE or template.model != self.model:
            raise ModelUnusable("the template was made by another model: the person must enroll again")
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
