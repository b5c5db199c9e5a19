"""Who must enroll again after a change of model: templates are compared by the model that made them, or not at all.

Pure: the caller reads subjects, modalities and model digests from wherever they are stored. No template is needed for it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from authsvc.biometric.manifest import Manifest
from authsvc.biometric.weights import is_installed
from authsvc.biometric.words import Modality
from authsvc.subject import Subject


class Standing(StrEnum):
    """What is to become of a template."""

    CURRENT = "current"
    """Made by the model that makes new ones."""

    OLDER = "older"
    """Made by another that is still installed: it works until that is taken away."""

    LOST = "lost"
    """Made by one that is not installed: the person must enroll again."""


@dataclass(frozen=True, slots=True)
class Enrolled:
    """One stored template: whose, of what, and the digest of the model that made it."""

    subject: Subject
    modality: Modality
    model: str


@dataclass(frozen=True, slots=True)
class ModelUse:
    """How many templates a model made, and how they stand; `manifest` is its id, None where no manifest has that digest."""

    modality: Modality
    model: str
    manifest: str | None
    standing: Standing
    templates: int


@dataclass(frozen=True, slots=True)
class Migration:
    """Every model in use, and everybody who must enroll again, in the order they were read."""

    models: tuple[ModelUse, ...]
    lost: tuple[Enrolled, ...]

    def to_json(self) -> dict[str, object]:
        return {
            "models": [
                {
                    "modality": use.modality.value,
                    "model": use.model,
                    "manifest": use.manifest,
                    "standing": use.standing.value,
                    "templates": use.templates,
                }
                for use in self.models
            ],
            "enrol_again": [
                {
                    "client": one.subject.client,
                    "user_id": one.subject.user,
                    "modality": one.modality.value,
                    "model": one.model,
                }
                for one in self.lost
            ],
        }


def migration(
    templates: Iterable[Enrolled],
    manifests: Sequence[Manifest],
    model_dir: Path,
    current: Mapping[Modality, str],
) -> Migration:
    """How every template stands; `current` names the manifest by which each modality is enrolled now.

    As in service, an older model counts as installed when its weights are here, unchanged, and it has operating points.
    """
    by_digest = {manifest.digest: manifest for manifest in manifests}
    standings = {digest: _standing(one, model_dir, current) for digest, one in by_digest.items()}
    counts: dict[tuple[Modality, str], int] = {}
    lost = []
    for one in templates:
        counts[one.modality, one.model] = counts.get((one.modality, one.model), 0) + 1
        if standings.get(one.model, Standing.LOST) is Standing.LOST:
            lost.append(one)
    names = {digest: one.id for digest, one in by_digest.items()}
    uses = (
        ModelUse(modality, model, names.get(model), standings.get(model, Standing.LOST), count)
        for (modality, model), count in counts.items()
    )
    return Migration(
        tuple(sorted(uses, key=lambda use: (use.modality, use.standing, use.model))), tuple(lost)
    )


def _standing(manifest: Manifest, model_dir: Path, current: Mapping[Modality, str]) -> Standing:
    if not is_installed(model_dir, manifest):
        return Standing.LOST
    if current.get(manifest.modality) == manifest.id:
        return Standing.CURRENT
    return Standing.OLDER if manifest.operating_points else Standing.LOST
