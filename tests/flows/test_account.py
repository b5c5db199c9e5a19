"""Freezing, locking, exempting, forgetting: what happens to a user as a whole."""

from datetime import timedelta

import pytest

from authsvc.device.novelty import StatedDevice
from authsvc.errors import (
    CaptureUnusable,
    ChallengeClosed,
    InvalidRequest,
    Locked,
    NotFound,
    ProofRequired,
    RateLimited,
)
from authsvc.factor import Factor, Submission
from authsvc.otp import ISSUED_TIMES
from authsvc.services.enrollments import TicketWanted
from authsvc.stepup.ceremony import CAPTURES_AN_HOUR, STEPS_PER_CHALLENGE
from tests.support.service import Bench, Phone, Said, challenge_of, said

NEW_PHONE = StatedDevice("dev_new", "ds_whatever")


def ask_for_code(bench: Bench, phone: Phone) -> Said:
    return bench.decide(bench.payment(30_000), phone.device, risk=45)


def fail(bench: Bench, decision: Said, times: int) -> None:
    for _ in range(times):
        bench.answer_otp(decision, "000000")
        assert not bench.complete(decision).authenticated


def test_a_frozen_user_is_denied_everything_at_once(bench: Bench):
    phone = bench.enroll()
    waiting = ask_for_code(bench, phone)
    bench.services.users.freeze(bench.key, "u_1", "stolen")
    decision = bench.decide(bench.payment(100), phone.device, risk=0)
    assert (decision["status"], decision["level"]) == ("denied", "deny")
    assert decision["reasons"][0]["rule"] == "account-frozen"
    # The open challenge was asked before the freeze; it is judged after it.
    bench.answer_otp(waiting, phone.code(bench.clock))
    assert not bench.complete(waiting).authenticated
    assert bench.again(waiting)["status"] == "denied"


def test_an_unfreeze_needs_a_proof_or_two_operators(bench: Bench):
    phone = bench.enroll()
    bench.services.users.freeze(bench.key, "u_1", "stolen")
    with pytest.raises(ProofRequired):
        bench.services.users.unfreeze(bench.key, "u_1", None, ["alice", "Alice "])
    bench.services.users.unfreeze(bench.key, "u_1", None, ["alice", "bob"])
    assert bench.decide(bench.payment(100), phone.device)["status"] == "approved"


def test_a_frozen_user_unfreezes_with_a_receipt_at_their_highest_level(bench: Bench):
    phone = bench.enroll()
    bench.services.users.freeze(bench.key, "u_1", "lost and found")
    asked = bench.decide(bench.payment(0, type="unfreeze"), phone.device, risk=0)
    assert (asked["status"], asked["level"]) == ("challenge_required", "face")
    bench.answer_face(asked, "ann 8")
    assert bench.complete(asked).authenticated
    receipt = str(bench.again(asked)["receipt"])
    bench.services.users.unfreeze(bench.key, "u_1", receipt, [])
    assert bench.services.users.status(bench.key, "u_1")["status"] == "active"


def test_five_wrong_codes_block_the_user_for_half_an_hour(bench: Bench):
    phone = bench.enroll()
    first = ask_for_code(bench, phone)
    fail(bench, first, 3)
    assert bench.again(first)["status"] == "failed"
    with pytest.raises(ChallengeClosed):
        bench.answer_otp(first, phone.code(bench.clock))
    second = ask_for_code(bench, phone)
    fail(bench, second, 2)
    # Blocked now: the right code gets the answer of a wrong one.
    bench.answer_otp(second, phone.code(bench.clock))
    completed = bench.complete(second)
    assert (completed.authenticated, completed.attempts_remaining) == (False, 0)
    assert ask_for_code(bench, phone)["status"] == "denied"
    assert "subject:locked" in [event["type"] for event in bench.events()]
    bench.clock.advance(timedelta(minutes=30))
    third = ask_for_code(bench, phone)
    bench.answer_otp(third, phone.code(bench.clock))
    assert bench.complete(third).authenticated


def test_three_wrong_faces_demand_another_factor(bench: Bench):
    phone = bench.enroll()
    decision = bench.decide(bench.payment(), phone.device, risk=75)
    for _ in range(3):
        bench.answer_face(decision, "bob 1")
        bench.complete(decision)
    asked = bench.decide(bench.payment(), phone.device, risk=75)
    assert asked["status"] == "not_possible"
    assert "face" in asked["missing"]


def test_a_success_forgets_the_row_of_failures(bench: Bench):
    phone = bench.enroll()
    for _ in range(3):
        decision = ask_for_code(bench, phone)
        fail(bench, decision, 2)
        bench.answer_otp(decision, phone.code(bench.clock))
        assert bench.complete(decision).authenticated
        bench.clock.advance(timedelta(seconds=30))


