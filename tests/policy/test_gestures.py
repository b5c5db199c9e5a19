"""How many gestures a policy asks of a face: two to five, stated by level, and never fewer where more is asked."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product
from typing import Any

import pytest

from authsvc.biometric.words import GESTURES, USUAL_GESTURES
from authsvc.errors import PolicyInvalid
from authsvc.policy import loading
from authsvc.policy.analysis import analyze
from authsvc.policy.diff import diff
from authsvc.policy.engine import Policy
from authsvc.policy.examination import examine
from authsvc.policy.explain import explain
from authsvc.policy.level import CHALLENGES, Level
from authsvc.policy.life import WEAKENS
from authsvc.policy.profiles import Profile
from authsvc.policy.table import decision_table
from authsvc.policy.wording import explanation_lines, gesture_lines
from authsvc.subject import Novelty
from tests.policy.builders import payment

ASKED_FOR_A_FACE = payment(100, novelty=Novelty.TRUSTED, risk_score=80)


def document_with(gestures: Mapping[str, int], **face: object) -> Policy:
    document: dict[str, Any] = loading.shipped().document.model_dump(mode="json", exclude_none=True)
    document["biometrics"]["face"] |= {"gestures": dict(gestures), **face}
    return loading.from_mapping(document)


@pytest.mark.parametrize(
    ("stated", "face", "both"),
    [
        ({}, 4, 4),
        ({"face": 2}, 2, 2),
        ({"face": 2, "face_fingerprint": 4}, 2, 4),
        ({"otp": 3}, 3, 3),
        ({"face_fingerprint": 5}, 4, 5),
    ],
)
def test_a_level_asks_what_it_states_or_what_the_next_milder_one_does_and_four_otherwise(
    stated: dict[str, int], face: int, both: int
) -> None:
    policy = document_with(stated)
    assert (policy.gestures(Level.FACE), policy.gestures(Level.FACE_FINGERPRINT)) == (face, both)
    assert (policy.gestures(Level.NONE), policy.gestures(Level.DENY)) == (0, 0)
    assert policy.gestures_by_level == {Level.FACE: face, Level.FACE_FINGERPRINT: both}


@pytest.mark.parametrize("stated", [{"face": 4, "face_fingerprint": 3}, {"face_fingerprint": 2}])
def test_a_stricter_level_cannot_ask_for_fewer(stated: dict[str, int]) -> None:
    with pytest.raises(PolicyInvalid, match="`face_fingerprint` asks for fewer than that of `face`"):
        document_with(stated)


def test_what_a_level_states_that_asks_for_no_face_binds_no_other() -> None:
    assert document_with({"otp": 5, "face": 4}).gestures(Level.FACE) == 4


@pytest.mark.parametrize("count", [-1, 0, 1, 6, 2.5, "2", True])
def test_two_to_five_may_be_asked(count: object) -> None:
    with pytest.raises(PolicyInvalid):
        document_with({"face": count})  # type: ignore[dict-item]  # As somebody may write it.


def test_whatever_is_accepted_is_monotone_over_the_levels() -> None:
    accepted = 0
    for choice in product((None, *GESTURES), repeat=3):
        stated = {level.value: count for level, count in zip(CHALLENGES, choice, strict=True) if count}
        try:
            policy = document_with(stated)
        except PolicyInvalid:
            continue
        accepted += 1
        assert policy.gestures(Level.FACE) <= policy.gestures(Level.FACE_FINGERPRINT)
    assert accepted > 30


def test_only_a_face_makes_gestures() -> None:
    document: dict[str, Any] = loading.shipped().document.model_dump(mode="json", exclude_none=True)
    document["biometrics"]["voice"]["gestures"] = {"face": 3}
    with pytest.raises(PolicyInvalid, match="only a face makes them"):
        loading.from_mapping(document)


@pytest.mark.parametrize(
    ("before", "after", "weaker"),
    [
        ({}, {"face": 3}, True), ({"face": 5}, {}, True), ({"face": 2}, {}, False), ({}, {"face": 5}, False),
        ({}, {"face": 4}, False),
    ],
)  # fmt: skip
def test_fewer_gestures_than_before_are_a_weakening(
    before: dict[str, int], after: dict[str, int], weaker: bool
) -> None:
    active, candidate = document_with(before), document_with(after)
    assert any(name == "biometrics.face" for name, *_ in diff(active, candidate).settings)
    assert (WEAKENS in examine(candidate, active, None, 10_000_000)["errors"]) is weaker


def test_every_number_says_what_it_is_worth() -> None:
    policy = document_with({"face": 2, "face_fingerprint": 4})
    assert (
        "gestures 2: a recording of one capture answers 1 challenge in 13, 1 in 6 if also played backwards"
        in (explanation_lines(explain(policy, ASKED_FOR_A_FACE)))
    )
    assert [line.split(";")[0].split() for line in gesture_lines(policy.gestures_by_level)] == [
        ["gestures", "face:", "2"],
        ["gestures", "face_fingerprint:", "4"],
    ]
    assert decision_table(policy).to_json()["gestures"] == {"face": 2, "face_fingerprint": 4}
    assert explain(policy, ASKED_FOR_A_FACE).to_json()["gestures"] == 2
    assert explain(policy, payment(100, novelty=Novelty.TRUSTED, risk_score=5)).to_json()["gestures"] == 0


def found(policy: Policy) -> set[str]:
    return {finding.code for finding in analyze(policy, profile=Profile.SEED).findings}


def test_few_gestures_alone_are_found() -> None:
    assert "few-gestures" in found(document_with({"face": USUAL_GESTURES - 1, "face_fingerprint": 4}))
    assert "few-gestures" not in found(document_with({}))
    assert "few-gestures" not in found(document_with({"face": 2}, liveness={"otp": "both"}))
