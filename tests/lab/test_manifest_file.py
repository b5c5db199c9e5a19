"""New operating points in an old file: comments and everything else stay, and the model remains the same model."""

import pytest

from authsvc.biometric.manifest import OperatingPoint, manifest_folder, parse_manifest
from authsvc.errors import ModelUnusable
from authsvc.lab.manifest_file import with_points

SHIPPED = (manifest_folder() / "dlib-resnet-v1.toml").read_text()


def point(target: str, threshold: float, frames: int, samples: int = 3) -> OperatingPoint:
    return OperatingPoint(
        target_fmr=target, threshold=threshold, samples=samples, frames=frames,
        fmr=8e-5, fmr_interval=(6e-5, 1e-4), fnmr=0.004, fnmr_interval=(0.001, 0.009),
        people=900, genuine_pairs=5000, impostor_pairs=4_000_000,
        data_set="ours", population="our customers", date="2026-11-22", retry_from=None,
    )  # fmt: skip


@pytest.fixture(scope="module")
def written() -> str:
    return with_points(SHIPPED, [point("1 in 1000", 0.93, 3), point("1 in 10000", 0.95, 3)])


def test_the_new_points_are_what_the_service_will_read(written):
    manifest = parse_manifest(written)
    assert manifest.threshold_for("1 in 1000") == 0.93
    assert manifest.threshold_for("1 in 10000") == 0.95
    assert manifest.operating_point("1 in 10000", frames=3).population == "our customers"


def test_a_template_of_before_still_compares(written):
    assert parse_manifest(written).digest == parse_manifest(SHIPPED).digest


def test_what_was_not_measured_anew_stays(written):
    assert parse_manifest(written).threshold_for("1 in 10000", frames=2) == 0.9572


def test_comments_and_tables_stay(written):
    assert written.startswith("# The default face matcher")
    assert "# What a template depends on besides the weights." in written


def test_a_stricter_point_of_another_population_does_not_outlive_a_looser_new_one():
    manifest = parse_manifest(with_points(SHIPPED, [point("1 in 1000", 0.93, 3)]))
    with pytest.raises(ModelUnusable, match="never calibrated for `1 in 10000` with 3 sample"):
        manifest.threshold_for("1 in 10000", frames=3)


def test_writing_twice_is_writing_once(written):
    points = parse_manifest(written).operating_points
    assert with_points(written, points) == with_points(with_points(written, points), points)


def test_what_is_no_manifest_is_refused():
    with pytest.raises(ModelUnusable):
        with_points("id = 3", [])
