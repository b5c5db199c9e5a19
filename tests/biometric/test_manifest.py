"""Manifests: what makes a template comparable, and which rates a threshold may claim."""

from pathlib import Path

import pytest

from authsvc.biometric.manifest import (
    Manifest,
    manifest_folder,
    parse_manifest,
    rate_of,
    read_manifest,
    read_manifests,
)
from authsvc.biometric.words import Modality
from authsvc.errors import ModelUnusable

TEXT = """
id = "drawn"
version = "1"
modality = "face"
role = "matcher"
engine = "drawn"
title = "a matcher of drawn faces"
dimension = 4
[licence]
name = "CC0-1.0"
training_data = "none"
commercial = true
[[weights]]
role = "net"
file = "net.onnx"
sha256 = "{sha}"
size = 10
[input]
size = 112
mean = [127.5, 127.5, 127.5]
[fusion]
samples = 3
frames = 3
mirror = true
"""
POINT = """
[[operating_points]]
target_fmr = "{target}"
threshold = {threshold}
samples = 3
frames = {frames}
fmr = 1e-4
fnmr = 0.01
people = 300
genuine_pairs = 1000
impostor_pairs = {pairs}
data_set = "drawn"
population = "nobody"
date = "2026-11-22"
"""
SHA = "ab" * 32


def point(target: str, threshold: float, pairs: int, frames: int = 3) -> str:
    return POINT.format(target=target, threshold=threshold, pairs=pairs, frames=frames)


def manifest(*points: str, replace: tuple[str, str] = ("", "")) -> Manifest:
    return parse_manifest(TEXT.format(sha=SHA).replace(*replace) + "".join(points))


def test_every_shipped_manifest_can_be_read_and_states_its_licence() -> None:
    shipped = read_manifests(manifest_folder())
    assert "dlib-resnet-v1" in [one.id for one in shipped]
    assert all(one.licence.name and one.licence.training_data for one in shipped)
    assert all(one.licence.commercial is False for one in shipped if one.licence.training_data == "unknown")


def test_calibrating_anew_keeps_templates() -> None:
    assert manifest().digest == manifest(point("1 in 1000", 0.9, 10**6)).digest


@pytest.mark.parametrize(
    "change",
    [
        (SHA, "cd" * 32),
        ("size = 112", "size = 160"),
        ("mirror = true", "mirror = false"),
        ("frames = 3", "frames = 5"),
        ('version = "1"', 'version = "2"'),
        ("[127.5,", "[127,"),
    ],
)
def test_anything_that_changes_a_template_changes_the_digest(change: tuple[str, str]) -> None:
    assert manifest(replace=change).digest != manifest().digest


def test_what_decides_is_named_with_its_thresholds() -> None:
    named = {
        each.calibration_digest
        for each in (
            manifest(),
            manifest(replace=(SHA, "cd" * 32)),
            manifest(point("1 in 1000", 0.9, 10**6)),
            manifest(point("1 in 1000", 0.8, 10**6)),
        )
    }
    assert len(named) == 4
    assert manifest(point("1 in 1000", 0.9, 10**6)).calibration_digest in named


def test_a_target_gets_the_loosest_threshold_that_is_strict_enough() -> None:
    model = manifest(point("1 in 1000", 0.90, 10**7), point("1 in 10000", 0.95, 10**7))
    assert model.threshold_for("1 in 1000") == 0.90
    assert model.threshold_for("1 in 5000") == 0.95


def test_a_rate_that_too_few_impostor_pairs_stand_behind_is_refused() -> None:
    enough, short = manifest(point("1 in 10000", 0.95, 300_000)), manifest(point("1 in 10000", 0.95, 299_999))
    assert enough.threshold_for("1 in 10000") == 0.95
    with pytest.raises(ModelUnusable, match="299999 impostor pairs, and that rate needs 300000"):
        short.threshold_for("1 in 10000")


def test_a_rate_stricter_than_anything_measured_is_refused() -> None:
    with pytest.raises(ModelUnusable, match="never calibrated for `1 in 100000`"):
        manifest(point("1 in 10000", 0.95, 10**7)).threshold_for("1 in 100000")


def test_a_threshold_holds_only_for_as_many_frames_as_it_was_measured_with() -> None:
    model = manifest(point("1 in 10000", 0.94, 10**6, frames=1), point("1 in 10000", 0.95, 10**6))
    assert (model.threshold_for("1 in 10000", frames=1), model.threshold_for("1 in 10000")) == (0.94, 0.95)
    with pytest.raises(ModelUnusable, match=r"2 frame\(s\)"):
        model.threshold_for("1 in 10000", frames=2)


@pytest.mark.parametrize(
    "wording", ["0.0001", "1:10000", "1 in 0", "1 in 10 000", "2 in 10000", "1 in 1e4", ""]
)
def test_a_target_has_one_wording(wording: str) -> None:
    with pytest.raises(ModelUnusable, match="is not of the form"):
        rate_of(wording)


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (("dimension = 4", "dimenson = 4"), "field `dimenson`"),
        ((SHA, "ab"), "field `weights.0.sha256`"),
        (('modality = "face"', 'modality = "gait"'), "field `modality`"),
        (("net.onnx", "../net.onnx"), "field `weights.0.file`"),
        (("samples = 3", 'samples = "3"'), "field `fusion.samples`"),
        (('id = "drawn"', "id = "), "is not TOML"),
    ],
)
def test_a_mistake_in_a_manifest_is_named(change: tuple[str, str], complaint: str) -> None:
    with pytest.raises(ModelUnusable, match=complaint):
        manifest(replace=change)


@pytest.mark.parametrize(
    ("source", "complaint"),
    [
        (
            f'[weights.source]\nsha256 = "{SHA}"\nsize = 1\n',
            "a `url`, a `package` or an `npm` package, and one of them alone",
        ),
        (
            f'[weights.source]\nsha256 = "{SHA}"\nsize = 1\nmember = "a"\nurl = "https://example.org/a"\n',
            "and a `url` has none",
        ),
    ],
)
def test_a_weight_comes_from_one_place(source: str, complaint: str) -> None:
    with pytest.raises(ModelUnusable, match=complaint):
        manifest(replace=("[input]", source + "[input]"))


def test_two_manifests_of_one_id_are_refused(tmp_path: Path) -> None:
    for name in ("a.toml", "b.toml"):
        (tmp_path / name).write_text(TEXT.format(sha=SHA))
    with pytest.raises(ModelUnusable, match="two manifests call themselves `drawn`"):
        read_manifests(tmp_path)


def test_a_manifest_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelUnusable, match=r"cannot read manifest `gone\.toml`"):
        read_manifest(tmp_path / "gone.toml")


def test_the_default_matcher_has_thresholds_for_one_to_three_frames() -> None:
    default = read_manifest(manifest_folder() / "dlib-resnet-v1.toml")
    assert default.modality is Modality.FACE
    assert [default.threshold_for("1 in 10000", frames) for frames in (1, 2, 3)] == [0.9514, 0.9572, 0.9577]
