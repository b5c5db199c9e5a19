"""Enrolling and comparing, with drawn faces: the red person, the green one and the blue one."""

import logging
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from authsvc.biometric.manifest import Manifest
from authsvc.biometric.words import (
    Comparison,
    Gates,
    Liveness,
    LivenessGate,
    LivenessResult,
    Modality,
    Template,
)
from authsvc.errors import ConfigurationError, InvalidRequest, ModelUnusable, PayloadTooLarge
from authsvc.face.acquisition import Frame
from authsvc.face.capture import CaptureContext, Gesture
from authsvc.face.liveness import AllOf, LivenessDetector, NoDetector, UnsafeNoPad
from authsvc.face.service import MAX_FRAMES, FaceService
from authsvc.factor import Unusable
from tests.face.drawing import BLUE, GREEN, RED, ColourMatcher, SquareDetector, drawn, jpeg, png

STILL = CaptureContext()


class Says:
    """A liveness detector with a fixed opinion."""

    least_context = 0.0

    def __init__(
        self, verdict: Liveness, name: str = "says", gate: LivenessGate = LivenessGate.PASSIVE
    ) -> None:
        self.id = name
        self.gates = (gate,)
        self._verdict = verdict

    def load(self) -> None:
        return None

    def judge(self, frames: Sequence[Frame], context: CaptureContext) -> LivenessResult:
        return LivenessResult(self._verdict, (self.id,), {self.id: len(frames)})


def build(manifest: Manifest, liveness: LivenessDetector | None = None, least_frames: int = 1) -> FaceService:
    detector = Says(Liveness.BONA_FIDE) if liveness is None else liveness
    service = FaceService(manifest, SquareDetector(), ColourMatcher(), detector, least_frames=least_frames)
    service.load()
    return service


@pytest.fixture
def service(drawn_manifest: Manifest) -> FaceService:
    return build(drawn_manifest)


def burst(colour: tuple[int, int, int], count: int = 3, width: int = 120) -> list[bytes]:
    """Frames of one person, a little different each."""
    return [png(drawn(colour, width=width + 4 * number)) for number in range(count)]


def template(service: FaceService, colour: tuple[int, int, int] = RED) -> Template:
    made = service.enroll(burst(colour), STILL)
    assert isinstance(made, Template)
    return made


def comparison(service: FaceService, frames: list[bytes], reference: Template) -> Comparison:
    made = service.verify(frames, reference, STILL)
    assert isinstance(made, Comparison)
    return made


def hints(answer: object) -> tuple[str, ...]:
    assert isinstance(answer, Unusable)
    return answer.hints


def test_the_enrolled_person_scores_higher_than_anybody_else(service: FaceService) -> None:
    reference = template(service)
    assert comparison(service, burst(RED), reference).score > 0.99
    assert comparison(service, burst(GREEN), reference).score < 0.5
    assert comparison(service, burst(BLUE), reference).score < 0.5


def test_a_template_says_which_model_made_it_of_how_many_samples(service: FaceService) -> None:
    made = template(service)
    assert (made.modality, made.model, made.samples) == (Modality.FACE, service.model, 3)
    assert np.linalg.norm(np.frombuffer(made.vector, dtype="<f4")) == pytest.approx(1, abs=1e-6)


def test_a_comparison_says_of_how_many_frames_it_was_made(service: FaceService) -> None:
    reference = template(service)
    made = [comparison(service, burst(RED, count), reference).frames for count in (1, 2, 3, 6)]
    assert made == [1, 2, 3, 3]


def test_templates_of_another_model_are_never_compared(service: FaceService) -> None:
    foreign = Template(Modality.FACE, "sha256:other", template(service).vector, 3)
    with pytest.raises(ModelUnusable, match="must enroll again"):
        service.verify(burst(RED), foreign, STILL)


def test_a_voice_template_is_no_face(service: FaceService) -> None:
    with pytest.raises(ModelUnusable, match="must enroll again"):
        service.verify(burst(RED), Template(Modality.VOICE, service.model, b"", 3), STILL)


def test_a_template_of_the_wrong_length_is_refused(service: FaceService) -> None:
    with pytest.raises(ModelUnusable, match="4 numbers, and 3 are expected"):
        service.verify(burst(RED), Template(Modality.FACE, service.model, bytes(16), 3), STILL)


def test_two_good_samples_do_not_make_a_template(service: FaceService) -> None:
    assert hints(service.enroll(burst(RED, 2), STILL)) == ("more_frames",)


def test_the_same_picture_three_times_is_one_sample(service: FaceService) -> None:
    assert hints(service.enroll(burst(RED, 1) * 3, STILL)) == ("more_frames",)


def test_samples_of_two_people_do_not_make_a_template(service: FaceService) -> None:
    assert hints(service.enroll([*burst(RED, 2), *burst(BLUE, 1)], STILL)) == ("inconsistent",)


def test_frames_of_two_people_do_not_make_a_probe(service: FaceService) -> None:
    reference = template(service)
    assert hints(service.verify([*burst(RED, 2), *burst(BLUE, 1)], reference, STILL)) == ("inconsistent",)


