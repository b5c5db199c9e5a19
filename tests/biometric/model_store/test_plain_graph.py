"""Denormal weights become zero, and outputs stay."""

import numpy as np
import pytest

from authsvc.errors import ModelUnusable


def test_denormal_weights_become_zero_and_outputs_stay() -> None:
    onnx = pytest.importorskip("onnx", reason="the extra `prepare` is not installed")
    from authsvc.biometric.model_store.plain_graph import without_denormals

    weights = np.array([[1.0, 1e-39], [-1e-20, -0.5]], dtype=np.float32)
    helper = onnx.helper
    values = [helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [1, 2]) for name in ("x", "y")]
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["x", "w"], ["y"])],
        "g",
        values[:1],
        values[1:],
        [onnx.numpy_helper.from_array(weights, "w")],
    )
    plain = without_denormals(helper.make_model(graph).SerializeToString())
    kept = onnx.numpy_helper.to_array(onnx.load_model_from_string(plain).graph.initializer[0])
    assert kept.tolist() == [[1.0, 0.0], [0.0, -0.5]]
    assert without_denormals(plain) == plain
    with pytest.raises(ModelUnusable):
        without_denormals(b"no network")
