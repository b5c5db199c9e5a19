"""Puts a weight file into the model folder: checked first, then whole or not at all."""

from __future__ import annotations

import hashlib
import os
import tempfile
from pathlib import Path

from authsvc.biometric.manifest import Weight
from authsvc.errors import ModelUnusable


def install_bytes(folder: Path, weight: Weight, data: bytes) -> Path:
    """Writes `data` as the weight file; raises ModelUnusable when it is not what the manifest names."""
    if len(data) != weight.size or hashlib.sha256(data).hexdigest() != weight.sha256:
        raise ModelUnusable(
            f"what was made for `{weight.file}` does not have the manifest's size and SHA-256"
        )
    descriptor, name = tempfile.mkstemp(dir=folder, prefix=f".{weight.file}.")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        return install_file(folder, weight, Path(name))
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def install_file(folder: Path, weight: Weight, temporary: Path) -> Path:
    """Moves a complete file of the same file system into its place, in one step."""
    path = folder / weight.file
    temporary.chmod(0o644)
    return temporary.replace(path)
