"""Writes the GE2E speaker network as ONNX, byte for byte the same on every machine.

Input `mel`: n x 160 x 40 float32, mel power without logarithm. Output `vector`: n x 256 float32 of unit length, all at least
zero. The same as torch's own exporter makes, but for the names.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from authsvc.biometric.model_store.torch_checkpoint import read_tensors
from authsvc.errors import ModelUnusable

_OPSET, _IR_VERSION = 17, 8
_HIDDEN, _BANDS, _FRAMES, _LAYERS = 256, 40, 160, 3
# torch stacks input, forget, cell, output; ONNX wants input, output, forget, cell. The wrong order still gives unit vectors.
_GATES = (0, 3, 1, 2)

Floats = NDArray[np.float32]


def convert_ge2e(data: bytes) -> bytes:
    """The ONNX file for Resemblyzer's `pretrained.pt`; raises ModelUnusable when it is not that checkpoint."""
    tensors = read_tensors(data, "model_state")
    shapes = {name: tensor.shape for name, tensor in tensors.items()}
    for name, shape in _expected_shapes().items():
        if shapes.get(name) != shape:
            raise ModelUnusable(
                f"not the GE2E network: `{name}` is {shapes.get(name)}, and {shape} is expected"
            )
    return _Graph().network(tensors)


def _expected_shapes() -> dict[str, tuple[int, ...]]:
    gates = 4 * _HIDDEN
    shapes: dict[str, tuple[int, ...]] = {"linear.weight": (_HIDDEN, _HIDDEN), "linear.bias": (_HIDDEN,)}
    for layer in range(_LAYERS):
        shapes[f"lstm.weight_ih_l{layer}"] = (gates, _BANDS if layer == 0 else _HIDDEN)
        shapes[f"lstm.weight_hh_l{layer}"] = (gates, _HIDDEN)
        shapes[f"lstm.bias_ih_l{layer}"] = shapes[f"lstm.bias_hh_l{layer}"] = (gates,)
    return shapes


class _Graph:
    """Collects nodes in execution order; every method returns the name of its output."""

    def __init__(self) -> None:
        self._nodes: list[onnx.NodeProto] = []
        self._weights: list[onnx.TensorProto] = []

    def network(self, tensors: Mapping[str, Floats]) -> bytes:
        values = self._op("Transpose", ["mel"], perm=[1, 0, 2])
        for layer in range(_LAYERS - 1):
            values = self._op("Squeeze", [self._lstm(values, tensors, layer, "Y"), self._axis(1)])
        last = self._op("Squeeze", [self._lstm(values, tensors, _LAYERS - 1, "Y_h"), self._axis(0)])
        linear = [last, self._weight(tensors["linear.weight"]), self._weight(tensors["linear.bias"])]
        positive = self._op("Relu", [self._op("Gemm", linear, transB=1)])
        self._op("LpNormalization", [positive], output="vector", axis=1, p=2)
        return self._serialize()

    def _lstm(self, values: str, tensors: Mapping[str, Floats], layer: int, wanted: str) -> str:
        inputs, states = (_reordered(tensors[f"lstm.weight_{kind}_l{layer}"]) for kind in ("ih", "hh"))
        bias = np.concatenate([_reordered(tensors[f"lstm.bias_{kind}_l{layer}"]) for kind in ("ih", "hh")])
        weights = [self._weight(part[None]) for part in (inputs, states, bias)]
        name = f"lstm_{layer}"
        outputs = [name, ""] if wanted == "Y" else ["", name]
        node = helper.make_node("LSTM", [values, *weights], outputs, name=name, hidden_size=_HIDDEN)
        self._nodes.append(node)
        return name

    def _op(self, kind: str, inputs: Sequence[str], output: str | None = None, **attributes: object) -> str:
        name = output or f"{kind.lower()}_{len(self._nodes)}"
        node = helper.make_node(kind, list(inputs), [name], name=name)
        node.attribute.extend(helper.make_attribute(key, value) for key, value in sorted(attributes.items()))
        self._nodes.append(node)
        return name

    def _axis(self, axis: int) -> str:
        return self._weight(np.array([axis], dtype=np.int64))

    def _weight(self, values: NDArray[np.float32] | NDArray[np.int64]) -> str:
        name = f"weight_{len(self._weights)}"
        self._weights.append(numpy_helper.from_array(np.ascontiguousarray(values), name))
        return name

    def _serialize(self) -> bytes:
        mel = helper.make_tensor_value_info("mel", TensorProto.FLOAT, ["n", _FRAMES, _BANDS])
        vector = helper.make_tensor_value_info("vector", TensorProto.FLOAT, ["n", _HIDDEN])
        graph = helper.make_graph(self._nodes, "ge2e", [mel], [vector], self._weights)
        opset = helper.make_opsetid("", _OPSET)
        model = helper.make_model(
            graph, opset_imports=[opset], ir_version=_IR_VERSION, producer_name="authsvc"
        )
        onnx.checker.check_model(model)
        return bytes(model.SerializeToString(deterministic=True))


def _reordered(values: Floats) -> Floats:
    blocks = np.split(values, 4)
    return np.concatenate([blocks[block] for block in _GATES])
