"""Passive presentation attack detection: the live picture passes, the print and the screen do not."""

from pathlib import Path

import pytest

from authsvc.biometric.manifest import manifest_folder, read_manifest
from authsvc.biometric.words import Liveness
from authsvc.errors import ModelUnusable
from authsvc.face.acquisition import Frame
from authsvc.face.build import PASSIVE_MODEL, face_service, passive_detector
from authsvc.face.capture import CaptureContext
from authsvc.face.engine import Box, Face, Pixels
from authsvc.face.hints import Hint
from authsvc.face.image import decode
from authsvc.face.minifasnet_engine import MiniFasNetDetector, PassiveForm, surroundings
from tests.face.clips import frames_of
from tests.face.drawing import RED, drawn
from tests.face.test_quality import five

STILL = CaptureContext()
MANIFEST = read_manifest(manifest_folder() / f"{PASSIVE_MODEL}.toml")


@pytest.fixture(scope="module")
def passive(test_data: Path) -> MiniFasNetDetector:
    try:
        made = passive_detector(MANIFEST, test_data / "models")
    except ModelUnusable as error:
        pytest.skip(f"the test data do not hold the passive detector: {error.detail}")
    made.load()
    return made


def still(test_data: Path, name: str) -> Pixels:
    return decode((test_data / "pad" / f"{name}.jpg").read_bytes())


def capture(picture: Pixels, count: int = 5, hints: tuple[Hint, ...] = ()) -> list[Frame]:
    return [Frame(picture, Face(Box(0, 0, 100, 100), five(), 1.0), None, hints)] * count


@pytest.mark.parametrize(
    ("name", "verdict"),
    [
        ("live", Liveness.BONA_FIDE),
        ("attack_print", Liveness.ATTACK),
        ("attack_screen", Liveness.ATTACK),
    ],
)
def test_a_living_face_is_told_from_a_print_and_a_screen(
    passive: MiniFasNetDetector, test_data: Path, name: str, verdict: Liveness
) -> None:
    judged = passive.judge(capture(still(test_data, name)), STILL)
    assert judged.verdict is verdict
    assert judged.detectors == ("minifasnet",)


def test_the_replayed_clip_is_an_attack(passive: MiniFasNetDetector, test_data: Path) -> None:
    clip = frames_of(test_data / "pad" / "replay_clip.mp4", every=15, end=3.0)
    frames = [capture(picture, 1)[0] for _, picture in clip]
    assert passive.judge(frames, STILL).verdict is Liveness.ATTACK


def test_a_face_without_surroundings_is_not_judged(passive: MiniFasNetDetector, test_data: Path) -> None:
    """Filmed so near that the face fills more than half the picture's width."""
    clip = frames_of(test_data / "pad" / "live_clip.mp4", every=10, end=2.0)
    frames = [capture(picture, 1)[0] for _, picture in clip]
    judged = passive.judge(frames, STILL)
    assert judged.verdict is Liveness.UNDECIDED
    assert judged.evidence == {"passive_frames": 0}


def test_too_few_frames_decide_nothing(passive: MiniFasNetDetector, test_data: Path) -> None:
    assert passive.judge(capture(still(test_data, "live"), 4), STILL).verdict is Liveness.UNDECIDED


def test_turned_heads_and_empty_frames_are_not_asked(passive: MiniFasNetDetector, test_data: Path) -> None:
    turned = capture(still(test_data, "live"), 9, (Hint.TURNED,))
    empty = [Frame(still(test_data, "live"), None, None, (Hint.NO_FACE,))] * 9
    assert passive.judge([*turned, *empty], STILL).verdict is Liveness.UNDECIDED


def test_surroundings_are_shifted_inside_and_not_shrunk() -> None:
    picture = drawn(size=(640, 480))
    moved = surroundings(picture, Box(0, 0, 100, 120), 2.7)
    assert (moved.left, moved.top) == (0, 0)
    assert (moved.width, moved.height) == pytest.approx((270, 324))
    centred = surroundings(picture, Box(200, 200, 50, 60), 2)
    assert (centred.left, centred.top) == (175, 170)


@pytest.mark.parametrize(
    ("table", "field"),
    [({"bona_fide": 0.5}, "input.crops"), ({"crops": {"v2": 2.7}, "bona_fide": 1.5}, "input.bona_fide")],
)
def test_a_mistake_in_the_input_form_is_named(table: dict[str, object], field: str) -> None:
    with pytest.raises(ModelUnusable, match=field):
        PassiveForm.of(table, "minifasnet")


def test_where_the_passive_weights_are_installed_both_gates_are_asked(
    passive: MiniFasNetDetector, model_dir: Path, test_data: Path, tmp_path: Path
) -> None:
    for source in (*model_dir.iterdir(), *(test_data / "models").iterdir()):
        if source.is_file():
            (tmp_path / source.name).symlink_to(source)
    assert face_service(tmp_path, unsafe_no_pad=False).describe()["liveness"] == "minifasnet+active"
    (tmp_path / "minifasnet_v2_2.7_80.onnx").unlink()
    assert face_service(tmp_path, unsafe_no_pad=False).describe()["liveness"] == "active"


def test_a_drawn_face_is_nothing_to_the_detector(passive: MiniFasNetDetector) -> None:
    assert passive.score(drawn(RED)) is None
