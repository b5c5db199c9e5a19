"""What is no tflite network is refused before anything is written."""

import pytest

from authsvc.errors import ModelUnusable


def test_what_is_no_tflite_network_is_refused_before_anything_is_written() -> None:
    pytest.importorskip("tflite", reason="converting needs the `prepare` extra")
    from authsvc.biometric.model_store.tflite_graph import convert_tflite

    for broken in (b"", b"\0" * 64, b"\x1c\0\0\0TFL3", b"\x1c\0\0\0TFL3" + bytes(400)):
        with pytest.raises(ModelUnusable):
            convert_tflite(broken)
