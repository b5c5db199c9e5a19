"""The shipped policy does what payers know and what the contract shows."""

import pytest

from authsvc.biometric.words import Modality
from authsvc.factor import Factor
from authsvc.policy import loading
from authsvc.policy.engine import Policy
from authsvc.policy.level import Level
from authsvc.policy.ways import sets_of
from authsvc.subject import Novelty
from tests.policy.builders import payment

USUAL = {"payee_new": False, "amount_unusual": 1, "hour_unusual": False}

TWO_PROOFS = {
    (Factor.FACE, Factor.OTP),
    (Factor.DEVICE_UV, Factor.OTP),
    (Factor.VOICE, Factor.OTP),
    (Factor.FACE, Factor.DEVICE_UV),
}


@pytest.fixture(scope="module")
def shipped() -> Policy:
    return loading.shipped()


def test_the_contracts_example_gets_face_because_the_device_is_new(shipped: Policy) -> None:
    outcome = shipped.evaluate(payment(125_000, type="transfer", novelty=Novelty.NEW, risk_score=73))

    assert outcome.level is Level.FACE
    assert outcome.reasons[0].to_json() == {
        "rule": "new-device",
        "field": "device.novelty",
        "is": "new",
        "bound": "probation",
    }
    assert outcome.sets == (
        (Factor.FACE, Factor.OTP),
        (Factor.DEVICE_UV, Factor.OTP),
        (Factor.VOICE, Factor.OTP),
        (Factor.FACE, Factor.DEVICE_UV),
    )


@pytest.mark.parametrize(
    ("novelty", "amount_minor", "risk", "level"),
    [
        (Novelty.TRUSTED, 2_500, 5, Level.NONE),
        (Novelty.TRUSTED, 99_999, 39, Level.NONE),
        (Novelty.TRUSTED, 100_000, 5, Level.OTP),
        (Novelty.TRUSTED, 45_000, 45, Level.OTP),
        (Novelty.TRUSTED, 45_000, 75, Level.FACE),
        (Novelty.TRUSTED, 2_000_000, 5, Level.FACE),
        (Novelty.TRUSTED, 2_000_000, 75, Level.FACE_FINGERPRINT),
        (Novelty.PROBATION, 2_500, 5, Level.OTP),
        (Novelty.PROBATION, 100_000, 5, Level.FACE),
        (Novelty.PROBATION, 45_000, 45, Level.FACE),
        (Novelty.PROBATION, 45_000, 75, Level.FACE_FINGERPRINT),
        (Novelty.NEW, 1, 0, Level.FACE),
        (Novelty.UNKNOWN, 1, 0, Level.FACE),
        (Novelty.NEW, 499_999, 74, Level.FACE),
        (Novelty.NEW, 500_000, 0, Level.FACE_FINGERPRINT),
        (Novelty.UNKNOWN, 1, 75, Level.FACE_FINGERPRINT),
        (Novelty.REVOKED, 1, 0, Level.DENY),
    ],
)
def test_each_kind_of_phone_is_asked_what_payers_know(
    shipped: Policy, novelty: Novelty, amount_minor: int, risk: int, level: Level
) -> None:
    outcome = shipped.evaluate(payment(amount_minor, novelty=novelty, risk_score=risk, **USUAL))
    assert outcome.level is level


@pytest.mark.parametrize(
    ("amount_minor", "risk", "habits", "level"),
    [
        (99_999, 39, {"amount_unusual": 3}, Level.NONE),
        (50_000, 20, {"amount_unusual": 4}, Level.OTP),
        (50_000, 19, {"amount_unusual": 1_000}, Level.NONE),
        (49_999, 39, {"amount_unusual": 1_000}, Level.NONE),
        (50_000, 20, {"payee_new": True}, Level.NONE),
        (50_000, 20, {"hour_unusual": True}, Level.NONE),
        (50_000, 20, {"payee_new": True, "hour_unusual": True}, Level.OTP),
        (50_000, 19, {"payee_new": True, "hour_unusual": True}, Level.NONE),
        (49_999, 39, {"payee_new": True, "hour_unusual": True}, Level.NONE),
    ],
)
def test_what_is_unlike_the_payer_asks_for_a_code_where_nothing_was_asked(
    shipped: Policy, amount_minor: int, risk: int, habits: dict[str, object], level: Level
) -> None:
    outcome = shipped.evaluate(payment(amount_minor, risk_score=risk, **{**USUAL, **habits}))
    assert outcome.level is level


@pytest.mark.parametrize(
    ("amount_minor", "risk", "level"),
    [
        (50_000, 20, Level.OTP),
        (50_000, 19, Level.NONE),
        (99_999, 0, Level.NONE),
        (49_999, 39, Level.NONE),
        (100_000, 39, Level.OTP),
        (1_999_999, 74, Level.OTP),
        (2_000_000, 39, Level.FACE),
    ],
)
def test_of_whom_nothing_is_known_is_asked_for_a_code_at_those_amounts_and_scores_and_otherwise_as_ever(
    shipped: Policy, amount_minor: int, risk: int, level: Level
) -> None:
    assert shipped.evaluate(payment(amount_minor, risk_score=risk)).level is level


def test_silence_about_the_risk_is_answered_like_the_highest_risk(shipped: Policy) -> None:
    silent, certain = payment(risk_score=None), payment(risk_score=100)

    assert shipped.evaluate(silent).level is shipped.evaluate(certain).level is Level.FACE