def test_bad_frames_among_good_ones_are_left_out(service: FaceService) -> None:
    nobody = png(drawn())
    made = comparison(service, [nobody, *burst(RED, 3), nobody], template(service))
    assert made.frames == 3


def test_a_capture_of_bad_frames_says_everything_that_is_wrong(service: FaceService) -> None:
    tiny, dark = png(drawn(RED, width=62)), png(drawn((100, 5, 5)))
    assert set(hints(service.verify([tiny, dark], template(service), STILL))) >= {"too_small", "too_dark"}


def test_a_passer_by_in_the_background_is_let_be_and_a_second_person_is_not(service: FaceService) -> None:
    reference = template(service)
    small = drawn(RED, width=150)
    small[400:440, 500:540] = BLUE
    assert comparison(service, [png(small)], reference).score > 0.99
    assert "several_faces" in hints(service.verify([png(drawn(RED, BLUE))], reference, STILL))


def test_where_a_sequence_is_asked_a_still_is_not_enough(drawn_manifest: Manifest) -> None:
    service = build(drawn_manifest, least_frames=3)
    reference = template(service)
    assert hints(service.verify(burst(RED, 2), reference, STILL)) == ("more_frames",)
    assert comparison(service, burst(RED, 3), reference).frames == 3


def test_without_a_liveness_detector_nothing_is_decided_and_nobody_enrols(
    service: FaceService, drawn_manifest: Manifest
) -> None:
    bare = build(drawn_manifest, NoDetector())
    assert comparison(bare, burst(RED), template(service)).liveness.verdict is Liveness.UNDECIDED
    assert hints(bare.enroll(burst(RED), STILL)) == ("not_live",)


@pytest.mark.parametrize(
    ("verdicts", "expected"),
    [
        ((Liveness.BONA_FIDE, Liveness.BONA_FIDE), Liveness.BONA_FIDE),
        ((Liveness.BONA_FIDE, Liveness.UNDECIDED), Liveness.UNDECIDED),
        ((Liveness.UNDECIDED, Liveness.ATTACK), Liveness.ATTACK),
        ((Liveness.BONA_FIDE, Liveness.ATTACK), Liveness.ATTACK),
    ],
)
def test_detectors_in_a_row_are_as_strict_as_the_strictest(
    drawn_manifest: Manifest, service: FaceService, verdicts: tuple[Liveness, Liveness], expected: Liveness
) -> None:
    row = AllOf([Says(verdict, name) for verdict, name in zip(verdicts, ("one", "two"), strict=True)])
    judged = comparison(build(drawn_manifest, row), burst(RED), template(service)).liveness
    assert (judged.verdict, judged.detectors, set(judged.evidence)) == (
        expected,
        ("one", "two"),
        {"one", "two"},
    )


_PASSIVE, _ACTIVE = LivenessGate.PASSIVE, LivenessGate.ACTIVE


@pytest.mark.parametrize(
    ("asked", "expected", "who"),
    [
        (None, Liveness.ATTACK, ("prints", "gestures")),
        ((_PASSIVE, _ACTIVE), Liveness.ATTACK, ("prints", "gestures")),
        ((_ACTIVE,), Liveness.BONA_FIDE, ("gestures",)),
        ((_PASSIVE,), Liveness.ATTACK, ("prints",)),
    ],
)
def test_a_capture_is_judged_by_the_gates_that_are_asked(
    drawn_manifest: Manifest,
    service: FaceService,
    asked: Gates,
    expected: Liveness,
    who: tuple[str, ...],
) -> None:
    row = AllOf([Says(Liveness.ATTACK, "prints", _PASSIVE), Says(Liveness.BONA_FIDE, "gestures", _ACTIVE)])
    made = build(drawn_manifest, row).verify(burst(RED), template(service), CaptureContext(liveness=asked))
    assert isinstance(made, Comparison)
    assert (made.liveness.verdict, made.liveness.detectors) == (expected, who)


def test_where_a_gate_that_is_asked_is_not_installed_nobody_passes(
    drawn_manifest: Manifest, service: FaceService
) -> None:
    alone = build(drawn_manifest, Says(Liveness.BONA_FIDE, "gestures", _ACTIVE))
    asked = CaptureContext(liveness=(_PASSIVE, _ACTIVE))
    made = alone.verify(burst(RED), template(service), asked)
    assert isinstance(made, Comparison)
    assert made.liveness.verdict is Liveness.UNDECIDED


def test_surroundings_are_asked_for_only_where_a_gate_needs_them(drawn_manifest: Manifest) -> None:
    wide = Says(Liveness.BONA_FIDE, "prints", _PASSIVE)
    wide.least_context = 9.0
    both = build(drawn_manifest, AllOf([wide, Says(Liveness.BONA_FIDE, "gestures", _ACTIVE)]))
    assert hints(both.enroll(burst(RED), STILL)) == ("too_close",)
    assert isinstance(both.enroll(burst(RED), CaptureContext(liveness=(_ACTIVE,))), Template)


def test_a_row_of_no_detectors_is_refused() -> None:
    with pytest.raises(ConfigurationError):
        AllOf([])


