"""What comes with a capture: written as JSON for the worker, and refused where it is none."""

import json

import pytest

from authsvc.biometric.words import LivenessGate
from authsvc.errors import InvalidRequest
from authsvc.face.capture import CaptureContext, Gesture


@pytest.mark.parametrize(
    "context",
    [
        CaptureContext(),
        CaptureContext((Gesture.LEFT,), (1, 2), ("f:AA",), (LivenessGate.ACTIVE,), 5, 2, True),
        CaptureContext(liveness=()),
    ],
)
def test_a_context_goes_to_the_worker_and_comes_back(context: CaptureContext) -> None:
    assert CaptureContext.from_json(json.loads(json.dumps(context.to_json()))) == context


@pytest.mark.parametrize(
    "fields",
    [
        {"gestures": ["wink"]},
        {"gestures": "left"},
        {"taken_at_ms": [1.5]},
        {"taken_at_ms": [True]},
        {"earlier": [1]},
        {"liveness": ["luck"]},
        {"part": "1"},
    ],
)
def test_what_is_no_context_is_refused(fields: dict[str, object]) -> None:
    with pytest.raises(InvalidRequest, match="not the context of a face capture"):
        CaptureContext.from_json(fields)
