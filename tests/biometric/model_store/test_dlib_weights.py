"""Every layer of a dlib network is found, and what is no such network is refused."""

import numpy as np
import pytest

from authsvc.biometric.model_store import dlib_weights
from authsvc.errors import ModelUnusable
from tests.biometric.model_store.drawn_dlib import drawn_resnet


def test_every_layer_is_found_and_the_affine_layer_is_folded_in() -> None:
    resnet = dlib_weights.read_resnet(drawn_resnet())
    assert resnet.stem.weights.shape == (32, 3, 7, 7)
    assert np.allclose(resnet.stem.weights, 0.25)
    assert np.allclose(resnet.stem.bias, 0.75)
    assert [block.first.bias.size for block in resnet.blocks if block.down] == [64, 128, 256, 256]
    assert resnet.projection.shape == (256, 128)


@pytest.mark.parametrize(
    ("data", "complaint"),
    [
        (b"", "no tensor of 4736 x 1"),
        (drawn_resnet()[:-4000], "no tensor of 256 x 128"),
        (drawn_resnet(float("nan")), "not finite"),
        (drawn_resnet() + bytes(5000), "unread bytes follow"),
        (bytes(5000) + drawn_resnet(), "no tensor"),
    ],
)
def test_a_file_that_is_not_the_network_is_refused(data: bytes, complaint: str) -> None:
    with pytest.raises(ModelUnusable, match=complaint):
        dlib_weights.read_resnet(data)