def test_a_capture_that_was_seen_before_is_an_attack(service: FaceService) -> None:
    enrolled = template(service)
    seen = CaptureContext(earlier=enrolled.fingerprints)
    again = service.verify([*burst(RED, 1, width=200), *burst(RED)], enrolled, seen)
    assert isinstance(again, Comparison)
    assert again.liveness.verdict is Liveness.ATTACK
    assert again.liveness.evidence["replayed"] == 1
    assert hints(service.enroll(burst(RED), seen)) == ("not_live",)


@pytest.mark.parametrize("options", [{"quality": 90}, {"quality": 50}, {"quality": 70, "progressive": True}])
def test_a_capture_that_was_encoded_anew_is_still_an_attack(
    service: FaceService, options: dict[str, object]
) -> None:
    picture = drawn(RED, width=150, size=(640, 480), texture=3).astype(int)
    patches = np.random.default_rng(5).integers(-60, 61, (10, 10)).repeat(15, axis=0).repeat(15, axis=1)
    picture[100:250, 40:190] += patches[..., None]
    patterned = np.clip(picture, 0, 255).astype(np.uint8)
    enrolled = template(service)
    seen = CaptureContext(earlier=comparison(service, [jpeg(patterned)], enrolled).fingerprints)
    anew = service.verify([jpeg(patterned, **options)], enrolled, seen)
    assert isinstance(anew, Comparison)
    assert anew.liveness.verdict is Liveness.ATTACK


def test_another_capture_of_the_same_person_is_no_replay(service: FaceService) -> None:
    enrolled = template(service)
    seen = CaptureContext(earlier=enrolled.fingerprints)
    fresh = drawn(RED, width=180, size=(600, 400))
    fresh[:90] = np.random.default_rng(3).integers(100, 150, (1, 600, 1))
    answer = service.verify([png(fresh)], enrolled, seen)
    assert isinstance(answer, Comparison)
    assert answer.liveness.verdict is Liveness.BONA_FIDE


def test_without_protection_every_capture_passes_and_every_use_is_logged(
    drawn_manifest: Manifest, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        service = build(drawn_manifest, UnsafeNoPad())
        made = comparison(service, burst(RED), template(service))
    assert made.liveness.verdict is Liveness.BONA_FIDE
    assert made.liveness.detectors == ("UNSAFE_NO_PAD",)
    assert service.describe()["liveness"] == "UNSAFE_NO_PAD"
    assert "a photograph passes for a person" in caplog.text
    assert "not examined for attacks" in caplog.text


def test_quality_is_reported_as_the_worst_over_the_frames(service: FaceService) -> None:
    made = comparison(service, [png(drawn(RED, width=width)) for width in (100, 120, 140)], template(service))
    assert made.quality["width"] == 100
    assert set(made.quality) == {"width", "sharpness", "luma", "turn", "roll", "outside", "context", "detail"}


def test_a_capture_without_frames_or_with_too_many_is_refused(service: FaceService) -> None:
    with pytest.raises(InvalidRequest, match="without a frame"):
        service.enroll([], STILL)
    with pytest.raises(PayloadTooLarge, match="65 frames"):
        service.enroll([b"x"] * (MAX_FRAMES + 1), STILL)


def test_a_damaged_frame_refuses_the_capture(service: FaceService) -> None:
    with pytest.raises(InvalidRequest):
        service.enroll([*burst(RED), jpeg(drawn(RED))[:900]], STILL)


def test_a_model_without_the_point_that_frames_agree_by_is_refused(drawn_manifest: Manifest) -> None:
    bare = drawn_manifest.model_copy(update={"operating_points": ()})
    with pytest.raises(ModelUnusable, match=r"1 sample\(s\) per template and 1 frame\(s\)"):
        build(bare)


def test_look_alikes_are_told_by_their_places_the_most_alike_first(drawn_manifest: Manifest) -> None:
    strict = drawn_manifest.operating_points[0].model_copy(
        update={"target_fmr": "1 in 10000", "samples": 3, "frames": 3, "impostor_pairs": 300_000}
    )
    points = (*drawn_manifest.operating_points, strict)
    service = build(drawn_manifest.model_copy(update={"operating_points": points}))
    red, blue = template(service, RED), template(service, BLUE)
    assert service.look_alikes(red, [blue, red, blue, red]) == (1, 3)
    assert service.look_alikes(red, []) == ()
    with pytest.raises(ModelUnusable, match="another model"):
        service.look_alikes(replace(red, model="sha256:other"), [red])


def test_a_context_survives_its_journey_to_the_worker() -> None:
    context = CaptureContext((Gesture.LEFT, Gesture.UP), (0, 200), ("ab",), (_ACTIVE,))
    assert CaptureContext.from_json(context.to_json()) == context


@pytest.mark.parametrize(
    "fields", [{"gestures": ["wink"]}, {"gestures": "left"}, {"taken_at_ms": ["0"]}, {"taken_at_ms": [True]}]
)
def test_a_context_that_makes_no_sense_is_refused(fields: dict[str, object]) -> None:
    with pytest.raises(InvalidRequest):
        CaptureContext.from_json(fields)
