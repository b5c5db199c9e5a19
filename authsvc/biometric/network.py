"""ONNX networks; the only file that knows onnxruntime."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from authsvc.errors import ModelUnusable

Array = NDArray[Any]  # Any: networks take float32 and int64 alike.


class Network:
    """One network on one thread: several processes serve better than threads inside a session (measured)."""

    def __init__(self, path: Path) -> None:
        """Raises ModelUnusable when the file is not a network that onnxruntime opens."""
        # Read as the library loads; its official builds report their use over the network otherwise.
        os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
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
        self._name = path.name
        self.inputs: tuple[str, ...] = tuple(part.name for part in self._session.get_inputs())
        self.shape: tuple[object, ...] = tuple(self._session.get_inputs()[0].shape)
        self.outputs: tuple[str, ...] = tuple(part.name for part in self._session.get_outputs())

    def run(self, feeds: Mapping[str, Array]) -> dict[str, NDArray[np.float32]]:
        """Every output by name; raises ModelUnusable when the network takes other inputs or answers no finite numbers."""
        try:
            answers = self._session.run(None, dict(feeds))
        except Exception as error:  # As above.
            raise ModelUnusable(f"`{self._name}` does not take what its manifest says") from error
        if not all(np.isfinite(answer).all() for answer in answers):
            raise ModelUnusable(f"`{self._name}` answered numbers that are not finite")
        return dict(zip(self.outputs, answers, strict=True))

    def output(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        """The first output for the first input; one row at a time where the network takes no more. Raises as `run` does."""
        if self.shape[0] == 1 and len(values) > 1:
            return np.concatenate([self.output(row[None]) for row in values])
        return self.run({self.inputs[0]: values})[self.outputs[0]]
