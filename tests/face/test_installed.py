"""Two models side by side: each compares what it made, and nothing else."""

from pathlib import Path

import pytest

from authsvc.biometric.manifest import Manifest
from authsvc.biometric.words import Comparison, Template
from authsvc.errors import ConfigurationError, ModelUnusable
from authsvc.face.build import DEFAULT_MODEL, face_service, installed_models
from authsvc.face.capture import CaptureContext
from authsvc.face.installed import InstalledModels
from tests.face.drawing import RED
from tests.face.test_service import build, burst

STILL = CaptureContext()


@pytest.fixture
def newer(drawn_manifest: Manifest) -> Manifest:
    return drawn_manifest.model_copy(update={"id": "drawn-2", "version": "2"})


def test_new_templates_come_from_the_current_model_and_old_ones_still_compare(
    drawn_manifest: Manifest, newer: Manifest
) -> None:
    before = build(drawn_manifest).enroll(burst(RED), STILL)
    models = InstalledModels(build(newer), [build(drawn_manifest)])
    models.load()
    after = models.enroll(burst(RED), STILL)
    assert isinstance(before, Template)
    assert isinstance(after, Template)
    assert (before.model, after.model) == (drawn_manifest.digest, newer.digest)
    for template in (before, after):
        compared = models.verify(burst(RED), template, STILL)
        assert isinstance(compared, Comparison)
        assert compared.model == template.model
    assert models.describe()["older_models"] == [drawn_manifest.digest]


def test_a_template_whose_model_is_gone_asks_for_a_new_enrollment(
    drawn_manifest: Manifest, newer: Manifest
) -> None:
    before = build(drawn_manifest).enroll(burst(RED), STILL)
    assert isinstance(before, Template)
    with pytest.raises(ModelUnusable, match="no longer installed"):
        InstalledModels(build(newer)).verify(burst(RED), before, STILL)


def test_one_model_twice_is_a_mistake(drawn_manifest: Manifest) -> None:
    with pytest.raises(ConfigurationError, match="installed twice"):
        InstalledModels(build(drawn_manifest), [build(drawn_manifest)])


def test_what_is_installed_is_served_and_what_was_changed_refuses_to_start(
    model_dir: Path, test_data: Path, tmp_path: Path
) -> None:
    for source in (*model_dir.iterdir(), *(test_data / "models").iterdir()):
        if source.is_file():
            (tmp_path / source.name).write_bytes(source.read_bytes())
    models = installed_models(tmp_path, unsafe_no_pad=True)
    yardstick = face_service(tmp_path, unsafe_no_pad=True, model="mobilefacenet-arcface")
    assert models.describe()["model_id"] == DEFAULT_MODEL
    assert models.describe()["older_models"] == [yardstick.model]
    with (tmp_path / "shape_predictor_5_face_landmarks.dat").open("r+b") as file:
        file.write(b"changed")
    with pytest.raises(ModelUnusable, match="is not the one in the manifest"):
        installed_models(tmp_path, unsafe_no_pad=True)


def test_an_unknown_model_is_refused(model_dir: Path) -> None:
    with pytest.raises(ModelUnusable, match="no manifest of a face matcher calls itself `minifasnet`"):
        face_service(model_dir, unsafe_no_pad=True, model="minifasnet")