def test_probation_is_never_milder_than_trusted_and_one_step_stricter_below_the_top(shipped: Policy) -> None:
    for amount in (1, 99_999, 100_000, 1_999_999, 2_000_000):
        for risk in (0, 39, 40, 74, 75, 100):
            trusted = shipped.evaluate(payment(amount, risk_score=risk, **USUAL)).level
            young = payment(amount, risk_score=risk, novelty=Novelty.PROBATION, **USUAL)
            probation = shipped.evaluate(young).level
            assert probation.rank == min(trusted.rank + 1, Level.FACE_FINGERPRINT.rank), (amount, risk)


def test_who_wishes_to_be_asked_every_time_is_asked_every_time(shipped: Policy) -> None:
    outcome = shipped.evaluate(payment(1, verify_always=True, low_value_count=0, low_value_sum=0))

    assert outcome.level is Level.OTP
    assert outcome.fired == ("verify-every-time",)


def test_a_frozen_account_is_denied_whatever_it_pays(shipped: Policy) -> None:
    outcome = shipped.evaluate(payment(1, account_frozen=True))

    assert outcome.level is Level.DENY
    assert [reason.rule for reason in outcome.reasons] == ["account-frozen"]


def test_a_blocked_account_may_only_do_what_asks_for_nothing(shipped: Policy) -> None:
    free, asked = payment(account_blocked=True), payment(account_blocked=True, risk_score=45)

    assert shipped.evaluate(free).level is Level.NONE
    assert shipped.evaluate(asked).level is Level.DENY
    assert [reason.rule for reason in shipped.evaluate(asked).reasons] == ["account-blocked"]


def test_the_path_without_our_biometrics_ends_at_its_limit(shipped: Policy) -> None:
    within = payment(5_000_000, risk_score=75, device_synced=False)
    beyond = payment(5_000_001, risk_score=75, device_synced=False)

    assert (Factor.DEVICE_UV, Factor.OTP) in shipped.evaluate(within).sets
    assert shipped.evaluate(beyond).sets == ((Factor.FACE, Factor.DEVICE_UV),)


@pytest.mark.parametrize("synced", [True, None])
def test_a_passkey_that_may_be_a_copy_proves_nothing_above_its_cap(
    shipped: Policy, synced: bool | None
) -> None:
    within, beyond = payment(2_000_000, device_synced=synced), payment(2_000_001, device_synced=synced)

    assert (Factor.DEVICE_UV, Factor.OTP) in shipped.evaluate(within).sets
    assert shipped.evaluate(beyond).sets == (
        (Factor.FACE,),
        (Factor.FACE, Factor.OTP),
        (Factor.VOICE, Factor.OTP),
        (Factor.FACE, Factor.DEVICE_UV),
    )


def test_biometrics_are_judged_at_a_stated_rate(shipped: Policy) -> None:
    assert shipped.target_fmr(Modality.FACE) == "1 in 10000"
    assert shipped.target_fmr(Modality.VOICE) == "1 in 200"


@pytest.mark.parametrize("novelty", [Novelty.NEW, Novelty.UNKNOWN])
@pytest.mark.parametrize("amount_minor", [1, 499_999, 500_000, 10**9])
def test_from_a_phone_that_nobody_knows_no_capture_counts_without_something_held(
    shipped: Policy, novelty: Novelty, amount_minor: int
) -> None:
    outcome = shipped.evaluate(payment(amount_minor, novelty=novelty))
    held = {Factor.OTP, Factor.DEVICE_UV, Factor.DEVICE_KEY}
    assert outcome.sets
    assert all(held & set(factors) for factors in outcome.sets)
    # Whoever has only captures is asked no less: nothing is left to prove it with.
    assert outcome.usable_ways({Factor.FACE, Factor.VOICE}) == ()


def test_the_face_alone_still_proves_the_level_from_a_known_phone(shipped: Policy) -> None:
    for novelty in (Novelty.TRUSTED, Novelty.PROBATION):
        outcome = shipped.evaluate(payment(45_000, novelty=novelty, risk_score=60))
        assert outcome.level in (Level.OTP, Level.FACE)
        assert shipped.sets_for(Level.FACE, outcome.inputs)[0] == (Factor.FACE,)


def test_a_known_phone_and_an_ordinary_payment_ask_nothing(shipped: Policy) -> None:
    assert shipped.evaluate(payment(2_500)).level is Level.NONE


@pytest.mark.parametrize(
    ("amount_minor", "novelty", "risk", "sets"),
    [
        (99_999, Novelty.TRUSTED, 45, {(Factor.OTP,), (Factor.DEVICE_UV,)}),
        (100_000, Novelty.TRUSTED, 45, set()),
        (499_999, Novelty.PROBATION, 5, TWO_PROOFS),
        (500_000, Novelty.PROBATION, 5, set()),
        (99_999, Novelty.NEW, 5, set()),
    ],
)
def test_what_is_on_probation_counts_for_small_amounts_from_a_registered_phone(
    shipped: Policy, amount_minor: int, novelty: Novelty, risk: int, sets: set[tuple[Factor, ...]]
) -> None:
    outcome = shipped.evaluate(payment(amount_minor, novelty=novelty, risk_score=risk))
    assert set(sets_of(outcome.usable_ways((), tuple(Factor)))) == sets
