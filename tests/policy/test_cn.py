"""The Chinese policy never leaves a face as the only way, and asks no more of whoever does without biometrics."""

from importlib import resources

import pytest

from authsvc.factor import Factor
from authsvc.policy import loading
from authsvc.policy.analysis import analyze
from authsvc.policy.engine import Policy
from authsvc.policy.level import Level
from authsvc.policy.profiles import Profile
from authsvc.policy.walk import Walk
from authsvc.subject import Novelty
from tests.policy.builders import payment

WITHOUT_BIOMETRICS = frozenset({Factor.OTP, Factor.DEVICE_UV})


@pytest.fixture(scope="module")
def chinese() -> Policy:
    source = resources.files("authsvc.policy").joinpath("cn.toml")
    return loading.from_toml(source.read_text(encoding="utf-8"), source.name)


def test_it_keeps_the_profile_in_every_cell_and_every_rule_counts(chinese: Policy) -> None:
    analysis = analyze(chinese, profile=Profile.CN)
    assert analysis.complete
    assert analysis.findings == ()


def test_whoever_has_a_phone_and_an_app_gets_through_every_challenge(chinese: Policy) -> None:
    walk = Walk(chinese, 1_000_000)
    assert walk.complete
    asked = [answer for answer in walk.answers if answer.level.asks]
    assert asked
    assert all(any(WITHOUT_BIOMETRICS.issuperset(way) for way in answer.sets) for answer in asked)


@pytest.mark.parametrize("fen", [5_000_000, 5_000_001, 10**12])
def test_no_amount_is_kept_for_faces(chinese: Policy, fen: int) -> None:
    for synced in (True, False):
        outcome = chinese.evaluate(payment(fen, novelty=Novelty.NEW, device_synced=synced))
        assert outcome.level is Level.FACE_FINGERPRINT
        assert (Factor.DEVICE_UV, Factor.OTP) in outcome.sets


@pytest.mark.parametrize(("fen", "level"), [(1_999_999, Level.OTP), (2_000_000, Level.FACE_FINGERPRINT)])
def test_two_proofs_are_asked_from_twenty_thousand_yuan_on(chinese: Policy, fen: int, level: Level) -> None:
    assert chinese.evaluate(payment(fen)).level is level


@pytest.mark.parametrize(("fen", "level"), [(499_999, Level.FACE), (500_000, Level.FACE_FINGERPRINT)])
def test_and_from_five_thousand_on_a_young_phone(chinese: Policy, fen: int, level: Level) -> None:
    assert chinese.evaluate(payment(fen, novelty=Novelty.PROBATION)).level is level


def test_the_default_is_what_it_departs_from() -> None:
    findings = analyze(loading.shipped(), profile=Profile.CN).findings
    assert {finding.code for finding in findings} == {"cn-only-face"}
