"""The weight files of a manifest on this machine: are they there, and are they still the ones that were calibrated?

Nothing is opened that was not hashed first, and a changed file refuses to start rather than to compare wrongly.
"""

from __future__ import annotations

import hashlib
from enum import StrEnum
from pathlib import Path

from authsvc.biometric.manifest import Manifest, Weight
from authsvc.errors import ModelUnusable

_BLOCK = 1 << 20


class WeightState(StrEnum):
    """What is found where a weight file should be."""

    READY = "ready"
    MISSING = "missing"
    CHANGED = "changed"


def sha256_of(path: Path) -> str:
    """The file's SHA-256 in hexadecimal, read block by block; raises OSError."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()


def weight_state(folder: Path, weight: Weight) -> WeightState:
    """Whether `folder` holds the weight file, by size and SHA-256."""
    path = folder / weight.file
    if not path.is_file():
        return WeightState.MISSING
    same = path.stat().st_size == weight.size and sha256_of(path) == weight.sha256
    return WeightState.READY if same else WeightState.CHANGED


def is_installed(folder: Path, manifest: Manifest) -> bool:
    """Whether every weight file of the manifest is there and unchanged."""
    return all(weight_state(folder, weight) is WeightState.READY for weight in manifest.weights)


def verified_weights(folder: Path, manifest: Manifest) -> dict[str, Path]:
    """The manifest's weight files by role, hashed just now; raises ModelUnusable that says what to do."""
    for weight in manifest.weights:
        state = weight_state(folder, weight)
        if state is WeightState.MISSING:
            raise ModelUnusable(
                f"weight file `{weight.file}` of `{manifest.id}` is missing: {_remedy(weight, manifest)}"
            )
        if state is WeightState.CHANGED:
            raise ModelUnusable(
                f"weight file `{weight.file}` of `{manifest.id}` is not the one in the manifest (size or SHA-256): "
                f"remove it, then {_remedy(weight, manifest)}"
            )
    return {weight.role: folder / weight.file for weight in manifest.weights}


def _remedy(weight: Weight, manifest: Manifest) -> str:
    from_package = weight.source is not None and weight.source.package is not None
    return "run `authsvc models prepare`" if from_package else f"run `authsvc models pull {manifest.id}`"
