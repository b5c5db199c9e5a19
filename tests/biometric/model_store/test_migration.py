"""After a change of model: whose template still works, and who must enroll again."""

import json
from pathlib import Path

import pytest

from authsvc.biometric.manifest import Manifest, OperatingPoint, Weight, manifest_folder, read_manifest
from authsvc.biometric.model_store.migration import Enrolled, Standing, migration
from authsvc.biometric.weights import sha256_of
from authsvc.biometric.words import Modality
from authsvc.subject import Subject

SHIPPED = read_manifest(manifest_folder() / "dlib-resnet-v1.toml")
POINT: OperatingPoint = SHIPPED.operating_points[0]
CURRENT = {Modality.FACE: "new"}


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    (tmp_path / "here.onnx").write_bytes(b"weights")
    return tmp_path


def model(
    weights: Path, name: str, *, file: str = "here.onnx", points: tuple[OperatingPoint, ...] = (POINT,)
) -> Manifest:
    weight = Weight(role="matcher", file=file, sha256=sha256_of(weights / "here.onnx"), size=7, source=None)
    changes = {"id": name, "weights": (weight,), "operating_points": points}
    return SHIPPED.model_copy(update=changes)


def enrolled(user: str, digest: str) -> Enrolled:
    return Enrolled(Subject("shop", user), Modality.FACE, digest)


def test_templates_of_an_installed_older_model_keep_working(weights):
    new, old = model(weights, "new"), model(weights, "old")
    found = migration([enrolled("a", new.digest), enrolled("b", old.digest)], [new, old], weights, CURRENT)
    assert {(use.manifest, use.standing, use.templates) for use in found.models} == {
        ("new", Standing.CURRENT, 1),
        ("old", Standing.OLDER, 1),
    }
    assert found.lost == ()


def test_who_was_enrolled_by_a_model_that_is_gone_must_enrol_again(weights):
    new, gone = model(weights, "new"), model(weights, "gone", file="gone.onnx")
    found = migration(
        [enrolled("a", gone.digest), enrolled("b", "sha256:unknown"), enrolled("c", new.digest)],
        [new, gone],
        weights,
        CURRENT,
    )
    assert [one.subject.user for one in found.lost] == ["a", "b"]
    assert {use.manifest for use in found.models if use.standing is Standing.LOST} == {"gone", None}


def test_a_changed_weight_is_not_installed(weights):
    new = model(weights, "new")
    (weights / "here.onnx").write_bytes(b"Weights")
    assert migration([enrolled("a", new.digest)], [new], weights, CURRENT).lost


def test_an_older_model_without_thresholds_compares_nobody(weights):
    new, old = model(weights, "new"), model(weights, "old", points=())
    assert migration([enrolled("a", old.digest)], [new, old], weights, CURRENT).lost


def test_calibrating_anew_asks_nobody_to_enrol_again(weights):
    before = model(weights, "new")
    stricter = POINT.model_copy(update={"threshold": 0.99})
    after = model(weights, "new", points=(stricter,))
    assert migration([enrolled("a", before.digest)], [after], weights, CURRENT).lost == ()


def test_the_report_names_people_and_counts_models(weights):
    new = model(weights, "new")
    document = migration([enrolled("a", "sha256:gone")], [new], weights, CURRENT).to_json()
    assert document["enrol_again"] == [
        {"client": "shop", "user_id": "a", "modality": "face", "model": "sha256:gone"}
    ]
    assert document["models"] == [
        {"modality": "face", "model": "sha256:gone", "manifest": None, "standing": "lost", "templates": 1}
    ]


def test_the_command_names_who_must_enrol_again(tmp_path: Path):
    from click.testing import CliRunner

    from authsvc.cli.models import models
    from tests.support.service import Bench, embedded

    bench = Bench(embedded(tmp_path / "data"))
    bench.enroll("u_1")
    bench.close()
    result = CliRunner().invoke(
        models,
        ["migrate", "--data-dir", str(tmp_path / "data"), "--model-dir", str(tmp_path / "none"), "--json"],
    )
    # The model that makes new templates is the current one, installed or not; nobody loses a face by an empty folder.
    said = json.loads(result.stdout)
    assert [use["templates"] for use in said["models"]] == [1]
    assert said["models"][0]["manifest"] == "dlib-resnet-v1"
