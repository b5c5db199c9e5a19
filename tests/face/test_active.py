"""The active challenge on real pictures: heads pass, stills do not, however they are moved and bent."""

import random
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from authsvc.biometric.manifest import manifest_folder, read_manifest
from authsvc.biometric.words import Comparison, Liveness, LivenessResult, Template
from authsvc.face.acquisition import Frame
from authsvc.face.active import LONGEST_GAP_MS, ActiveChallenge
from authsvc.face.build import DEFAULT_MODEL, engines, face_service
from authsvc.face.capture import CaptureContext, Gesture, choose_gestures, gesture_sequences
from authsvc.face.engine import Detector, Matcher
from authsvc.face.image import decode
from authsvc.face.planarity import FLAT, View, agreement
from authsvc.face.quality import VERIFICATION, measure
from authsvc.factor import Unusable
from tests.face.clips import frames_of
from tests.face.drawing import jpeg
from tests.face.stills import homography, relit, warped

LEFT, RIGHT = Gesture.LEFT, Gesture.RIGHT
SAME_PERSON = 0.9288
STILLS = ("obama/1.jpg", "biden/2.jpg", "person_a/2.jpg", "rose_leslie/2.jpg", "kit_harington/3.jpg")


@pytest.fixture(scope="module")
def eyes(model_dir: Path) -> tuple[Detector, Matcher]:
    made = engines(read_manifest(manifest_folder() / f"{DEFAULT_MODEL}.toml"), model_dir)
    for engine in made:
        engine.load()
    return made


def seen(eyes: tuple[Detector, Matcher], picture: np.ndarray) -> Frame:
    """A frame as the service acquires it, for a picture that is decoded already."""
    detector, matcher = eyes
    faces = detector.detect(picture)
    if not faces:
        return Frame(picture, None, None, ())
    quality = measure(picture, faces[0], detector.points)
    frame = Frame(picture, faces[0], quality, VERIFICATION.hints(quality))
    return (
        replace(frame, vector=matcher.describe([picture], [faces[0].points])[0]) if frame.is_good else frame
    )


def judge(
    eyes: tuple[Detector, Matcher], frames: Sequence[Frame], gestures: tuple[Gesture, ...], step: int = 200
) -> LivenessResult:
    times = tuple(number * step for number in range(len(frames)))
    challenge = ActiveChallenge(eyes[1], eyes[0].points, SAME_PERSON)
    return challenge.judge(frames, CaptureContext(gestures, times))


@pytest.fixture(scope="module")
def live(eyes: tuple[Detector, Matcher], test_data: Path) -> list[Frame]:
    """The live clip at five frames a second: ahead, to one side, ahead, to the other."""
    return [seen(eyes, picture) for _, picture in frames_of(test_data / "pad" / "live_clip.mp4", every=6)]


def test_the_live_clip_passes_when_its_own_turns_are_asked(
    eyes: tuple[Detector, Matcher], live: list[Frame]
) -> None:
    judged = judge(eyes, live, (LEFT, RIGHT))
    assert judged.verdict is Liveness.BONA_FIDE
    assert judged.evidence["flatness"] < FLAT
    assert judged.evidence["same_person"] > SAME_PERSON


def test_the_live_clip_fails_every_other_sequence(eyes: tuple[Detector, Matcher], live: list[Frame]) -> None:
    for asked in gesture_sequences():
        assert judge(eyes, live, asked).verdict is not Liveness.BONA_FIDE


def test_the_replayed_clip_passes_none_of_500_random_sequences(
    eyes: tuple[Detector, Matcher], test_data: Path
) -> None:
    frames = [
        seen(eyes, picture) for _, picture in frames_of(test_data / "pad" / "replay_clip.mp4", every=12)
    ]
    verdicts = {asked: judge(eyes, frames, asked).verdict for asked in gesture_sequences()}
    assert sum(verdicts[choose_gestures()] is Liveness.BONA_FIDE for _ in range(500)) == 0


@pytest.mark.parametrize(
    "times",
    [
        lambda count: range(0, 200 * count - 200, 200),
        lambda count: [0] * count,
        lambda count: range(200 * count, 0, -200),
        lambda count: [*range(0, 200 * count - 200, 200), 200 * count + LONGEST_GAP_MS],
        lambda count: range(0, 900 * count, 900),
    ],
    ids=["one too few", "standing still", "backwards", "a hole", "too long"],
)
def test_frames_without_sensible_instants_prove_nothing(
    eyes: tuple[Detector, Matcher], live: list[Frame], times: object
) -> None:
    assert callable(times)
    context = CaptureContext((LEFT, RIGHT), tuple(times(len(live))))
    judged = ActiveChallenge(eyes[1], eyes[0].points, SAME_PERSON).judge(live, context)
    assert judged.verdict is Liveness.UNDECIDED


def test_the_whole_service_enrols_and_compares_a_living_person(
    model_dir: Path, test_data: Path, faces_dir: Path
) -> None:
    """Two takes of the live clip; the second must also fail as a replay of the first, and for other gestures."""
    service = face_service(model_dir, unsafe_no_pad=False)
    service.load()
    first, second = (_take(test_data / "pad" / "live_clip.mp4", every) for every in (9, 11))
    template = service.enroll(first[0], CaptureContext((LEFT, RIGHT), first[1]))
    assert isinstance(template, Template)
    contexts = {
        Liveness.BONA_FIDE: CaptureContext((LEFT, RIGHT), second[1]),
        Liveness.ATTACK: CaptureContext((LEFT, RIGHT), second[1], template.fingerprints),
        Liveness.UNDECIDED: CaptureContext((RIGHT, LEFT), second[1]),
    }
    for verdict, context in contexts.items():
        compared = service.verify(second[0], template, context)
        assert isinstance(compared, Comparison)
        assert compared.score > 0.99
        assert compared.liveness.verdict is verdict
    refused = service.enroll(first[0], CaptureContext((RIGHT, LEFT), first[1]))
    assert refused == Unusable(("not_live",))


