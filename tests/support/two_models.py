"""The face room with two models side by side: named faces, of which one model compares nothing that the other made."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from authsvc.biometric.manifest import manifest_folder, read_manifests
from authsvc.biometric.words import Comparison, Template
from authsvc.errors import ModelUnusable
from authsvc.face.capture import CaptureContext
from authsvc.face.part import Part
from authsvc.factor import Unusable
from tests.support.service import NamedFaces

EARLIER, CURRENT = "dlib-resnet-v1", "mobilefacenet-arcface"
DIGESTS = {each.id: each.digest for each in read_manifests(manifest_folder())}


class TwoModels(NamedFaces):
    """New templates come of `model`; `score` is that of the right person, and `enrolls` what is said before one is enrolled."""

    def __init__(self) -> None:
        super().__init__()
        self.model = DIGESTS[EARLIER]
        self.score = 0.99
        self.enrolls: Callable[[], Unusable | None] = lambda: None
        self.judged_by: list[str] = []

    def observe(
        self, frames: Sequence[bytes], context: CaptureContext, model: str | None = None
    ) -> Part | Unusable:
        refused = self.enrolls() if context.enrolling else None
        part = super().observe(frames, context) if refused is None else refused
        return part if isinstance(part, Unusable) else replace(part, model=model or self.model)

    def enroll_parts(self, parts: Sequence[Part], context: CaptureContext) -> Template | Unusable:
        _must_be_of(self.model, parts)
        return super().enroll_parts(parts, context)

    def verify_parts(
        self, parts: Sequence[Part], reference: Template, context: CaptureContext
    ) -> Comparison | Unusable:
        _must_be_of(reference.model, parts)
        compared = super().verify_parts(parts, reference, context)
        if isinstance(compared, Unusable):
            return compared
        self.judged_by.append(reference.model)
        score = self.score if compared.score > 0.9 else compared.score
        return replace(compared, model=reference.model, frames=3, score=score)


def _must_be_of(model: str, parts: Sequence[Part]) -> None:
    if any(part.model != model for part in parts):
        raise ModelUnusable("a part was observed by another model")
