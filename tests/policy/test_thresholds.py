"""Target false match rates: what they are as scores, on whom that was measured, and which ones nobody can claim."""

import hashlib
import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from click.testing import CliRunner

from authsvc.biometric.det import DetFile
from authsvc.biometric.words import Modality
from authsvc.errors import PolicyInvalid
from authsvc.policy import loading
from authsvc.policy.commands import policy as command
from authsvc.policy.det_picture import det_picture
from authsvc.policy.thresholds import Model, models_in_use, thresholds
from tests.biometric.test_det import curve
from tests.biometric.test_manifest import SHA, TEXT, manifest, point
from tests.policy.builders import mapping

RULE = {"id": "asked", "level": "face", "risk_at_least": 0}
CALIBRATED = manifest(point("1 in 1000", 0.4, 300_000), point("1 in 10000", 0.5, 300_000))


def document(fmr: str) -> dict[str, Any]:
    stated = mapping(RULE)
    return {**stated, "biometrics": {**stated["biometrics"], "face": {"fmr": fmr}}}


def test_a_target_is_a_score_with_what_it_costs_owners_and_on_whom_it_was_measured() -> None:
    (found,) = thresholds(
        loading.from_mapping(document("1 in 10000")).document, [Model(CALIBRATED, (curve(),))]
    )

    assert found.point is not None
    said = found.to_json()
    assert (found.point.threshold, found.refusal) == (0.5, None)
    assert (said["false_matches"], said["false_non_matches"]) == (12, 9)
    assert found.curve == curve()


def test_points_without_a_curve_are_shown_as_points_and_no_curve_is_made_up() -> None:
    found = thresholds(loading.from_mapping(document("1 in 10000")).document, [Model(CALIBRATED)])

    said = found[0].to_json()
    assert (said["curve"], said["false_matches"]) == (None, None)
    drawn = ET.fromstring(det_picture(found))  # noqa: S314 - our own
    assert drawn.find("{*}polyline") is None
    assert len(drawn.findall("{*}circle[@class='dot']")) == 2  # The point, and its entry in the legend.


@pytest.mark.parametrize(("target", "needed"), [("1 in 100000", 3_000_000), ("1 in 10001", 300_030)])
def test_a_target_that_too_few_pairs_stand_behind_is_refused_with_the_reason(
    target: str, needed: int
) -> None:
    with pytest.raises(PolicyInvalid) as refused:
        loading.from_mapping(document(target), models=[Model(CALIBRATED)])

    findings = refused.value.extra["findings"]
    assert isinstance(findings, list)
    (finding,) = findings
    said = f"`{target}` needs {needed} impostor pairs, 30 for each false match expected, and the calibration of model"
    assert finding["message"] == f"{said} `drawn` on drawn has 300000"
    assert finding["path"] == ["biometrics", "face", "fmr"]


def test_enough_pairs_are_no_threshold_where_none_was_measured() -> None:
    """Plenty of strangers met, and still nobody looked for a threshold this strict."""
    loose = manifest(point("1 in 1000", 0.4, 3_000_000))

    with pytest.raises(PolicyInvalid, match="never calibrated for `1 in 10000`"):
        loading.from_mapping(document("1 in 10000"), models=[Model(loose)])


def test_every_model_in_use_must_support_it() -> None:
    older = manifest(point("1 in 1000", 0.4, 30_000), replace=('id = "drawn"', 'id = "older"'))

    with pytest.raises(PolicyInvalid, match="model `older` on drawn has 30000"):
        loading.from_mapping(document("1 in 10000"), models=[Model(CALIBRATED), Model(older)])


def test_a_looser_target_takes_the_strictest_point_that_is_not_too_strict() -> None:
    (found,) = thresholds(loading.from_mapping(document("1 in 2000")).document, [Model(CALIBRATED)])

    assert found.point is not None
    assert found.point.target_fmr == "1 in 10000"


def test_a_model_of_another_modality_is_not_asked() -> None:
    policy = loading.from_mapping(document("1 in 100"), models=[Model(CALIBRATED)])

    assert [each.model.manifest.modality for each in thresholds(policy.document, [Model(CALIBRATED)])] == [
        Modality.FACE
    ]


def test_a_document_that_is_only_looked_at_may_ask_for_anything() -> None:
    policy = loading.from_mapping(document("1 in 100000"), for_analysis=True, models=[Model(CALIBRATED)])

    assert policy.target_fmr(Modality.FACE) == "1 in 100000"


# -- On the command line -----------------------------------------------------------------------------------------------


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """A folder with a calibrated model, its curve and its weights."""
    weights = b"0123456789"
    text = TEXT.format(sha=SHA).replace(SHA, hashlib.sha256(weights).hexdigest())
    (tmp_path / "drawn.toml").write_text(text + point("1 in 10000", 0.5, 300_000))
    (tmp_path / "net.onnx").write_bytes(weights)
    digest = models_in_use(tmp_path, tmp_path)[0].manifest.digest
    curves = DetFile(model="drawn", model_digest=digest, curves=(curve(),))
    (tmp_path / "drawn.det.json").write_text(curves.to_text())
    return tmp_path


def run(folder: Path, word: str, fmr: str, *options: str) -> tuple[int, Any]:
    file = folder / "document.json"
    file.write_text(json.dumps(document(fmr)))
    where = ["--manifests", str(folder), "--model-dir", str(folder)]
    done = CliRunner().invoke(command, [word, str(file), *where, *options, "--json"])
    return done.exit_code, json.loads(done.output)


def test_validate_holds_a_document_against_the_installed_models(installed: Path) -> None:
    assert run(installed, "validate", "1 in 10000")[1]["models"] == ["drawn"]
    code, said = run(installed, "validate", "1 in 100000")
    assert (code, said["valid"]) == (1, False)
    assert "needs 3000000 impostor pairs" in said["findings"][0]["message"]


def test_a_model_whose_weights_are_not_here_is_not_in_use(installed: Path) -> None:
    (installed / "net.onnx").unlink()

    code, said = run(installed, "validate", "1 in 100000")
    assert (code, said["models"]) == (0, [])


def test_thresholds_are_told_with_their_curve_and_drawn(installed: Path) -> None:
    code, said = run(installed, "thresholds", "1 in 10000", "--svg", str(installed / "det.svg"))

    (found,) = said["thresholds"]
    assert (code, found["supported"], found["false_non_matches"]) == (0, True, 9)
    assert len(found["curve"]["points"]) == 3
    assert "<polyline" in (installed / "det.svg").read_text()
    assert run(installed, "thresholds", "1 in 100000")[0] == 1