def _take(clip: Path, every: int) -> tuple[list[bytes], tuple[int, ...]]:
    taken = list(frames_of(clip, every=every))
    return [jpeg(picture, quality=88) for _, picture in taken], tuple(instant for instant, _ in taken)


def test_without_gestures_nothing_is_proved(eyes: tuple[Detector, Matcher], live: list[Frame]) -> None:
    assert judge(eyes, live, ()).verdict is Liveness.UNDECIDED


def test_somebody_else_may_not_do_the_turning(
    eyes: tuple[Detector, Matcher], live: list[Frame], faces_dir: Path
) -> None:
    """The resting frames show another face than the turned ones."""
    other = seen(eyes, decode((faces_dir / "obama" / "1.jpg").read_bytes()))
    swapped = [frame if frame.vector is None else replace(frame, vector=other.vector) for frame in live]
    assert judge(eyes, swapped, (LEFT, RIGHT)).verdict is Liveness.ATTACK


def test_a_face_that_jumps_is_not_followed(eyes: tuple[Detector, Matcher], live: list[Frame]) -> None:
    half = len(live) // 2
    face = live[half].face
    assert face is not None
    moved = replace(face, points=face.points + 400)
    jumping = [*live[:half], replace(live[half], face=moved), *live[half + 1 :]]
    judged = judge(eyes, jumping, (LEFT, RIGHT))
    assert judged.verdict is Liveness.UNDECIDED


@pytest.fixture(scope="module")
def bent(eyes: tuple[Detector, Matcher], faces_dir: Path) -> dict[str, list[Frame]]:
    """For each still: itself held straight, and how the engine sees it under 24 random homographies and lights."""
    made = {}
    for number, name in enumerate(STILLS):
        chance = np.random.default_rng(number)
        picture = decode((faces_dir / name).read_bytes())
        face = eyes[0].detect(picture)[0]
        straight = seen(eyes, warped(picture, face, np.eye(3)))
        views = [warped(picture, face, homography(chance, face.box.width), 60 + number) for _ in range(24)]
        made[name] = [straight, *(seen(eyes, relit(view, light)) for light, view in enumerate(views))]
    return made


def test_a_bent_still_is_recognised_as_flat_wherever_it_looks_like_a_gesture(
    eyes: tuple[Detector, Matcher], bent: dict[str, list[Frame]]
) -> None:
    flattest = []
    for straight, *views in bent.values():
        for view in views:
            if _looks_like_a_gesture(straight, view) and straight.face is not None and view.face is not None:
                views_of_one = (
                    View(straight.picture, straight.face.points),
                    View(view.picture, view.face.points),
                )
                flattest.append(agreement(*views_of_one, eyes[0].points))
    assert len(flattest) >= 10
    assert min(flattest) >= FLAT


def _looks_like_a_gesture(straight: Frame, view: Frame) -> bool:
    if straight.quality is None or view.quality is None:
        return False
    return abs(view.quality.turn - straight.quality.turn) > 0.2


def test_a_still_that_is_moved_and_bent_passes_none_of_2000_challenges(
    eyes: tuple[Detector, Matcher], bent: dict[str, list[Frame]]
) -> None:
    """The attacker knows the challenge, and chooses among the bent views those that show each gesture best."""
    chance = random.Random(9)
    judged: list[LivenessResult] = []
    cache: dict[object, LivenessResult] = {}
    for number in range(2000):
        straight, *views = bent[STILLS[number % len(STILLS)]]
        asked = chance.choice(gesture_sequences())
        frames = [straight] * 4
        for gesture in asked:
            frames += [_best(views, straight, gesture, chance)] * 3 + [straight] * 3
        key = (number % len(STILLS), tuple(map(id, frames)))
        if key not in cache:
            cache[key] = judge(eyes, frames, asked)
        judged.append(cache[key])
    assert len(judged) == 2000
    assert sum(result.verdict is Liveness.BONA_FIDE for result in judged) == 0
    assert sum(result.verdict is Liveness.ATTACK for result in judged) > 50


def _best(views: Sequence[Frame], straight: Frame, gesture: Gesture, chance: random.Random) -> Frame:
    """One of the two views that look most like the gesture."""
    found = [view for view in views if view.face is not None and view.quality is not None]
    wanted = {
        Gesture.LEFT: lambda frame: frame.quality.turn,
        Gesture.RIGHT: lambda frame: -frame.quality.turn,
        Gesture.UP: lambda frame: -_drop(frame),
        Gesture.CLOSER: lambda frame: frame.quality.width,
    }
    return chance.choice(sorted(found, key=wanted[gesture])[-2:])


def _drop(frame: Frame) -> float:
    assert frame.face is not None
    points = frame.face.points
    return float(
        (points[4, 1] - points[:4, 1].mean())
        / np.hypot(*(points[:2].mean(axis=0) - points[2:4].mean(axis=0)))
    )
