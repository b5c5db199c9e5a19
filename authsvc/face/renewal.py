"""A face of an earlier model, enrolled anew by the current one with a capture that confirms a payment.

The earlier model goes on judging. Beside it the current one looks at the same frames, exactly as it does at an enrollment: its
limits, its number of samples, one person throughout, alive, no copy. What it makes waits with the evidence, sealed, and
counts only where the payment is released (`stepup/renewing.py`). Whatever is not good enough here, or fails, leaves payment and
template as they are.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Protocol, TypeVar

from authsvc.biometric.consent import covers_renewal
from authsvc.biometric.words import Consent, Modality, Renewal, StoredTemplate, Template
from authsvc.errors import AuthsvcError
from authsvc.face.capture import CaptureContext
from authsvc.face.part import Part
from authsvc.factor import Json, Unusable

RENEWAL = "renewal"
"""Under this name the renewal waits with the evidence."""

_PARTS = "parts_anew"

Made = TypeVar("Made")

logger = logging.getLogger(__name__)


class Enrolling(Protocol):
    """The face room, as far as it makes templates of the current model."""

    def enroll(self, frames: Sequence[bytes], context: CaptureContext) -> Template | Unusable: ...

    def observe(
        self, frames: Sequence[bytes], context: CaptureContext, model: str | None = None
    ) -> Part | Unusable: ...

    def enroll_parts(self, parts: Sequence[Part], context: CaptureContext) -> Template | Unusable: ...


class Renewing:
    """`model` is the digest by which faces are enrolled now."""

    def __init__(self, worker: Enrolling, model: str) -> None:
        self._worker = worker
        self._model = model

    def is_due(self, stored: StoredTemplate | None, consents: Sequence[Consent]) -> bool:
        """Whether a template is of an earlier model, and its person agreed to have it renewed."""
        if stored is None or stored.template.model == self._model:
            return False
        return covers_renewal(consents, Modality.FACE)

    def followed(self, kept: Json, frames: Sequence[bytes], context: CaptureContext) -> Json:
        """What the current model saw in all parts of a capture up to this one; nothing from the first that is not good enough."""
        seen = kept.get(_PARTS, [] if context.part == 0 else None)
        if not isinstance(seen, list):
            return {}
        part = self._tried(lambda: self._worker.observe(frames, replace(context, enrolling=True)))
        return {_PARTS: [*seen, part.to_json()]} if isinstance(part, Part) else {}

    def of_parts(self, stored: StoredTemplate, seen: Json, context: CaptureContext) -> Json:
        """The renewal that these parts make, to wait with the evidence; nothing where they make none."""
        parts = seen.get(_PARTS)
        if not isinstance(parts, list):
            return {}
        read = tuple(Part.from_json(part) for part in parts if isinstance(part, Mapping))
        enrolling = replace(context, enrolling=True)
        return self._made(stored, lambda: self._worker.enroll_parts(read, enrolling))

    def of_frames(self, stored: StoredTemplate, frames: Sequence[bytes], context: CaptureContext) -> Json:
        """The same of a capture without gestures."""
        return self._made(stored, lambda: self._worker.enroll(frames, replace(context, enrolling=True)))

    def _made(self, stored: StoredTemplate, make: Callable[[], Template | Unusable]) -> Json:
        made = self._tried(make)
        if not isinstance(made, Template) or made.model == stored.template.model:
            return {}
        return {RENEWAL: Renewal(stored.template.model, made).to_json()}

    def _tried(self, make: Callable[[], Made]) -> Made | None:
        """None where the worker failed: nobody's payment waits for a renewal."""
        try:
            return make()
        except AuthsvcError as error:
            logger.warning("a face was not enrolled anew: %s", error.detail)
            return None
