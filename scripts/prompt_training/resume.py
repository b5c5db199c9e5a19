"""Reads a network's weights back out of the ONNX file that `export` wrote, so that a training goes on where another ended."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnx import numpy_helper
from torch import Tensor, nn

from prompt_training.network import Network, Shape

Floats = NDArray[np.float32]


def resumed(file: bytes, dropout: float, features: Tensor) -> Network:
    """The network in `file`; `features` (`n x frames x 40`) show the values that batch normalisation shall expect.

    The file has the normalisation folded into the convolutions. It is given back such that it changes nothing: each channel is
    divided by the deviation and moved by the mean that it has on `features`, and multiplied and moved back.
    """
    weights = _weights(onnx.load_from_string(file))
    convolutions = [(next(weights), next(weights)) for _ in range(3)]
    recurrent, bias = [], None
    for array in weights:
        if array.ndim == 2 and bias is None and array.shape[0] != 2:
            labels, bias = array, next(weights)
        else:
            recurrent.append(array)
    layers = len(recurrent) // 3
    shape = Shape(convolutions[0][0].shape[0], recurrent[1].shape[2], layers, dropout)
    network = Network(shape)
    with torch.no_grad():
        _set(network.labels.weight, labels)
        _set(network.labels.bias, bias)
        for layer in range(layers):
            _set_gru(network.recurrent, layer, *recurrent[3 * layer : 3 * layer + 3])
        values = features.transpose(1, 2)
        for number, (kernel, offset) in enumerate(convolutions):
            convolution, norm, rectified = network.convolutions[3 * number : 3 * number + 3]
            _set(convolution.weight, kernel)
            _set(convolution.bias, offset)
            values = convolution(values)
            mean, variance = values.mean((0, 2)), values.var((0, 2))
            norm.running_mean.copy_(mean)
            norm.running_var.copy_(variance)
            norm.bias.copy_(mean)
            norm.weight.copy_((variance + norm.eps).sqrt())
            values = rectified(values)
    return network


def _weights(model: onnx.ModelProto) -> Iterator[Floats]:
    """The matrices and vectors in their order, in float32, those in eight bits multiplied by their scales."""
    stored = {one.name: numpy_helper.to_array(one) for one in model.graph.initializer}
    scales = {
        node.input[0].removesuffix("_whole"): stored[node.input[1]]
        for node in model.graph.node
        if node.op_type == "Mul"
    }
    for node in model.graph.node:
        if node.op_type == "Cast":
            scale = scales.get(node.output[0].removesuffix("_whole"), np.float32(1))
            yield stored[node.input[0]].astype(np.float32) * scale


def _set_gru(recurrent: nn.GRU, layer: int, inputs: Floats, states: Floats, biases: Floats) -> None:
    for direction, end in enumerate(("", "_reverse")):
        of_inputs, of_states = np.split(biases[direction], 2)
        for name, array in (
            ("weight_ih", inputs[direction]),
            ("weight_hh", states[direction]),
            ("bias_ih", of_inputs),
            ("bias_hh", of_states),
        ):
            update, reset, new = np.split(array, 3)
            _set(getattr(recurrent, f"{name}_l{layer}{end}"), np.concatenate([reset, update, new]))


def _set(parameter: Tensor, values: Floats) -> None:
    parameter.copy_(torch.from_numpy(np.ascontiguousarray(values)))
