"""Which liveness gates a policy asks of a face: stated by level, and never fewer where more is asked."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product
from typing import Any

import pytest

from authsvc.biometric.words import LivenessGate, covers
from authsvc.errors import PolicyInvalid
from authsvc.policy import loading
from authsvc.policy.analysis import analyze
from authsvc.policy.engine import Policy
from authsvc.policy.level import CHALLENGES, Level
from authsvc.policy.profiles import Profile

P, A = LivenessGate.PASSIVE, LivenessGate.ACTIVE


def shipped(liveness: Mapping[str, str]) -> Policy:
    document: dict[str, Any] = loading.shipped().document.model_dump(mode="json", exclude_none=True)
    document["biometrics"]["face"]["liveness"] = dict(liveness)
    return loading.from_mapping(document)


@pytest.mark.parametrize(
    ("stated", "face", "both"),
    [
        ({}, None, None),
        ({"face": "active"}, (A,), (A,)),
        ({"face": "passive", "face_fingerprint": "both"}, (P,), (P, A)),
        ({"otp": "active"}, (A,), (A,)),
        ({"face_fingerprint": "both"}, None, (P, A)),
    ],
)
def test_a_level_asks_what_it_states_or_what_the_next_milder_one_does(
    stated: dict[str, str], face: object, both: object
) -> None:
    policy = shipped(stated)
    assert (policy.liveness(Level.FACE), policy.liveness(Level.FACE_FINGERPRINT)) == (face, both)
    assert policy.liveness(Level.NONE) is None


@pytest.mark.parametrize(
    "stated",
    [
        {"face": "both", "face_fingerprint": "active"},
        {"face": "passive", "face_fingerprint": "active"},
        {"face_fingerprint": "active"},
    ],
)
def test_a_stricter_level_cannot_ask_for_less(stated: dict[str, str]) -> None:
    with pytest.raises(PolicyInvalid, match="`face_fingerprint` asks for less than that of `face`"):
        shipped(stated)


def test_whatever_is_accepted_is_monotone_over_the_levels() -> None:
    words = (None, "passive", "active", "both")
    accepted = 0
    for choice in product(words, repeat=3):
        stated = {level.value: word for level, word in zip(CHALLENGES, choice, strict=True) if word}
        try:
            policy = shipped(stated)
        except PolicyInvalid:
            continue
        accepted += 1
        milder, stricter = policy.liveness(Level.FACE), policy.liveness(Level.FACE_FINGERPRINT)
        assert covers(stricter, milder) or (milder is None and stricter == (P, A))
    assert accepted > 10


def test_only_a_face_has_gates_to_choose() -> None:
    document: dict[str, Any] = loading.shipped().document.model_dump(mode="json", exclude_none=True)
    document["biometrics"]["voice"]["liveness"] = {"face": "active"}
    with pytest.raises(PolicyInvalid, match="the spoken prompt"):
        loading.from_mapping(document)


def findings(stated: Mapping[str, str]) -> set[str]:
    return {finding.code for finding in analyze(shipped(stated), profile=Profile.NIST).findings}


def test_gestures_alone_are_too_little_for_nist() -> None:
    assert "nist-liveness" in findings({"face": "active"})
    assert "nist-liveness" in findings({})
    assert "nist-liveness" not in findings({"face": "both"})
    assert "nist-liveness" not in findings({"face": "passive", "face_fingerprint": "both"})


@pytest.mark.parametrize(
    ("had", "needed", "enough"),
    [
        (None, None, True), ((P, A), (A,), True), ((A,), (A,), True),
        ((A,), (P, A), False), ((A,), None, False), (None, (A,), False),
    ],
)  # fmt: skip
def test_what_a_capture_passed_is_good_for_no_more_than_that(
    had: object, needed: object, enough: bool
) -> None:
    assert covers(had, needed) is enough  # type: ignore[arg-type]  # tuples of gates
