"""Photographs are blurred to what was asked, and the curve says of how many comparisons each row is."""

import json
from pathlib import Path

import pytest

from authsvc.biometric.manifest import manifest_folder, read_manifest
from authsvc.face.build import DEFAULT_MODEL, engines
from authsvc.face.image import decode
from authsvc.face.quality import VERIFICATION, measure
from authsvc.lab.blur import KINDS, LEVELS, blurred_to


@pytest.mark.parametrize("level", LEVELS)
def test_a_face_is_blurred_to_the_sharpness_that_was_asked(
    model_dir: Path, faces_dir: Path, level: float
) -> None:
    detector, _ = engines(read_manifest(manifest_folder() / f"{DEFAULT_MODEL}.toml"), model_dir)
    detector.load()
    picture = decode((faces_dir / "obama" / "1.jpg").read_bytes())
    [face, *_] = detector.detect(picture)
    assert measure(picture, face, detector.points).sharpness > max(LEVELS)
    blurred = blurred_to(picture, detector, level)
    assert blurred is not None
    assert measure(blurred, face, detector.points).sharpness == pytest.approx(level, rel=0.15)
    # What is blurrier already is no sample of that row.
    assert blurred_to(blurred, detector, 2 * level) is None


def test_the_curve_has_a_row_for_each_sharpness_and_kind(run, faces_dir, tmp_path):
    (tmp_path / "obama").symlink_to(faces_dir / "obama")
    (tmp_path / "rose").symlink_to(faces_dir / "rose_leslie")
    done = run("blur", "--dir", tmp_path, "--json")
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    rows = {(row["sharpness"], row["blurred"]): row for row in found["rows"]}
    assert set(rows) == {(None, "probe"), *((level, kind) for level in LEVELS for kind in KINDS)}
    assert found["limits"]["verification"] == VERIFICATION.sharpness
    assert rows[None, "probe"]["fnmr_trials"] >= rows[60.0, "probe"]["fnmr_trials"] > 0
    assert rows[5.0, "probe"]["fnmr"] >= rows[60.0, "probe"]["fnmr"]
