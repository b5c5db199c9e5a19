"""Photographs spoiled one way at a time: each says what is wrong with it, and what is harmless passes."""

from pathlib import Path

import pytest
from PIL import Image

from authsvc.biometric.manifest import manifest_folder, read_manifest
from authsvc.biometric.words import Comparison, Template
from authsvc.face.build import DEFAULT_MODEL, engines
from authsvc.face.capture import CaptureContext
from authsvc.face.engine import Detector
from authsvc.face.service import FaceService
from authsvc.factor import Unusable
from authsvc.lab.spoiling import spoiled

STILL = CaptureContext()
MANIFEST = read_manifest(manifest_folder() / f"{DEFAULT_MODEL}.toml")
PROBES = ("obama/1.jpg", "person_a/2.jpg", "rose_leslie/2.jpg")
REFUSED = {
    "blur, slight": {"blurred"},
    "blur, strong": {"blurred", "no_face"},
    "dark": {"too_dark"},
    "over-exposed": {"too_bright"},
    "face of 40 pixels": {"too_small", "no_face"},
    "rolled 30 degrees": {"rolled"},
    "mouth covered": {"covered", "no_face"},
    "eyes covered": {"covered", "no_face"},
}
HARMLESS = ("clean", "grey", "mirrored", "rolled 15 degrees", "JPEG quality 10")


@pytest.fixture(scope="module")
def detector(model_dir: Path) -> Detector:
    made, _ = engines(MANIFEST, model_dir)
    made.load()
    return made


@pytest.fixture(scope="module")
def template(default_service: FaceService, faces_dir: Path) -> Template:
    made = default_service.enroll([(faces_dir / "obama" / f"{n}.jpg").read_bytes() for n in (2, 3, 4)], STILL)
    assert isinstance(made, Template)
    return made


def probe(faces_dir: Path, detector: Detector, name: str, kind: str) -> bytes:
    return spoiled(Image.open(faces_dir / name).convert("RGB"), detector, kind)


@pytest.mark.parametrize("kind", REFUSED)
def test_a_spoiled_picture_says_what_is_wrong_with_it(
    default_service: FaceService, detector: Detector, template: Template, faces_dir: Path, kind: str
) -> None:
    for name in PROBES:
        answer = default_service.verify([probe(faces_dir, detector, name, kind)], template, STILL)
        assert isinstance(answer, Unusable), name
        assert REFUSED[kind] & set(answer.hints), (name, answer.hints)


@pytest.mark.parametrize("kind", HARMLESS)
def test_a_harmless_change_neither_stops_nor_shifts_the_comparison(
    default_service: FaceService, detector: Detector, template: Template, faces_dir: Path, kind: str
) -> None:
    own = default_service.verify([probe(faces_dir, detector, "obama/1.jpg", kind)], template, STILL)
    other = default_service.verify([probe(faces_dir, detector, "rose_leslie/2.jpg", kind)], template, STILL)
    assert isinstance(own, Comparison)
    assert isinstance(other, Comparison)
    assert other.score < MANIFEST.threshold_for("1 in 10000", frames=1) <= own.score
