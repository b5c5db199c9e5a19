"""A converted network gives what the published one gives."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from skimage import data

from authsvc.biometric.manifest import manifest_folder, read_manifest
from authsvc.biometric.network import Network
from authsvc.biometric.weights import verified_weights
from authsvc.errors import ModelUnusable
from authsvc.face.engine import Pixels

MANIFEST = read_manifest(manifest_folder() / "mediapipe-face-mesh.toml")


PUBLISHED = json.loads((Path(__file__).resolve().parent.parent / "vectors" / "face-mesh-v1.json").read_text())


LARGEST_DIFFERENCE = 1e-3  # Of outputs of up to 167.


@pytest.fixture(scope="module")
def weights(model_dir: Path) -> dict[str, Path]:
    try:
        return verified_weights(model_dir, MANIFEST)
    except ModelUnusable as error:
        pytest.skip(f"no prepared models: {error.detail}")


def astronaut() -> Image.Image:
    return Image.fromarray(data.astronaut())


def sampled(picture: Image.Image, side: int) -> Pixels:
    return np.asarray(picture.resize((side, side), Image.Resampling.BILINEAR))


@pytest.mark.parametrize(
    ("role", "chip"),
    [
        ("mesh", lambda: sampled(astronaut().crop((140, 20, 320, 200)), 192).astype(np.float32) / 255),
        ("detector", lambda: sampled(astronaut(), 128).astype(np.float32) / 127.5 - 1),
    ],
)
def test_the_converted_network_returns_what_the_published_one_does(weights, role, chip) -> None:
    network = Network(weights[role])
    found = network.run({network.inputs[0]: chip().astype(np.float32).transpose(2, 0, 1)[None]})
    assert set(found) == set(PUBLISHED[role])
    for name, expected in PUBLISHED[role].items():
        values = found[name].ravel()[:: expected["every"]]
        assert np.abs(values - expected["values"]).max() < LARGEST_DIFFERENCE
