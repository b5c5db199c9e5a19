"""Writes dlib's face ResNet as ONNX, byte for byte the same on every machine; the only file that knows `onnx`.

Input `chip`: n x 3 x 150 x 150 float32, RGB, `(value - mean) / scale` as the manifest says. Output `vector`: n x 128
float32, not normalised. The largest difference from dlib's own numbers is below 1e-6.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from authsvc.biometric.model_store.dlib_weights import Block, Convolution, ResNet, read_resnet

_OPSET = 17
_IR_VERSION = 8

_SIDE_AFTER_POOL = 35


def convert_dlib_resnet(data: bytes) -> bytes:
    """The ONNX file for a `dlib_face_recognition_resnet_model_v1.dat`; raises ModelUnusable when it is not one."""
    return _Graph().network(read_resnet(data))


class _Graph:
    """Collects nodes in execution order; every method returns the name of its output."""

    def __init__(self) -> None:
        self._nodes: list[onnx.NodeProto] = []
        self._weights: list[onnx.TensorProto] = []

    def network(self, resnet: ResNet) -> bytes:
        values = self._op("Relu", self._convolve("chip", resnet.stem, stride=2, padding=0))
        values = self._op("MaxPool", values, kernel_shape=[3, 3], strides=[2, 2])
        channels, side = resnet.stem.bias.size, _SIDE_AFTER_POOL
        for block in resnet.blocks:
            values, side = (
                self._down(values, block, channels, side)
                if block.down
                else (self._plain(values, block), side)
            )
            channels = block.first.bias.size
        mean = self._op("Flatten", self._op("GlobalAveragePool", values))
        self._nodes.append(
            helper.make_node("MatMul", [mean, self._weight(resnet.projection)], ["vector"], name="vector")
        )
        return self._serialize()

    def _plain(self, values: str, block: Block) -> str:
        return self._op("Relu", self._op("Add", self._branch(values, block, stride=1, padding=1), values))

    def _down(self, values: str, block: Block, channels: int, side: int) -> tuple[str, int]:
        """Where branch and short cut differ, zeros are added at the bottom, the right and the last channels."""
        branch = self._branch(values, block, stride=2, padding=0)
        pooled = self._op("AveragePool", values, kernel_shape=[2, 2], strides=[2, 2])
        missing, narrower = side // 2 - (side - 1) // 2, block.first.bias.size - channels
        branch, pooled = self._pad(branch, 0, missing), self._pad(pooled, narrower, 0)
        return self._op("Relu", self._op("Add", branch, pooled)), side // 2

    def _branch(self, values: str, block: Block, *, stride: int, padding: int) -> str:
        first = self._op("Relu", self._convolve(values, block.first, stride=stride, padding=padding))
        return self._convolve(first, block.second, stride=1, padding=1)

    def _convolve(self, values: str, layer: Convolution, *, stride: int, padding: int) -> str:
        weights, bias = self._weight(layer.weights), self._weight(layer.bias)
        return self._op("Conv", values, weights, bias, strides=[stride] * 2, pads=[padding] * 4)

    def _pad(self, values: str, channels: int, side: int) -> str:
        if channels == 0 and side == 0:
            return values
        return self._op(
            "Pad", values, self._weight(np.array([0, 0, 0, 0, 0, channels, side, side], dtype=np.int64))
        )

    def _op(self, kind: str, *inputs: str, **attributes: Sequence[int]) -> str:
        name = f"{kind.lower()}_{len(self._nodes)}"
        node = helper.make_node(kind, list(inputs), [name], name=name)
        node.attribute.extend(helper.make_attribute(key, value) for key, value in sorted(attributes.items()))
        self._nodes.append(node)
        return name

    def _weight(self, values: NDArray[np.float32] | NDArray[np.int64]) -> str:
        name = f"weight_{len(self._weights)}"
        self._weights.append(numpy_helper.from_array(np.ascontiguousarray(values), name))
        return name

    def _serialize(self) -> bytes:
        chip = helper.make_tensor_value_info("chip", TensorProto.FLOAT, ["n", 3, 150, 150])
        vector = helper.make_tensor_value_info("vector", TensorProto.FLOAT, ["n", 128])
        graph = helper.make_graph(self._nodes, "dlib_face_resnet_v1", [chip], [vector], self._weights)
        opset = helper.make_opsetid("", _OPSET)
        model = helper.make_model(
            graph, opset_imports=[opset], ir_version=_IR_VERSION, producer_name="authsvc"
        )
        onnx.checker.check_model(model)
        return bytes(model.SerializeToString(deterministic=True))
