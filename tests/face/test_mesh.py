"""The mesh gives what the published network gives, and poses and expressions are read from it with the right sign and size."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from skimage import data

from authsvc.biometric.manifest import manifest_folder, read_manifest
from authsvc.biometric.weights import verified_weights
from authsvc.errors import ModelUnusable
from authsvc.face.mesh import Mesh, facing, pose, resting
from authsvc.face.mesh_engine import FaceMesh
from tests.face.clips import frames_of

MANIFEST = read_manifest(manifest_folder() / "mediapipe-face-mesh.toml")


@pytest.fixture(scope="module")
def weights(model_dir: Path) -> dict[str, Path]:
    try:
        return verified_weights(model_dir, MANIFEST)
    except ModelUnusable as error:
        pytest.skip(f"no prepared models: {error.detail}")


@pytest.fixture(scope="module")
def engine(weights: dict[str, Path]) -> FaceMesh:
    made = FaceMesh(weights["detector"], weights["mesh"])
    made.load()
    return made


def astronaut() -> Image.Image:
    return Image.fromarray(data.astronaut())


def test_the_mesh_lies_on_the_face_wherever_it_is_in_the_picture(engine: FaceMesh) -> None:
    plain = engine.look(np.asarray(astronaut()))
    assert plain is not None
    assert plain.sure > 0.99
    for shift in ((60, 40), (-50, 30)):
        moved = engine.look(np.roll(np.asarray(astronaut()), shift, axis=(1, 0)))
        assert moved is not None
        assert np.abs(moved.points[:, :2] - plain.points[:, :2] - shift).mean() < 0.02 * plain.eye_distance


def test_a_picture_without_a_face_has_no_mesh(engine: FaceMesh) -> None:
    assert engine.look(np.full((480, 640, 3), 127, dtype=np.uint8)) is None


def test_following_a_face_gives_what_looking_for_it_gives(engine: FaceMesh, test_data: Path) -> None:
    before, worst = None, []
    for _, picture in frames_of(test_data / "pad" / "live_clip.mp4", every=6):
        before, alone = engine.look(picture, before), engine.look(picture)
        assert before is not None
        assert alone is not None
        apart = np.linalg.norm(before.points - alone.points, axis=1).mean()
        worst.append(float(apart) / alone.eye_distance)
    assert max(worst) < 0.06


def test_a_face_that_jumped_is_looked_for_anew(engine: FaceMesh) -> None:
    picture = np.asarray(astronaut())
    before = engine.look(picture)
    moved = engine.look(np.roll(picture, (-100, 100), axis=(1, 0)), before)
    alone = engine.look(np.roll(picture, (-100, 100), axis=(1, 0)))
    assert moved is not None
    assert alone is not None
    assert np.allclose(moved.points, alone.points)


def turned(mesh: Mesh, yaw: float = 0.0, pitch: float = 0.0, roll: float = 0.0, size: float = 1.0) -> Mesh:
    """The head turned to the person's left, up, and towards their left shoulder, by degrees."""
    a, b, c = np.radians((yaw, pitch, roll))
    about_y = np.array([[np.cos(a), 0, -np.sin(a)], [0, 1, 0], [np.sin(a), 0, np.cos(a)]])
    about_x = np.array([[1, 0, 0], [0, np.cos(b), np.sin(b)], [0, -np.sin(b), np.cos(b)]])
    about_z = np.array([[np.cos(c), -np.sin(c), 0], [np.sin(c), np.cos(c), 0], [0, 0, 1]])
    middle = mesh.points.mean(axis=0)
    return Mesh(size * (mesh.points - middle) @ (about_z @ about_x @ about_y).T + middle, mesh.sure)


@pytest.fixture(scope="module")
def head(engine: FaceMesh) -> Mesh:
    found = engine.look(np.asarray(astronaut()))
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("change", "nose_goes"),
    [
        ({"yaw": 25.0}, (1, 0)),
        ({"yaw": -25.0}, (-1, 0)),
        ({"pitch": 15.0}, (0, -1)),
        ({"roll": 14.0}, None),
        ({"roll": -14.0}, None),
        ({"size": 1.3}, None),
    ],
)
def test_a_turned_head_has_the_pose_it_was_turned_to(head: Mesh, change, nose_goes) -> None:
    made = turned(head, **change)
    found = pose(head, made)
    assert found is not None
    for name in ("yaw", "pitch", "roll"):
        assert getattr(found, name) == pytest.approx(change.get(name, 0.0), abs=0.5)
    assert found.size == pytest.approx(change.get("size", 1.0), abs=0.01)
    assert max(abs(found.smile), abs(found.open)) < 1e-6
    if nose_goes is not None:
        nose = made.points[1, :2] - made.middle - (head.points[1, :2] - head.middle)
        assert nose @ nose_goes > 0.05 * head.eye_distance


def test_facing_needs_no_rest_and_has_the_same_signs(head: Mesh) -> None:
    straight = facing(head)
    assert facing(turned(head, yaw=20)).yaw - straight.yaw == pytest.approx(20, abs=3)
    assert facing(turned(head, pitch=12)).pitch - straight.pitch == pytest.approx(12, abs=3)
    assert facing(turned(head, roll=12)).roll - straight.roll == pytest.approx(12, abs=3)


def test_a_wider_mouth_and_parted_lips_are_read_in_eye_distances_however_the_head_is_turned(
    head: Mesh,
) -> None:
    points = head.points.copy()
    unit = head.eye_distance
    points[61, 0] -= 0.06 * unit
    points[291, 0] += 0.06 * unit
    points[14, 1] += 0.2 * unit
    for made in (Mesh(points, 1.0), turned(Mesh(points, 1.0), yaw=15, roll=10, size=1.4)):
        found = pose(head, made)
        assert found is not None
        assert found.smile == pytest.approx(0.12, abs=0.01)
        assert found.open == pytest.approx(0.2, abs=0.02)


def test_the_rest_is_the_median_and_as_sure_as_its_least_sure_frame(head: Mesh) -> None:
    wild = Mesh(head.points + 50, 0.6)
    rest = resting([head, wild, head])
    assert np.allclose(rest.points, head.points)
    assert rest.sure == 0.6


def test_a_face_too_small_to_be_measured_has_no_pose(head: Mesh) -> None:
    assert pose(head, turned(head, size=0.05)) is None
