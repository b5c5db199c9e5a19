"""What every face engine promises, run for each one that is here; the faces come from the shared pictures."""

import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from authsvc.biometric.manifest import manifest_folder, read_manifest
from authsvc.errors import ModelUnusable
from authsvc.face.build import DEFAULT_MODEL
from authsvc.face.dlib_hog_engine import DlibHogDetector
from authsvc.face.engine import Detector, Face, Matcher, Pixels, PointKind
from authsvc.face.face_recognition_engine import FaceRecognitionMatcher
from authsvc.face.image import decode
from authsvc.face.onnx_engine import OnnxMatcher
from authsvc.face.yunet_engine import YuNetDetector


def dlib_hog(models: Path, data: Path) -> Detector:
    return DlibHogDetector(models / "shape_predictor_5_face_landmarks.dat")


def dlib_onnx(models: Path, data: Path) -> OnnxMatcher:
    manifest = read_manifest(manifest_folder() / f"{DEFAULT_MODEL}.toml")
    return OnnxMatcher(models / manifest.weight("matcher").file, manifest, PointKind.EYE_CORNERS)


def face_recognition(models: Path, data: Path) -> FaceRecognitionMatcher:
    pytest.importorskip("face_recognition_models", reason="the `reference` extra is not installed")
    return FaceRecognitionMatcher()


def yunet(file: str) -> Callable[[Path, Path], Detector]:
    return lambda models, data: YuNetDetector(supplied(data, file))


def arcface_onnx(models: Path, data: Path) -> OnnxMatcher:
    manifest = read_manifest(manifest_folder() / "mobilefacenet-arcface.toml")
    return OnnxMatcher(supplied(data, manifest.weight("matcher").file), manifest, PointKind.EYES_NOSE_MOUTH)


def sface(models: Path, data: Path) -> OnnxMatcher:
    """By its own manifest, over a stand-in of the same shape: the weights are nobody's to ship."""
    pytest.importorskip("onnx", reason="the `prepare` extra is not installed")
    manifest = read_manifest(manifest_folder() / "sface.toml")
    return OnnxMatcher(
        _untrained(Path(tempfile.mkdtemp()) / "sface.onnx"), manifest, PointKind.EYES_NOSE_MOUTH
    )


