"""Decisions and challenges as values: which step may follow which."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from authsvc.domain.challenge import Challenge
from authsvc.domain.decision import TRANSITIONS, Decision, Passed, PolicyRef, ReceiptRef, Status
from authsvc.errors import ChallengeClosed, InvalidRequest
from authsvc.factor import Factor
from authsvc.payment import Binding, Payee, Payment
from authsvc.subject import Subject

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
SETS = ((Factor.FACE,), (Factor.DEVICE_UV, Factor.OTP))


def decision(status: Status = Status.CHALLENGE_REQUIRED) -> Decision:
    payment = Payment("pay_1", "transfer", 100, "CNY", Payee("p", "n"), Subject("shop", "u_1"))
    return Decision(
        id="dec_a",
        status=status,
        level="face",
        payment=payment,
        binding=Binding.of(payment),
        inputs={},
        reasons=(),
        fired=(),
        policy=PolicyRef("default", 1, "sha256:0"),
        novelty="new",
        created_at=NOON,
        expires_at=NOON + timedelta(minutes=5),
        challenge=Challenge.asking("chl_a", SETS),
    )


@pytest.mark.parametrize("status", list(Status))
@pytest.mark.parametrize("following", list(Status))
def test_only_the_table_s_steps_are_taken(status: Status, following: Status):
    if following in TRANSITIONS.get(status, ()):
        assert decision(status).become(following).status is following
    else:
        with pytest.raises(ChallengeClosed):
            decision(status).become(following)


def test_an_open_challenge_expires_by_itself():
    assert decision().as_of(NOON + timedelta(minutes=4)).status is Status.CHALLENGE_REQUIRED
    assert decision().as_of(NOON + timedelta(minutes=5)).status is Status.EXPIRED
    assert decision(Status.FAILED).as_of(NOON + timedelta(days=1)).status is Status.FAILED


def test_a_released_decision_is_open_until_its_receipt_is_used():
    receipt = ReceiptRef("jws", "jti", NOON + timedelta(minutes=2))
    released = replace(decision(Status.APPROVED), receipt=receipt)
    assert released.is_open
    assert not replace(released, receipt=replace(receipt, consumed_at=NOON)).is_open
    assert not decision(Status.DENIED).is_open


def test_a_challenge_without_anything_to_prove_cannot_be_made():
    for sets in ((), ((),), (SETS[0], ())):
        with pytest.raises(ValueError, match="at least one"):
            Challenge.asking("chl_a", sets)


def test_a_set_is_proven_whole_or_not_at_all():
    challenge = Challenge.asking("chl_a", SETS)
    assert challenge.proven_by([]) is None
    assert challenge.proven_by([Factor.OTP]) is None
    assert challenge.proven_by([Factor.OTP, Factor.DEVICE_UV]) == SETS[1]
    assert challenge.proven_by([Factor.OTP, Factor.FACE, Factor.DEVICE_UV]) == SETS[0]
    switched = challenge.switched([Factor.OTP, Factor.DEVICE_UV])
    assert switched.proven_by([Factor.OTP, Factor.FACE, Factor.DEVICE_UV]) == SETS[1]


def test_a_challenge_cannot_be_switched_to_less():
    with pytest.raises(InvalidRequest):
        Challenge.asking("chl_a", SETS).switched([Factor.OTP])


def test_attempts_run_out():
    challenge = Challenge.asking("chl_a", SETS)
    for left in (2, 1, 0):
        challenge = challenge.charged()
        assert challenge.attempts_remaining == left
    with pytest.raises(ChallengeClosed):
        challenge.charged()


def test_what_was_passed_comes_back_but_for_the_page_s_own() -> None:
    assert Passed(return_url="https://shop.example/").returned() == {}
    assert Passed("https://shop.example/", "友谊商店", True, "masked").returned() == {}
    assert Passed(return_url="https://shop.example/").to_json() == {"return_url": "https://shop.example/"}
