"""The matcher that is an ONNX network, whichever: its manifest says how it wants its faces."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from authsvc.biometric.manifest import Manifest
from authsvc.biometric.network import Network
from authsvc.biometric.vectors import Vectors, unit
from authsvc.errors import ModelUnusable
from authsvc.face.alignment import aligned_chip
from authsvc.face.engine import Pixels, PointKind, Points
from authsvc.face.input_form import InputForm


class OnnxMatcher:
    """Any network that turns an aligned face into a vector: dlib's ResNet, the ArcFace class, SFace.

    With `mirror` a face's vector is the mean over the chip and its mirror image, which lowers the equal error rate of
    dlib's network by a seventh for twice the time.
    """

    def __init__(self, path: Path, manifest: Manifest, points: PointKind) -> None:
        """Raises ModelUnusable when the manifest's input form is not one, or not for these points."""
        self.id = manifest.engine
        self.dimension = manifest.dimension or 0
        self._path = path
        self._form = InputForm.of(manifest.input, manifest.id)
        self._target = self._form.target(points)
        self._mirror = manifest.fusion.mirror
        self._network: Network | None = None

    def load(self) -> None:
        network = Network(self._path)
        blank = np.zeros((1, 3, self._form.size, self._form.size), dtype=np.float32)
        if network.output(blank).shape != (1, self.dimension):
            raise ModelUnusable(f"`{self._path.name}` does not answer {self.dimension} numbers for a face")
        self._network = network

    def describe(self, pictures: Sequence[Pixels], points: Sequence[Points]) -> Vectors:
        chips = [
            aligned_chip(picture, five, self._target, self._form.size)
            for picture, five in zip(pictures, points, strict=True)
        ]
        return self.describe_chips(chips)

    def describe_chips(self, chips: Sequence[Pixels]) -> Vectors:
        """`n x dimension` unit rows for faces that are aligned already."""
        if self._network is None:
            raise ModelUnusable("the matcher was asked before it was loaded")
        mirrored = [chip[:, ::-1] for chip in chips] if self._mirror else []
        vectors = self._network.output(self._form.normalise([*chips, *mirrored]))
        return unit(vectors.reshape(-1, len(chips), self.dimension).mean(axis=0))
