"""The words that face and voice share: what a capture passed, and where it came from."""

import pytest

from authsvc.biometric.words import Capture, Gates, LivenessGate, covers

ACTIVE, PASSIVE = LivenessGate.ACTIVE, LivenessGate.PASSIVE


@pytest.mark.parametrize(
    ("had", "needed", "good"),
    [
        ((ACTIVE, PASSIVE), (ACTIVE,), True),
        ((ACTIVE,), (ACTIVE, PASSIVE), False),
        ((PASSIVE,), (ACTIVE,), False),
        (None, None, True),
        (None, (ACTIVE,), False),
        ((ACTIVE,), None, False),
        ((), (ACTIVE,), False),
    ],
)
def test_a_capture_is_good_where_no_gate_is_asked_that_it_did_not_pass(
    had: Gates, needed: Gates, good: bool
) -> None:
    assert covers(had, needed) is good


def test_better_evidence_ranks_higher() -> None:
    assert sorted(Capture, key=lambda each: each.rank) == [
        Capture.BROWSER,
        Capture.DEVICE_SIGNED,
        Capture.ATTESTED,
    ]