def test_low_payments_are_spared_five_times_in_a_row_and_no_more(bench: Bench):
    phone = bench.enroll()
    statuses = [bench.decide(bench.payment(20_000), phone.device, risk=45)["status"] for _ in range(6)]
    spared = statuses.count("exempted")
    assert statuses == ["exempted"] * spared + ["challenge_required"] * (6 - spared)
    assert 1 <= spared <= 5
    last = bench.decide(bench.payment(20_000), phone.device, risk=45)
    bench.answer_otp(last, phone.code(bench.clock))
    assert bench.complete(last).authenticated
    assert bench.decide(bench.payment(20_000), phone.device, risk=45)["status"] == "exempted"


def test_who_wants_to_be_asked_every_time_is(bench: Bench):
    phone = bench.enroll()
    bench.services.users.set_status(bench.key, "u_1", verify_always=True)
    assert bench.decide(bench.payment(100), phone.device, risk=0)["status"] == "challenge_required"


def test_a_withdrawn_face_is_gone_on_the_next_request(bench: Bench):
    phone = bench.enroll()
    decision = bench.decide(bench.payment(), phone.device, risk=75)
    bench.answer_face(decision, "ann 9")
    bench.services.users.withdraw_biometric(bench.key, "u_1", "face")
    assert not bench.complete(decision).authenticated
    assert bench.decide(bench.payment(125_000), risk=20)["status"] == "not_possible"
    consents = bench.services.users.export(bench.key, "u_1")["consents"]
    assert str(consents).count("'withdrawn_at': '2026") == 1


def test_an_erased_user_is_gone_and_may_enrol_anew(bench: Bench):
    bench.enroll()
    receipt = bench.services.users.erase(bench.key, "u_1")
    assert "audit" in receipt
    for ask in (bench.services.users.status, bench.services.users.devices, bench.services.users.export):
        with pytest.raises(NotFound):
            ask(bench.key, "u_1")
    assert bench.decide(bench.payment(100), risk=0)["status"] == "not_possible"
    phone = bench.enroll(face="eve")
    # Whoever was known before is no new one, and waits.
    assert bench.decide(bench.payment(100), phone.device)["device"] == {"novelty": "probation"}
    bench.clock.advance(bench.settings.probation)
    assert bench.decide(bench.payment(100), phone.device)["status"] == "approved"


def test_a_second_device_waits_out_its_probation(bench: Bench):
    first = bench.enroll()
    asked = bench.decide(bench.payment(0, type="enrollment"), first.device)
    bench.answer_face(asked, "ann 6")
    bench.complete(asked)
    second = bench.enroll(face=None, otp=False, proof=str(bench.again(asked)["receipt"]))
    assert bench.decide(bench.payment(2_500), second.device)["device"] == {"novelty": "probation"}
    bench.clock.advance(bench.settings.probation)
    assert bench.decide(bench.payment(2_500), second.device)["device"] == {"novelty": "trusted"}


def test_a_revoked_device_is_denied_and_stays_so(bench: Bench):
    phone = bench.enroll()
    bench.services.users.revoke_device(bench.key, "u_1", str(phone.device.id))
    decision = bench.decide(bench.payment(100), phone.device, risk=0)
    assert (decision["status"], decision["device"]) == ("denied", {"novelty": "revoked"})
    with pytest.raises(InvalidRequest):
        bench.services.users.rename_device(bench.key, "u_1", str(phone.device.id), "again")


def issue(bench: Bench, decision: Said, locale: str = "zh-CN") -> Said:
    return said(bench.services.decisions.issue_code(bench.key, bench.once(), str(decision["id"]), locale))


def test_an_issued_code_says_what_it_is_for_and_releases_that_payment(bench: Bench):
    phone = bench.enroll()
    decision = ask_for_code(bench, phone)
    issued = issue(bench, decision)
    assert len(issued["code"]) == 8
    assert "友谊商店" in issued["text"]
    assert "300.00" in issued["text"]
    assert issued["code"] in issued["text"]
    bench.answer_otp(decision, issued["code"])
    assert bench.complete(decision).authenticated


def test_an_issued_code_for_another_payment_is_void(bench: Bench):
    phone = bench.enroll()
    first, second = ask_for_code(bench, phone), ask_for_code(bench, phone)
    codes = [issue(bench, decision)["code"] for decision in (first, second)]
    assert codes[0] != codes[1]
    bench.answer_otp(first, codes[1])
    assert not bench.complete(first).authenticated


