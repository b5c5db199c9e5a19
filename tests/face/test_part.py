"""A part of an active capture waits as JSON, and what is none is refused."""

import json
from dataclasses import replace

import pytest

from authsvc.biometric.words import Liveness, LivenessResult
from authsvc.face.capture import Gesture
from authsvc.face.part import Part

PART = Part(
    model="sha256:m",
    gesture=Gesture.SMILE,
    taken_at_ms=(1, 2),
    prompted_at_ms=3,
    trace="AA==",
    room="AA==",
    scene=("a", "b"),
    scene_changes=(0.5,),
    rest="AA==",
    apex="AA==",
    flatness=None,
    fingerprints=("f:AA",),
    quality={"luma": 120.0},
    replayed=False,
    passive=LivenessResult(Liveness.BONA_FIDE, ("net",), {"score": 0.9}),
)


def test_a_part_waits_as_json_and_comes_back() -> None:
    assert Part.from_json(json.loads(json.dumps(PART.to_json()))) == PART


def test_what_older_code_observed_has_no_room() -> None:
    """As a challenge has it that was opened before a rolling upgrade came to this host."""
    fields = json.loads(json.dumps(PART.to_json()))
    del fields["room"]
    assert Part.from_json(fields) == replace(PART, room="")


@pytest.mark.parametrize(
    "change", [{"gesture": "wink"}, {"scene": ["a"]}, {"taken_at_ms": ["x"]}, {"quality": 1}]
)
def test_what_is_no_part_is_refused(change: dict[str, object]) -> None:
    with pytest.raises((KeyError, TypeError, ValueError, AttributeError)):
        Part.from_json({**PART.to_json(), **change})


def test_a_missing_number_is_not_zero() -> None:
    fields = PART.to_json()
    del fields["flatness"]
    with pytest.raises(KeyError):
        Part.from_json(fields)
