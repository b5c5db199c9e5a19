"""Converting gives the same bytes every time."""

import pytest

from tests.biometric.model_store.drawn_dlib import drawn_resnet


def test_the_conversion_is_the_same_every_time() -> None:
    pytest.importorskip("onnx", reason="converting needs the `prepare` extra")
    from authsvc.biometric.model_store.dlib_graph import convert_dlib_resnet

    data = drawn_resnet()
    assert convert_dlib_resnet(data) == convert_dlib_resnet(data)