def test_a_code_issued_again_is_another_one_within_the_same_moment_too(bench: Bench):
    phone = bench.enroll()
    decision = ask_for_code(bench, phone)
    first, second = issue(bench, decision)["code"], issue(bench, decision)["code"]
    assert first != second
    bench.answer_otp(decision, first)
    assert not bench.complete(decision).authenticated
    bench.answer_otp(decision, second)
    assert bench.complete(decision).authenticated


def test_an_issued_code_ends_after_two_minutes(bench: Bench):
    phone = bench.enroll()
    decision = ask_for_code(bench, phone)
    code = issue(bench, decision, "en")["code"]
    bench.clock.advance(timedelta(seconds=120))
    bench.answer_otp(decision, code)
    assert not bench.complete(decision).authenticated


def test_no_code_is_issued_to_a_blocked_user(bench: Bench):
    phone = bench.enroll()
    first, second = ask_for_code(bench, phone), ask_for_code(bench, phone)
    third = ask_for_code(bench, phone)
    fail(bench, first, 3)
    fail(bench, second, 2)
    with pytest.raises(Locked):
        issue(bench, third)


def test_a_payment_has_five_codes_and_no_more(bench: Bench):
    phone = bench.enroll()
    decision = ask_for_code(bench, phone)
    codes = [issue(bench, decision)["code"] for _ in range(ISSUED_TIMES)]
    with pytest.raises(RateLimited):
        issue(bench, decision)
    bench.answer_otp(decision, codes[-1])
    assert bench.complete(decision).authenticated


def test_steps_are_limited(bench: Bench):
    phone = bench.enroll()
    decision = ask_for_code(bench, phone)
    for _ in range(STEPS_PER_CHALLENGE):
        bench.services.challenges.begin_step(*challenge_of(decision), Factor.OTP)
    with pytest.raises(RateLimited):
        bench.services.challenges.begin_step(*challenge_of(decision), Factor.OTP)


def test_unusable_captures_cost_no_attempt_and_are_limited_over_all_challenges_of_a_person(bench: Bench):
    bench.enroll(face="ann")
    bob = bench.enroll("u_2", face="bob")
    a_challenge = 20
    for _ in range(CAPTURES_AN_HOUR // a_challenge):
        decision = bench.decide(bench.payment(125_000), NEW_PHONE, risk=73)
        begun = bench.services.challenges.begin_step(*challenge_of(decision), Factor.FACE)
        dark = Submission({"nonce": begun["nonce"]}, {"frame": (b"dark",)})
        for _ in range(a_challenge):
            with pytest.raises(CaptureUnusable):
                bench.services.challenges.take_step(*challenge_of(decision), Factor.FACE, dark)
        assert bench.again(decision)["challenge"]["attempts_remaining"] == 3
    last = bench.decide(bench.payment(125_000), NEW_PHONE, risk=73)
    with pytest.raises(RateLimited):
        bench.answer_face(last, "ann 9")
    other = bench.decide(bench.payment(125_000, user="u_2"), NEW_PHONE, risk=73)
    bench.answer_face(other, "bob 9")
    bench.answer_otp(other, bob.code(bench.clock))
    assert bench.complete(other).authenticated


def test_no_frame_is_taken_before_consent(bench: Bench):
    ticket = said(bench.services.enrollments.create(bench.key, bench.once(), TicketWanted("u_9", "zh-CN")))
    with pytest.raises(InvalidRequest, match="consent"):
        bench.services.enrollments.begin_step(str(ticket["id"]), str(ticket["token"]), "face", {})


def test_a_child_needs_a_guardian(bench: Bench):
    ticket = said(bench.services.enrollments.create(bench.key, bench.once(), TicketWanted("u_9", "zh-CN")))
    opened = (str(ticket["id"]), str(ticket["token"]))
    bench.services.enrollments.begin_step(*opened, "consent", {})
    child = {"modalities": ["face"], "under_14": True}
    with pytest.raises(InvalidRequest, match="guardian"):
        bench.services.enrollments.take_step(*opened, "consent", Submission(child))
    bench.services.enrollments.take_step(*opened, "consent", Submission({**child, "guardian": "妈妈"}))


def test_the_keys_of_all_users_are_wrapped_again_without_downtime(bench: Bench):
    from authsvc.cli.operate import _rewrap
    from authsvc.keys.keyring import Purpose

    phone = bench.enroll()
    store = bench.wired.store
    store.ring.rotate(Purpose.SEALING)
    assert _rewrap(store) == 1
    assert _rewrap(store) == 0
    decision = ask_for_code(bench, phone)
    bench.answer_otp(decision, phone.code(bench.clock))
    assert bench.complete(decision).authenticated
