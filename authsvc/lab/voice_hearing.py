"""What the service would say to recordings: an enrollment of some, and a comparison of one with it, step by step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from authsvc.biometric.manifest import Manifest
from authsvc.biometric.words import Template
from authsvc.factor import Unusable
from authsvc.voice.capture import CaptureContext, EnrollmentPhrase
from authsvc.voice.service import VoiceService

Figures = dict[str, object]


@dataclass(frozen=True, slots=True)
class Row:
    """A recording, and the digits that it should be of."""

    digits: str
    file: Path


def hear(
    service: VoiceService, manifest: Manifest, owner: Sequence[Row], probe: Row, language: str
) -> Figures:
    """Ready for JSON. Raises what the service raises: for a file that is no recording, or another number of phrases."""
    phrases: list[EnrollmentPhrase] = []
    for row in owner:
        heard = service.listen(row.file.read_bytes(), _context(row, language, phrases))
        if isinstance(heard, Unusable):
            return {"recording": row.file.name, "enrolls": False, "hints": list(heard.hints)}
        phrases.append(heard)
    template = service.enroll([phrase.share for phrase in phrases])
    if isinstance(template, Unusable):
        return {"enrolls": False, "hints": list(template.hints)}
    return {
        "enrolls": True,
        **_compared(service, manifest, template, probe, _context(probe, language, phrases)),
    }


def _compared(
    service: VoiceService, manifest: Manifest, template: Template, probe: Row, context: CaptureContext
) -> Figures:
    answer = service.verify(probe.file.read_bytes(), template, context)
    if isinstance(answer, Unusable):
        return {"recording": probe.file.name, "compared": False, "hints": list(answer.hints)}
    found = answer.comparison
    return {
        "recording": probe.file.name,
        "compared": True,
        "score": found.score,
        "operating_points": [
            {"target_fmr": point.target_fmr, "accepts_from": point.threshold, "asks_from": point.retry_from}
            for point in manifest.operating_points
            if point.frames == found.frames
        ],
        "liveness": found.liveness.verdict.value,
        "evidence": dict(found.liveness.evidence),
        "quality": dict(found.quality),
    }


def _context(row: Row, language: str, phrases: Sequence[EnrollmentPhrase]) -> CaptureContext:
    return CaptureContext(row.digits, language, tuple(phrase.fingerprint for phrase in phrases))
