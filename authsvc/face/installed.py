"""Several models side by side: new templates come from the current one, older templates are compared by the one that made them.

So a change of model asks nobody to enroll again until the old manifest or its weights are taken away; what one model made is
never compared by another.
"""

from __future__ import annotations

from collections.abc import Sequence

from authsvc.biometric.words import Comparison, Template
from authsvc.errors import ConfigurationError, ModelUnusable
from authsvc.face.capture import CaptureContext
from authsvc.face.part import Part
from authsvc.face.service import FaceService
from authsvc.factor import Unusable


class InstalledModels:
    """What `FaceService` offers, over the current model and the older ones that are installed."""

    def __init__(self, current: FaceService, older: Sequence[FaceService] = ()) -> None:
        """Raises ConfigurationError when two of them are one and the same model."""
        self._current = current
        self._by_model = {service.model: service for service in (current, *older)}
        if len(self._by_model) != 1 + len(older):
            raise ConfigurationError("one face model is installed twice")

    @property
    def model(self) -> str:
        """The digest that new templates are bound to."""
        return self._current.model

    def load(self) -> None:
        """Open every weight file of every model; raises ModelUnusable."""
        for service in self._by_model.values():
            service.load()

    def describe(self) -> dict[str, object]:
        """What health shows of the current model, and the digests of the older ones."""
        older = [model for model in self._by_model if model != self.model]
        return {**self._current.describe(), "older_models": older}

    def enroll(self, frames: Sequence[bytes], context: CaptureContext) -> Template | Unusable:
        """A template of the current model; returns and raises as `FaceService.enroll`."""
        return self._current.enroll(frames, context)

    def look_alikes(self, template: Template, others: Sequence[Template]) -> tuple[int, ...]:
        """Those who resemble a template of the current model; raises as `FaceService.look_alikes`."""
        return self._current.look_alikes(template, others)

    def verify(
        self, frames: Sequence[bytes], reference: Template, context: CaptureContext
    ) -> Comparison | Unusable:
        """Compared by the model that made the template; raises ModelUnusable when that is no longer installed."""
        return self._of(reference.model).verify(frames, reference, context)

    def observe(
        self, frames: Sequence[bytes], context: CaptureContext, model: str | None = None
    ) -> Part | Unusable:
        """One part of an active capture, for templates of one model, by default of the current one."""
        return self._of(self.model if model is None else model).observe(frames, context)

    def enroll_parts(self, parts: Sequence[Part], context: CaptureContext) -> Template | Unusable:
        """A template of the current model; returns and raises as `FaceService.enroll_parts`."""
        return self._current.enroll_parts(parts, context)

    def verify_parts(
        self, parts: Sequence[Part], reference: Template, context: CaptureContext
    ) -> Comparison | Unusable:
        """Compared by the model that made the template, as `verify` does."""
        return self._of(reference.model).verify_parts(parts, reference, context)

    def _of(self, model: str) -> FaceService:
        service = self._by_model.get(model)
        if service is None:
            raise ModelUnusable("the template's model is no longer installed: the person must enroll again")
        return service
