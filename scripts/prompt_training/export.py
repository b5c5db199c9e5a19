"""Writes the trained network as ONNX with float16 weights, batch normalisation folded in, the same bytes every time.

Input `features`: 1 x frames x 40 float32. Output `log_probabilities`: frames / 4 x 21 float32, natural logarithms.
"""

from __future__ import annotations

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor, nn

from authsvc.voice.prompt_features import BANDS
from prompt_training.network import LABELS, Network

_OPSET, _IR_VERSION = 17, 8

Floats = NDArray[np.float32]


def to_onnx(network: Network) -> bytes:
    graph = _Graph()
    values = graph.add("Transpose", "features", perm=[0, 2, 1])
    convolutions, norms = network.convolutions[0::3], network.convolutions[1::3]
    for convolution, norm in zip(convolutions, norms, strict=True):
        weights, bias = _folded(convolution, norm)
        size, stride = convolution.kernel_size[0], convolution.stride[0]
        values = graph.add(
            "Conv", values, graph.weight(weights), graph.weight(bias), strides=[stride], pads=[size // 2] * 2
        )
        values = graph.add("Relu", values)
    values = graph.add("Transpose", values, perm=[2, 0, 1])
    hidden = network.recurrent.hidden_size
    joined = graph.constant(np.array([0, 0, 2 * hidden], dtype=np.int64))
    for layer in range(network.recurrent.num_layers):
        recurrent = (graph.weight(part) for part in _gru(network.recurrent, layer))
        values = graph.add(
            "GRU", values, *recurrent, hidden_size=hidden, direction="bidirectional", linear_before_reset=1
        )
        values = graph.add("Reshape", graph.add("Transpose", values, perm=[0, 2, 1, 3]), joined)
    values = graph.add("Squeeze", values, graph.constant(np.array([1], dtype=np.int64)))
    weights, bias = _numbers(network.labels.weight), _numbers(network.labels.bias)
    values = graph.add("Gemm", values, graph.weight(weights), graph.weight(bias), transB=1)
    return graph.finish(graph.add("LogSoftmax", values, axis=-1))


def _folded(convolution: nn.Conv1d, norm: nn.BatchNorm1d) -> tuple[Floats, Floats]:
    gain = _numbers(norm.weight) / np.sqrt(_numbers(norm.running_var) + norm.eps)
    offset = _numbers(norm.bias) - gain * _numbers(norm.running_mean)
    return gain[:, None, None] * _numbers(convolution.weight), gain * _numbers(convolution.bias) + offset


def _gru(recurrent: nn.GRU, layer: int) -> tuple[Floats, Floats, Floats]:
    """W, R and B as ONNX wants them: update before reset, where torch has reset before update."""
    ends = ("", "_reverse")
    inputs = np.stack([_reordered(getattr(recurrent, f"weight_ih_l{layer}{end}")) for end in ends])
    states = np.stack([_reordered(getattr(recurrent, f"weight_hh_l{layer}{end}")) for end in ends])
    biases = [
        np.concatenate(
            [_reordered(getattr(recurrent, f"bias_{kind}_l{layer}{end}")) for kind in ("ih", "hh")]
        )
        for end in ends
    ]
    return inputs, states, np.stack(biases)


def _reordered(parameter: Tensor) -> Floats:
    reset, update, new = np.split(_numbers(parameter), 3)
    return np.concatenate([update, reset, new])


def _numbers(tensor: Tensor | None) -> Floats:
    if tensor is None:
        raise ValueError("the network has a layer without its numbers")
    return tensor.detach().numpy()


class _Graph:
    """Collects nodes in execution order; `add` answers the name of the node's output."""

    def __init__(self) -> None:
        self._nodes: list[onnx.NodeProto] = []
        self._weights: list[onnx.TensorProto] = []

    def add(self, kind: str, *inputs: str, **attributes: object) -> str:
        name = f"{kind.lower()}_{len(self._nodes)}"
        node = helper.make_node(kind, list(inputs), [name], name=name)
        node.attribute.extend(helper.make_attribute(key, value) for key, value in sorted(attributes.items()))
        self._nodes.append(node)
        return name

    def weight(self, values: Floats) -> str:
        """Stored as float16, used as float32."""
        return self.add("Cast", self.constant(values.astype(np.float16)), to=TensorProto.FLOAT)

    def constant(self, values: NDArray[np.generic]) -> str:
        name = f"weight_{len(self._weights)}"
        self._weights.append(numpy_helper.from_array(np.ascontiguousarray(values), name))
        return name

    def finish(self, output: str) -> bytes:
        self._nodes.append(
            helper.make_node("Identity", [output], ["log_probabilities"], name="log_probabilities")
        )
        features = helper.make_tensor_value_info("features", TensorProto.FLOAT, [1, "frames", BANDS])
        answer = helper.make_tensor_value_info("log_probabilities", TensorProto.FLOAT, ["steps", LABELS])
        graph = helper.make_graph(self._nodes, "digits_ctc", [features], [answer], self._weights)
        model = helper.make_model(
            graph,
            opset_imports=[helper.make_opsetid("", _OPSET)],
            ir_version=_IR_VERSION,
            producer_name="authsvc",
        )
        onnx.checker.check_model(model)
        return bytes(model.SerializeToString(deterministic=True))
