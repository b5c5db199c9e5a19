"""Writes a plain convolutional TFLite network as ONNX, byte for byte the same on every machine; nothing of it is executed.

Made for the face networks that Google publishes: float32 or float16 weights, convolutions, PReLU, pooling. The input becomes
`n x 3 x h x w` float32 instead of `n x h x w x 3`, outputs keep their names, their order and their shape.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import onnx
import tflite
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from authsvc.errors import ModelUnusable

_OPSET = 17
_IR_VERSION = 8
_IDENTIFIER = b"TFL3"
_LEAST_WEIGHT = 1e-20  # Denormal weights change no output and make every product many times slower.
_PADDINGS = {tflite.Padding.SAME: "SAME_UPPER", tflite.Padding.VALID: "VALID"}
_ACTIVATIONS: Mapping[int, str | None] = {
    tflite.ActivationFunctionType.NONE: None,
    tflite.ActivationFunctionType.RELU: "Relu",
}
_TYPES = {tflite.TensorType.FLOAT32: "<f4", tflite.TensorType.FLOAT16: "<f2", tflite.TensorType.INT32: "<i4"}

Array = NDArray[Any]  # Any: weights are floats, paddings and shapes integers.


def convert_tflite(data: bytes) -> bytes:
    """The ONNX file for a TFLite one; raises ModelUnusable when it is none, or uses what is not known here."""
    if data[4:8] != _IDENTIFIER:
        raise ModelUnusable("not a TFLite network")
    try:
        return _Conversion(data).network()
    except (struct.error, IndexError, KeyError, ValueError, TypeError, AttributeError) as error:
        raise ModelUnusable(
            f"the TFLite network holds what is not known here: {error.__class__.__name__} {error}"
        ) from error


class _Conversion:
    """Walks through the operators in order; every tensor is called by its number."""

    def __init__(self, data: bytes) -> None:
        self._model = tflite.Model.GetRootAsModel(data, 0)
        self._graph = self._model.Subgraphs(0)
        self._nodes: list[onnx.NodeProto] = []
        self._weights: dict[str, onnx.TensorProto] = {}
        self._constants: dict[int, Array] = {}
        self._convert: Mapping[int, Callable[[Any], None]] = {
            tflite.BuiltinOperator.CONV_2D: self._convolution,
            tflite.BuiltinOperator.DEPTHWISE_CONV_2D: self._depthwise,
            tflite.BuiltinOperator.PRELU: self._prelu,
            tflite.BuiltinOperator.RELU: lambda op: self._add(op, "Relu", self._values(op, 0)),
            tflite.BuiltinOperator.ADD: self._sum,
            tflite.BuiltinOperator.PAD: self._pad,
            tflite.BuiltinOperator.MAX_POOL_2D: self._pool,
            tflite.BuiltinOperator.RESHAPE: self._reshape,
            tflite.BuiltinOperator.CONCATENATION: self._concatenation,
            tflite.BuiltinOperator.DEQUANTIZE: self._dequantize,
        }

    def network(self) -> bytes:
        for number in range(self._graph.OperatorsLength()):
            operator = self._graph.Operators(number)
            code = self._model.OperatorCodes(operator.OpcodeIndex())
            self._convert[max(code.BuiltinCode(), code.DeprecatedBuiltinCode())](operator)
        return self._serialized()

    # -- Operators --------------------------------------------------------------------------------------------------

    def _convolution(self, operator: Any) -> None:  # Any: here and below, flatbuffer tables are not typed.
        options = _options(operator, tflite.Conv2DOptions())
        # out x h x w x in becomes out x in x h x w
        self._convolve(operator, options, self._constant(operator, 1).transpose(0, 3, 1, 2), group=1)

    def _depthwise(self, operator: Any) -> None:
        options = _options(operator, tflite.DepthwiseConv2DOptions())
        weights = self._constant(operator, 1).transpose(3, 0, 1, 2)  # 1 x h x w x out, each of one channel
        self._convolve(operator, options, weights, group=len(weights) // options.DepthMultiplier())

    def _convolve(self, operator: Any, options: Any, weights: Array, group: int) -> None:
        if (options.DilationHFactor(), options.DilationWFactor()) != (1, 1):
            raise ValueError("a dilated convolution")
        bias = self._weight(operator, 2, self._constant(operator, 2))
        inputs = (self._values(operator, 0), self._weight(operator, 1, weights), bias)
        shape = {
            "group": group,
            "auto_pad": _PADDINGS[options.Padding()],
            "strides": [options.StrideH(), options.StrideW()],
        }
        self._add(operator, "Conv", *inputs, then=options.FusedActivationFunction(), **shape)

    def _prelu(self, operator: Any) -> None:
        slopes = self._constant(operator, 1).reshape(-1, 1, 1)
        self._add(operator, "PRelu", self._values(operator, 0), self._weight(operator, 1, slopes))

    def _sum(self, operator: Any) -> None:
        then = _options(operator, tflite.AddOptions()).FusedActivationFunction()
        self._add(operator, "Add", self._values(operator, 0), self._values(operator, 1), then=then)

    def _pad(self, operator: Any) -> None:
        before, after = self._constant(operator, 1)[[0, 3, 1, 2]].T
        pads = self._weight(operator, 1, np.concatenate([before, after]).astype("<i8"))
        self._add(operator, "Pad", self._values(operator, 0), pads)

    def _pool(self, operator: Any) -> None:
        options = _options(operator, tflite.Pool2DOptions())
        shape = {
            "kernel_shape": [options.FilterHeight(), options.FilterWidth()],
            "auto_pad": _PADDINGS[options.Padding()],
            "strides": [options.StrideH(), options.StrideW()],
        }
        then = options.FusedActivationFunction()
        self._add(operator, "MaxPool", self._values(operator, 0), then=then, **shape)

    def _reshape(self, operator: Any) -> None:
        """Numbers are counted with the channels last, as they lie in the original."""
        number = operator.Outputs(0)
        self._node("Transpose", f"last_{number}", self._values(operator, 0), perm=[0, 2, 3, 1])
        shape = np.array([-1, *self._shape(number)[1:]], dtype="<i8")
        self._add(operator, "Reshape", f"last_{number}", self._store(f"shape_{number}", shape))

    def _concatenation(self, operator: Any) -> None:
        """Of what was reshaped, where the axes are those of the original."""
        options = _options(operator, tflite.ConcatenationOptions())
        inputs = [self._values(operator, place) for place in range(operator.InputsLength())]
        self._add(operator, "Concat", *inputs, then=options.FusedActivationFunction(), axis=options.Axis())

    def _dequantize(self, operator: Any) -> None:
        self._constants[operator.Outputs(0)] = self._constant(operator, 0).astype("<f4")

    # -- Tensors ----------------------------------------------------------------------------------------------------

    def _constant(self, operator: Any, place: int) -> Array:
        number = operator.Inputs(place)
        if number in self._constants:
            return self._constants[number]
        tensor = self._graph.Tensors(number)
        values = np.frombuffer(self._model.Buffers(tensor.Buffer()).DataAsNumpy(), _TYPES[tensor.Type()])
        return values.reshape(self._shape(number))

    def _shape(self, number: int) -> list[int]:
        return [int(length) for length in self._graph.Tensors(number).ShapeAsNumpy()]

    def _values(self, operator: Any, place: int) -> str:
        return str(operator.Inputs(place))

    def _weight(self, operator: Any, place: int, values: Array) -> str:
        return self._store(f"weight_{operator.Inputs(place)}", values)

    def _store(self, name: str, values: Array) -> str:
        if values.dtype.kind == "f":
            values = np.where(np.abs(values) < _LEAST_WEIGHT, 0, values).astype("<f4")
        self._weights[name] = numpy_helper.from_array(np.ascontiguousarray(values), name)
        return name

    # -- Nodes ------------------------------------------------------------------------------------------------------

    def _add(self, operator: Any, kind: str, *inputs: str, then: int = 0, **attributes: Any) -> None:
        output, activation = str(operator.Outputs(0)), _ACTIVATIONS[then]
        if activation is None:
            return self._node(kind, output, *inputs, **attributes)
        self._node(kind, f"before_{output}", *inputs, **attributes)
        return self._node(activation, output, f"before_{output}")

    def _node(self, kind: str, output: str, *inputs: str, **attributes: Any) -> None:
        node = helper.make_node(kind, list(inputs), [output], name=f"{kind.lower()}_{len(self._nodes)}")
        node.attribute.extend(helper.make_attribute(key, value) for key, value in sorted(attributes.items()))
        self._nodes.append(node)

    def _serialized(self) -> bytes:
        number = self._graph.Inputs(0)
        _, height, width, channels = self._shape(number)
        picture = helper.make_tensor_value_info(
            str(number), TensorProto.FLOAT, ["n", channels, height, width]
        )
        outputs = [self._output(place) for place in range(self._graph.OutputsLength())]
        graph = helper.make_graph(
            self._nodes, "from_tflite", [picture], outputs, list(self._weights.values())
        )
        opset = helper.make_opsetid("", _OPSET)
        model = helper.make_model(
            graph, opset_imports=[opset], ir_version=_IR_VERSION, producer_name="authsvc"
        )
        onnx.checker.check_model(model)
        return bytes(model.SerializeToString(deterministic=True))

    def _output(self, place: int) -> onnx.ValueInfoProto:
        """What leaves the network, under the name it has there, with the channels last."""
        number = self._graph.Outputs(place)
        name, shape = self._graph.Tensors(number).Name().decode(), self._shape(number)
        kind, attributes = ("Transpose", {"perm": [0, 2, 3, 1]}) if len(shape) == 4 else ("Identity", {})
        self._node(kind, name, str(number), **attributes)
        return helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", *shape[1:]])


def _options(operator: Any, options: Any) -> Any:
    table = operator.BuiltinOptions()
    options.Init(table.Bytes, table.Pos)
    return options
