"""Passive presentation attack detection: the live picture passes, the print and the screen do not."""

from pathlib import Path

import numpy as np
import pytest

from authsvc.audit.chain import refuse_secrets
from authsvc.biometric.manifest import manifest_folder, read_manifest
from authsvc.biometric.weights import verified_weights
from authsvc.biometric.words import Liveness
from authsvc.canonical import canonical
from authsvc.errors import ModelUnusable
from authsvc.face.acquisition import Frame
from authsvc.face.build import PASSIVE_MODEL, face_service, passive_detector, passive_form
from authsvc.face.capture import CaptureContext
from authsvc.face.engine import Box, Face, Pixels
from authsvc.face.hints import Hint
from authsvc.face.image import decode, sampled
from authsvc.face.passive_engine import PassiveDetector, PassiveForm, surroundings
from tests.face.clips import frames_of
from tests.face.drawing import RED, drawn
from tests.face.test_quality import five

STILL = CaptureContext()
MANIFEST = read_manifest(manifest_folder() / f"{PASSIVE_MODEL}.toml")


@pytest.fixture(scope="module")
def passive(test_data: Path) -> PassiveDetector:
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
    passive: PassiveDetector, test_data: Path, name: str, verdict: Liveness
) -> None:
    judged = passive.judge(capture(still(test_data, name)), STILL)
    assert judged.verdict is verdict
    assert judged.detectors == ("minifasnet",)


def test_the_replayed_clip_is_an_attack(passive: PassiveDetector, test_data: Path) -> None:
    clip = frames_of(test_data / "pad" / "replay_clip.mp4", every=15, end=3.0)
    frames = [capture(picture, 1)[0] for _, picture in clip]
    assert passive.judge(frames, STILL).verdict is Liveness.ATTACK


def test_a_face_without_surroundings_is_not_judged(passive: PassiveDetector, test_data: Path) -> None:
    """Filmed so near that the face fills more than half the picture's width."""
    clip = frames_of(test_data / "pad" / "live_clip.mp4", every=10, end=2.0)
    frames = [capture(picture, 1)[0] for _, picture in clip]
    judged = passive.judge(frames, STILL)
    assert judged.verdict is Liveness.UNDECIDED
    assert judged.evidence == {"minifasnet_judged": 0}


def test_too_few_frames_decide_nothing(passive: PassiveDetector, test_data: Path) -> None:
    assert passive.judge(capture(still(test_data, "live"), 4), STILL).verdict is Liveness.UNDECIDED


def test_turned_heads_and_empty_frames_are_not_asked(passive: PassiveDetector, test_data: Path) -> None:
    turned = capture(still(test_data, "live"), 9, (Hint.TURNED,))
    empty = [Frame(still(test_data, "live"), None, None, (Hint.NO_FACE,))] * 9
    assert passive.judge([*turned, *empty], STILL).verdict is Liveness.UNDECIDED


@pytest.mark.parametrize(
    ("box", "multiple", "expected"),
    [
        (Box(0, 0, 100, 120), 2.7, Box(0, 0, 271, 325)),  # Shifted inside, not shrunk.
        (Box(200, 200, 50, 60), 2, Box(175, 170, 101, 121)),  # About its middle.
        (Box(430, 590, 51, 51), 3, Box(326, 486, 154, 154)),  # Over the right and lower edge.
        (Box(100, 100, 200, 240), 4, Box(0, 0, 480, 575)),  # As much as there is.
    ],
)
def test_surroundings_are_those_of_the_training(box: Box, multiple: float, expected: Box) -> None:
    """Whole pixels, cut off and not rounded, the last one included."""
    assert surroundings(np.zeros((640, 480, 3), np.uint8), box, multiple) == expected


@pytest.mark.parametrize("side", [301, 160, 97, 80, 40])
def test_crops_are_sampled_and_not_averaged(side: int) -> None:
    """Against the same arithmetic in numpy: four neighbours, half-pixel centres, edges repeated."""
    rng = np.random.default_rng(side)
    picture = rng.integers(0, 256, (side + 60, side + 50, 3)).astype(np.uint8)
    part = picture[20 : 20 + side, 30 : 30 + side].astype(np.float64)
    at = (np.arange(80) + 0.5) * side / 80 - 0.5
    low = np.floor(at).astype(int)
    share = at - low
    near, far = np.clip(low, 0, side - 1), np.clip(low + 1, 0, side - 1)
    rows = part[near] * (1 - share)[:, None, None] + part[far] * share[:, None, None]
    both = rows[:, near] * (1 - share)[None, :, None] + rows[:, far] * share[None, :, None]
    found = sampled(picture, Box(30, 20, side, side), 80)
    assert np.abs(found.astype(int) - both).max() < 1.01


@pytest.mark.parametrize(("name", "least", "most"), [("live_clip", 95, 101), ("replay_clip", 0, 0)])
def test_frames_of_the_clips_over_the_threshold(
    test_data: Path, passive: PassiveDetector, name: str, least: int, most: int
) -> None:
    """Every third frame, also those filmed too near to be judged in production: with averaged crops 78 of 101 were alive."""
    near = passive_form(MANIFEST).model_copy(update={"least_context": 1.0})
    everything = PassiveDetector(
        "near", verified_weights(test_data / "models", MANIFEST), near, passive.detector
    )
    everything.load()
    scores = [
        everything.score(picture) for _, picture in frames_of(test_data / "pad" / f"{name}.mp4", every=3)
    ]
    assert len(scores) == 101
    assert least <= sum(score is not None and score >= 0.5 for score in scores) <= most


@pytest.mark.parametrize("name", ["live", "attack_print", "attack_screen"])
def test_what_is_judged_may_stand_in_the_audit(passive: PassiveDetector, test_data: Path, name: str) -> None:
    """A key that names a secret is refused there, and with it the whole answer."""
    for count in (5, 2):
        evidence = passive.judge(capture(still(test_data, name), count), STILL).evidence
        refuse_secrets(canonical({"details": {"liveness_evidence": dict(evidence)}}))


@pytest.mark.parametrize(
    ("table", "field"),
    [({"bona_fide": 0.5}, "input.crops"), ({"crops": {"v2": [2.7]}, "bona_fide": 1.5}, "input.bona_fide")],
)
def test_a_mistake_in_the_input_form_is_named(table: dict[str, object], field: str) -> None:
    with pytest.raises(ModelUnusable, match=field):
        PassiveForm.of(table, "minifasnet")


def test_where_the_passive_weights_are_installed_both_gates_are_asked(
    passive: PassiveDetector, model_dir: Path, test_data: Path, tmp_path: Path
) -> None:
    for source in (*model_dir.iterdir(), *(test_data / "models").iterdir()):
        if source.is_file():
            (tmp_path / source.name).symlink_to(source)
    assert face_service(tmp_path, unsafe_no_pad=False).describe()["liveness"] == "minifasnet+active"
    (tmp_path / "minifasnet_v2_2.7_80.onnx").unlink()
    assert face_service(tmp_path, unsafe_no_pad=False).describe()["liveness"] == "active"


def test_a_drawn_face_is_nothing_to_the_detector(passive: PassiveDetector) -> None:
    assert passive.score(drawn(RED)) is None