def _untrained(path: Path) -> Path:
    """One picture of 3 x 112 x 112 at a time to 128 numbers, as SFace takes and gives them; chance instead of training."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    chance = np.random.default_rng(2021).standard_normal((3 * 14 * 14, 128)).astype(np.float32)
    graph = helper.make_graph(
        [
            helper.make_node("AveragePool", ["data"], ["pooled"], kernel_shape=[8, 8], strides=[8, 8]),
            helper.make_node("Flatten", ["pooled"], ["flat"]),
            helper.make_node("MatMul", ["flat", "weights"], ["fc1"]),
        ],
        "sface",
        [helper.make_tensor_value_info("data", TensorProto.FLOAT, [1, 3, 112, 112])],
        [helper.make_tensor_value_info("fc1", TensorProto.FLOAT, [1, 128])],
        [numpy_helper.from_array(chance, "weights")],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
    return path


def supplied(data: Path, file: str) -> Path:
    path = data / "models" / file
    if not path.is_file():
        pytest.skip(f"the test data do not hold {file}")
    return path


DETECTORS: dict[str, Callable[[Path, Path], Detector]] = {
    "dlib_hog": dlib_hog,
    "yunet_2023mar": yunet("face_detection_yunet_2023mar.onnx"),
    "yunet_n_320": yunet("yunet_n_320_320.onnx"),
    "yunet_any_size": yunet("face_detection_yunet_2026may.onnx"),
}
MATCHERS: dict[str, tuple[Callable[[Path, Path], Matcher], str]] = {
    "dlib_onnx": (dlib_onnx, "dlib_hog"),
    "face_recognition": (face_recognition, "dlib_hog"),
    "arcface_onnx": (arcface_onnx, "yunet_2023mar"),
    "sface": (sface, "yunet_2023mar"),
}
PEOPLE = {"obama": (1, 4), "biden": (1, 2), "person_a": (2, 5), "rose_leslie": (1, 2)}


@pytest.fixture(scope="module", params=DETECTORS)
def detector(request: pytest.FixtureRequest, model_dir: Path, test_data: Path) -> Detector:
    made: Detector = DETECTORS[request.param](model_dir, test_data)
    made.load()
    return made


@pytest.fixture(scope="module", params=MATCHERS)
def engines(request: pytest.FixtureRequest, model_dir: Path, test_data: Path) -> tuple[Matcher, Detector]:
    make, detector_name = MATCHERS[request.param]
    matcher, detector = make(model_dir, test_data), DETECTORS[detector_name](model_dir, test_data)
    matcher.load()
    detector.load()
    return matcher, detector


def picture(faces_dir: Path, name: str) -> Pixels:
    return decode((faces_dir / name).read_bytes())


def found(detector: Detector, faces_dir: Path, name: str) -> tuple[Pixels, Face]:
    pixels = picture(faces_dir, name)
    return pixels, detector.detect(pixels)[0]


@pytest.mark.parametrize("name", ["obama/1.jpg", "biden/2.jpg", "person_a/4.jpg", "person_c/1.jpg"])
def test_a_face_is_found_with_its_points_inside(detector: Detector, faces_dir: Path, name: str) -> None:
    _, face = found(detector, faces_dir, name)
    low, high = face.points.min(axis=0), face.points.max(axis=0)
    assert face.points.shape == (5, 2)
    assert face.box.left < low[0] < high[0] < face.box.left + face.box.width
    assert face.box.top < low[1] < high[1] < face.box.top + face.box.height


def test_points_follow_a_picture_that_is_mirrored(detector: Detector, faces_dir: Path) -> None:
    pixels, face = found(detector, faces_dir, "obama/1.jpg")
    mirrored = detector.detect(np.ascontiguousarray(pixels[:, ::-1]))[0]
    assert mirrored.points[:, 0].mean() == pytest.approx(pixels.shape[1] - face.points[:, 0].mean(), abs=8)


def test_no_face_is_found_in_a_landscape(detector: Detector, faces_dir: Path) -> None:
    assert detector.detect(picture(faces_dir, "groups/faces-0.jpg")) == ()


def test_the_widest_face_comes_first_and_fine_finds_no_fewer(detector: Detector, faces_dir: Path) -> None:
    pixels = picture(faces_dir, "groups/faces-3-obama-biden.jpg")
    faces = detector.detect(pixels, fine=True)
    assert [face.box.width for face in faces] == sorted((face.box.width for face in faces), reverse=True)
    assert len(faces) >= max(2, len(detector.detect(pixels)))


def test_every_vector_is_of_unit_length(engines: tuple[Matcher, Detector], faces_dir: Path) -> None:
    matcher, detector = engines
    pixels, face = found(detector, faces_dir, "obama/1.jpg")
    vectors = matcher.describe([pixels], [face.points])
    assert vectors.shape == (1, matcher.dimension)
    assert vectors.dtype == np.float32
    assert np.linalg.norm(vectors) == pytest.approx(1, abs=1e-6)


def test_many_at_once_are_as_one_by_one(engines: tuple[Matcher, Detector], faces_dir: Path) -> None:
    matcher, detector = engines
    pairs = [found(detector, faces_dir, name) for name in ("obama/1.jpg", "biden/1.jpg")]
    together = matcher.describe([pixels for pixels, _ in pairs], [face.points for _, face in pairs])
    alone = [matcher.describe([pixels], [face.points])[0] for pixels, face in pairs]
    assert np.abs(together - np.array(alone)).max() < 1e-5


def test_every_person_is_more_like_themselves_than_like_anybody_else(
    engines: tuple[Matcher, Detector], faces_dir: Path
) -> None:
    matcher, detector = engines
    if matcher.id == "sface":
        pytest.skip("the stand-in has learned nothing, and SFace's weights are not here")
    names = [(person, number) for person, numbers in PEOPLE.items() for number in numbers]
    pairs = [found(detector, faces_dir, f"{person}/{number}.jpg") for person, number in names]
    vectors = matcher.describe([pixels for pixels, _ in pairs], [face.points for _, face in pairs])
    same = np.array([[one == other for other, _ in names] for one, _ in names])
    scores = vectors @ vectors.T
    assert scores[same].min() > scores[~same].max()


def test_an_engine_that_was_not_loaded_says_so(model_dir: Path, test_data: Path) -> None:
    with pytest.raises(ModelUnusable, match="before it was loaded"):
        dlib_onnx(model_dir, test_data).describe_chips([np.zeros((150, 150, 3), dtype=np.uint8)])


def test_the_default_engine_and_the_reference_give_the_same_vector_for_the_same_chip(
    model_dir: Path, test_data: Path, faces_dir: Path
) -> None:
    """Parity to 1e-5: the ONNX network is dlib's own, without mirror averaging as the reference has none."""
    reference = face_recognition(model_dir, test_data)
    manifest = read_manifest(manifest_folder() / f"{DEFAULT_MODEL}.toml")
    plain = manifest.model_copy(update={"fusion": manifest.fusion.model_copy(update={"mirror": False})})
    default = OnnxMatcher(model_dir / manifest.weight("matcher").file, plain, PointKind.EYE_CORNERS)
    for engine in (reference, default):
        engine.load()
    chips = [
        picture(faces_dir, f"bbt_{name}/1.jpg")[:150, :150] for name in ("amy", "penny", "raj", "howard")
    ]
    assert all(chip.shape == (150, 150, 3) for chip in chips)
    assert np.abs(default.describe_chips(chips) - reference.describe_chips(chips)).max() < 1e-5
