"""The shipped recogniser is the one that was measured: its files, their size, and its answers on a sound made here."""

import hashlib
from dataclasses import astuple
from pathlib import Path

import numpy as np
import pytest

from authsvc.biometric.manifest import read_manifests
from authsvc.errors import ModelUnusable
from authsvc.voice.build import DIGIT_RECOGNISER, limits_of
from authsvc.voice.digits_onnx_engine import OnnxDigitRecogniser
from authsvc.voice.spoken_prompt import Language

MODELS = Path(__file__).resolve().parents[2] / "models"
[MANIFEST] = [one for one in read_manifests(MODELS) if one.id == DIGIT_RECOGNISER]
GOLDEN = [-10.400, -10.756, -7.203, -9.189, -8.652, -13.410]
FILES = [MODELS / weight.file for weight in MANIFEST.weights]


def sound() -> np.ndarray:
    """A second of a hum that rises and swells, like a vowel."""
    time = np.arange(16000) / 16000
    hum = sum(np.sin(2 * np.pi * k * (120 * time + 30 * time**2)) / k for k in range(1, 20))
    return (0.1 * hum * np.sin(np.pi * time) ** 2).astype(np.float32)


def test_the_files_are_those_of_the_manifest_and_under_one_and_a_half_megabytes():
    for weight, file in zip(MANIFEST.weights, FILES, strict=True):
        assert hashlib.sha256(file.read_bytes()).hexdigest() == weight.sha256
        assert file.stat().st_size == weight.size
    assert sum(file.stat().st_size for file in FILES) <= 1_500_000


def test_the_answers_are_those_that_were_measured():
    recogniser = OnnxDigitRecogniser(FILES)
    recogniser.load()
    rows = recogniser.log_probabilities(sound())
    assert rows.shape == (25, 21)
    assert rows[:, 0].tolist() == [0] * 25
    assert rows[12, [1, 2, 9, 11, 12, 20]] == pytest.approx(GOLDEN, abs=0.05)


def test_the_mean_of_one_network_twice_is_that_network():
    once, twice = OnnxDigitRecogniser(FILES[:1]), OnnxDigitRecogniser([FILES[0], FILES[0]])
    for recogniser in (once, twice):
        recogniser.load()
    assert twice.log_probabilities(sound()) == pytest.approx(once.log_probabilities(sound()), abs=1e-4)


def test_another_network_is_no_recogniser(tmp_path: Path):
    (tmp_path / "other.onnx").write_bytes(b"no network")
    with pytest.raises(ModelUnusable):
        OnnxDigitRecogniser([tmp_path / "other.onnx"]).load()


def test_the_manifest_states_every_limit():
    limits = limits_of({DIGIT_RECOGNISER: MANIFEST})
    assert limits.keys() == set(Language)
    assert all(limit < 0 for language in Language for limit in astuple(limits[language]))
