"""ONNX networks, and the matcher made of one; the only file of the room that knows onnxruntime."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from authsvc.errors import ModelUnusable
from authsvc.face.alignment import aligned_chip
from authsvc.face.engine import Pixels, PointKind, Points, Vectors
from authsvc.face.input_form import InputForm
from authsvc.face.vectors import unit
from authsvc.manifest import Manifest

Floats = NDArray[np.float32]


class Network:
    """One network on one thread: several processes serve better than threads inside a session (measured)."""

    def __init__(self, path: Path) -> None:
        """Raises ModelUnusable when the file is not a network that onnxruntime opens."""
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        try:
            self._session = onnxruntime.InferenceSession(
                str(path), options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # onnxruntime raises classes of its own that it does not export.
            raise ModelUnusable(f"`{path.name}` is not an ONNX network that can be run") from error
        self.input: str = self._session.get_inputs()[0].name
        self.shape: tuple[object, ...] = tuple(self._session.get_inputs()[0].shape)
        self.outputs: tuple[str, ...] = tuple(output.name for output in self._session.get_outputs())

    def run(self, values: Floats) -> dict[str, Floats]:
        """Every output by name, for one input of float32."""
        return dict(zip(self.outputs, self._session.run(None, {self.input: values}), strict=True))

    def first(self, values: Floats) -> Floats:
        """The first output, for a network that has one; one row at a time where the network takes no more."""
        if self.shape[0] == 1 and len(values) > 1:
            return np.concatenate([self.run(row[None])[self.outputs[0]] for row in values])
        return self.run(values)[self.outputs[0]]


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
        if network.first(blank).shape != (1, self.dimension):
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
        vectors = self._network.first(self._form.normalise([*chips, *mirrored]))
        if not np.isfinite(vectors).all():
            raise ModelUnusable(f"`{self._path.name}` answered numbers that are not finite")
        return unit(vectors.reshape(-1, len(chips), self.dimension).mean(axis=0))
