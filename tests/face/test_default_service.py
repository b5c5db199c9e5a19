"""The default engine on real photographs: enroll three, compare what is left."""

import itertools
import subprocess
import sys
from pathlib import Path

import pytest

from authsvc.biometric.manifest import manifest_folder, read_manifest
from authsvc.biometric.words import Comparison, Template
from authsvc.face.capture import CaptureContext
from authsvc.face.service import FaceService
from authsvc.factor import Unusable

STILL = CaptureContext()
ENROLLED = {"obama": (1, 2, 4), "person_a": (2, 5, 6), "kit_harington": (1, 2, 3)}
PROBES = {"obama": (3,), "person_a": (4,), "biden": (1, 2), "alex_lacamoire": (1, 2), "rose_leslie": (1, 2)}


def frames(faces_dir: Path, person: str, numbers: tuple[int, ...]) -> list[bytes]:
    return [(faces_dir / person / f"{number}.jpg").read_bytes() for number in numbers]


@pytest.fixture(scope="module")
def templates(default_service: FaceService, faces_dir: Path) -> dict[str, Template]:
    made = {}
    for person, numbers in ENROLLED.items():
        template = default_service.enroll(frames(faces_dir, person, numbers), STILL)
        assert isinstance(template, Template)
        made[person] = template
    return made


@pytest.mark.parametrize(("enrolled", "probe"), list(itertools.product(ENROLLED, PROBES)))
def test_only_the_enrolled_person_passes_the_shipped_threshold(
    default_service: FaceService, faces_dir: Path, templates: dict[str, Template], enrolled: str, probe: str
) -> None:
    made = default_service.verify(frames(faces_dir, probe, PROBES[probe]), templates[enrolled], STILL)
    assert isinstance(made, Comparison)
    threshold = read_manifest(manifest_folder() / "dlib-resnet-v1.toml").threshold_for(
        "1 in 10000", made.frames
    )
    assert (made.score >= threshold) is (enrolled == probe)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("groups/faces-0.jpg", "no_face"),
        ("groups/faces-2-kit-rose.jpg", "several_faces"),
        ("groups/faces-3.jpg", "several_faces"),
        ("groups/faces-5.jpg", "several_faces"),
        ("person_a/1.jpg", "too_small"),
        ("person_a/3.jpg", "too_small"),
        ("person_b/2.jpg", "too_small"),
        ("partial/1.jpg", "partial"),
        ("partial/2.jpg", "partial"),
    ],
)
def test_a_picture_that_cannot_be_enrolled_says_why(
    default_service: FaceService, faces_dir: Path, name: str, expected: str
) -> None:
    answer = default_service.enroll([(faces_dir / name).read_bytes()], STILL)
    assert isinstance(answer, Unusable)
    assert expected in answer.hints


def test_dolls_in_the_background_are_not_a_second_person(
    default_service: FaceService, faces_dir: Path
) -> None:
    answer = default_service.enroll(frames(faces_dir, "person_a", (6,)), STILL)
    assert isinstance(answer, Unusable)
    assert answer.hints == ("more_frames",)


def test_the_words_of_the_room_load_nothing_heavy() -> None:
    """What the web process imports: no array, picture or network library comes with it."""
    program = (
        "import sys, authsvc.face.capture, authsvc.face.hints, authsvc.biometric.manifest, authsvc.biometric.weights;"
        "print([name for name in ('numpy', 'PIL', 'dlib', 'onnxruntime') if name in sys.modules])"
    )
    assert subprocess.run([sys.executable, "-c", program], capture_output=True, check=True).stdout == b"[]\n"


def test_importing_the_service_loads_no_engine() -> None:
    program = (
        "import sys, authsvc.face.build;"
        "print([name for name in ('dlib', 'onnxruntime', 'onnx', 'face_recognition_models') if name in sys.modules])"
    )
    assert subprocess.run([sys.executable, "-c", program], capture_output=True, check=True).stdout == b"[]\n"
