"""What a policy's target false match rates mean for the models at hand: the score, what it costs owners, and on whom that
was measured; or why this calibration cannot support the target.

A policy says `fmr = "1 in 10000"`, and the manifest of the model that made a template turns that into a score. A target
that too few people stand behind is refused before a document may be used, and not only when somebody is compared.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from authsvc.biometric.det import DetCurve, curves_of
from authsvc.biometric.manifest import Manifest, OperatingPoint, pairs_needed, read_manifests
from authsvc.biometric.weights import is_installed
from authsvc.errors import ModelUnusable
from authsvc.policy.document import Document
from authsvc.policy.faults import Fault


@dataclass(frozen=True, slots=True)
class Model:
    """A matcher whose templates are compared here, and the DET curves of its calibration, if it has any."""

    manifest: Manifest
    curves: tuple[DetCurve, ...] = ()


@dataclass(frozen=True, slots=True)
class Threshold:
    """One target for one model: the operating point that it stands for, or the reason why there is none."""

    model: Model
    target_fmr: str
    point: OperatingPoint | None
    refusal: str | None

    @property
    def curve(self) -> DetCurve | None:
        """The curve that the operating point lies on; without a point, the newest one of templates and probes in service."""
        kind = self.model.manifest.fusion
        curves = [
            one for one in self.model.curves if (one.samples, one.frames) == (kind.samples, kind.frames)
        ]
        if self.point is not None:
            curves = [one for one in curves if one.shows(self.point)]
        return max(curves, key=lambda one: one.date, default=None)

    def to_json(self) -> dict[str, object]:
        manifest, point = self.model.manifest, self.point
        return {
            "modality": manifest.modality.value,
            "model": manifest.id,
            "model_digest": manifest.digest,
            "target_fmr": self.target_fmr,
            "supported": point is not None,
            "reason": self.refusal,
            "operating_point": None if point is None else point.model_dump(mode="json", exclude_none=True),
            "false_matches": None if (at := self._measured()) is None else at[0],
            "false_non_matches": None if at is None else at[1],
            "curve": None if self.curve is None else self.curve.model_dump(mode="json"),
        }

    def _measured(self) -> tuple[int, int] | None:
        """The errors behind the operating point's rates, where a curve counted them."""
        if self.point is None or self.curve is None:
            return None
        at = self.curve.at(self.point.threshold)
        return None if at is None else (at.false_matches, at.false_non_matches)


def models_in_use(manifests: Path, weights: Path) -> tuple[Model, ...]:
    """The calibrated matchers whose weights are installed. Reads and hashes files; raises ModelUnusable."""
    return tuple(
        Model(each, curves_of(manifests, each))
        for each in read_manifests(manifests)
        if each.role == "matcher" and each.operating_points and is_installed(weights, each)
    )


def thresholds(document: Document, models: Sequence[Model]) -> tuple[Threshold, ...]:
    """Every target of a document for every model of its modality."""
    return tuple(
        _threshold(model, biometric.fmr)
        for modality, biometric in document.biometrics.items()
        for model in models
        if model.manifest.modality is modality
    )


def unsupported(document: Document, models: Sequence[Model]) -> Iterator[Fault]:
    """Targets that no comparison could be judged at, with the reason."""
    for found in thresholds(document, models):
        if found.refusal is not None:
            yield Fault(("biometrics", found.model.manifest.modality.value, "fmr"), found.refusal)


def _threshold(model: Model, target_fmr: str) -> Threshold:
    manifest = model.manifest
    try:
        point = manifest.operating_point(target_fmr, manifest.fusion.frames)
    except ModelUnusable as error:
        return Threshold(model, target_fmr, None, _reason(manifest, target_fmr) or error.detail)
    return Threshold(model, target_fmr, point, None)


def _reason(manifest: Manifest, target_fmr: str) -> str | None:
    """Too few impostor pairs, where it is that; a rate too rare to be seen among them cannot be claimed."""
    kind = manifest.fusion.samples, manifest.fusion.frames
    measured = [each for each in manifest.operating_points if (each.samples, each.frames) == kind]
    most = max(measured, key=lambda each: each.impostor_pairs, default=None)
    if most is None or most.impostor_pairs >= pairs_needed(target_fmr):
        return None
    return (
        f"`{target_fmr}` needs {pairs_needed(target_fmr)} impostor pairs, 30 for each false match expected, and the "
        f"calibration of model `{manifest.id}` on {most.data_set} has {most.impostor_pairs}"
    )
