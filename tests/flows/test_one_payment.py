"""One payment, from the question to the consumed receipt."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from authsvc.device.novelty import StatedDevice
from authsvc.domain.decision import Passed
from authsvc.domain.once import Once
from authsvc.errors import (
    CaptureUnusable,
    ChallengeClosed,
    IdempotencyKeyReused,
    InvalidRequest,
    NotFound,
    ProofRequired,
    ReceiptConsumed,
    ReceiptMismatch,
    Unauthenticated,
)
from authsvc.factor import Factor, Submission
from authsvc.payment import Payee
from tests.support.service import Bench, Said, challenge_of, said

NEW_PHONE = StatedDevice("dev_new", "ds_whatever")


def test_a_small_payment_on_a_known_phone_asks_nothing(bench: Bench):
    phone = bench.enroll()
    decision = bench.decide(bench.payment(2_500), phone.device)
    assert (decision["status"], decision["level"]) == ("approved", "none")
    assert decision["device"] == {"novelty": "trusted"}
    assert decision["challenge"] is None
    assert decision["receipt"] is not None


def test_a_riskier_payment_asks_for_a_code_and_the_right_one_releases_it(bench: Bench):
    phone = bench.enroll()
    decision = bench.decide(bench.payment(30_000), phone.device, risk=45)
    assert (decision["status"], decision["level"]) == ("challenge_required", "otp")
    bench.answer_otp(decision, phone.code(bench.clock))
    assert bench.complete(decision).authenticated
    done = bench.again(decision)
    assert (done["status"], done["challenge"]) == ("authenticated", None)
    assert done["receipt"] is not None


def test_a_wrong_code_is_refused_and_counted(bench: Bench):
    phone = bench.enroll()
    decision = bench.decide(bench.payment(30_000), phone.device, risk=45)
    wrong = f"{(int(phone.code(bench.clock)) + 1) % 1_000_000:06d}"
    bench.answer_otp(decision, wrong)
    completed = bench.complete(decision)
    assert (completed.authenticated, completed.attempts_remaining) == (False, 2)
    bench.answer_otp(decision, phone.code(bench.clock))
    assert bench.complete(decision).authenticated


def test_a_code_is_good_once(bench: Bench):
    phone = bench.enroll()
    code = phone.code(bench.clock)
    first, second = (bench.decide(bench.payment(30_000), phone.device, risk=45) for _ in range(2))
    for decision in (first, second):
        bench.answer_otp(decision, code)
    assert bench.complete(first).authenticated
    assert not bench.complete(second).authenticated


def test_a_new_phone_asks_for_the_face_that_was_enrolled(bench: Bench):
    phone = bench.enroll(face="ann")
    decision = bench.decide(bench.payment(125_000), NEW_PHONE, risk=73)
    assert (decision["status"], decision["level"]) == ("challenge_required", "face")
    assert decision["reasons"][0] == {
        "rule": "new-device", "field": "device.novelty", "is": "new", "bound": "probation"
    }  # fmt: skip
    assert decision["challenge"]["sets"] == [["face", "otp"]]
    bench.answer_face(decision, "bob 1")
    bench.answer_otp(decision, phone.code(bench.clock))
    assert not bench.complete(decision).authenticated
    bench.clock.advance(timedelta(seconds=30))
    bench.answer_face(decision, "ann 9")
    with pytest.raises(InvalidRequest, match="evidence is missing"):
        bench.complete(decision)
    bench.answer_otp(decision, phone.code(bench.clock))
    assert bench.complete(decision).authenticated


def test_whoever_has_nothing_but_a_face_gets_no_further_from_a_new_phone(bench: Bench):
    bench.enroll(otp=False)
    decision = bench.decide(bench.payment(125_000), NEW_PHONE, risk=73)
    assert (decision["status"], decision["level"]) == ("not_possible", "face")
    assert decision["missing"] == ["device_uv", "otp", "voice"]
    shut = {"rule": "face:face", "field": "device.novelty", "is": "new", "bound": "probation"}
    assert shut in decision["reasons"]


def test_a_picture_that_cannot_be_judged_costs_no_attempt(bench: Bench):
    phone = bench.enroll()
    decision = bench.decide(bench.payment(), phone.device, risk=75)
    opened = challenge_of(decision)
    begun = bench.services.challenges.begin_step(*opened, Factor.FACE)
    nonce = {"nonce": begun["nonce"]}
    with pytest.raises(CaptureUnusable) as refused:
        bench.services.challenges.take_step(*opened, Factor.FACE, Submission(nonce, {"frame": (b"dark",)}))
    assert str(refused.value.extra["hints"]).count("'code': 'too_dark'") == 1
    # The same ceremony goes on: unusable evidence uses nothing up.
    bench.services.challenges.take_step(*opened, Factor.FACE, Submission(nonce, {"frame": (b"ann 5",)}))
    assert bench.services.challenges.find(*opened)["attempts_remaining"] == 3
    assert bench.complete(decision).authenticated


def test_a_nonce_is_good_for_one_capture_and_two_minutes(bench: Bench):
    bench.enroll()
    decision = bench.decide(bench.payment(125_000), NEW_PHONE)
    opened = challenge_of(decision)
    begun = bench.services.challenges.begin_step(*opened, Factor.FACE)
    submission = Submission({"nonce": begun["nonce"]}, {"frame": (b"ann 5",)})
    bench.services.challenges.take_step(*opened, Factor.FACE, submission)
    with pytest.raises(InvalidRequest, match="begin again"):
        bench.services.challenges.take_step(*opened, Factor.FACE, submission)
    late = bench.services.challenges.begin_step(*opened, Factor.FACE)
    bench.clock.advance(timedelta(seconds=121))
    with pytest.raises(InvalidRequest, match="begin"):
        bench.services.challenges.take_step(
            *opened, Factor.FACE, Submission({"nonce": late["nonce"]}, {"frame": (b"ann 5",)})
        )


def test_nothing_is_judged_before_every_factor_of_a_set_has_come(bench: Bench):
    phone = bench.enroll()
    decision = bench.decide(bench.payment(30_000), phone.device, risk=45)
    with pytest.raises(InvalidRequest, match="evidence is missing"):
        bench.complete(decision)
    assert bench.services.challenges.find(*challenge_of(decision))["attempts_remaining"] == 3


def test_the_receipt_is_good_for_this_payment_once(bench: Bench):
    phone = bench.enroll()
    payment = bench.payment(2_500)
    receipt = str(bench.decide(payment, phone.device)["receipt"])
    other = replace(payment, amount_minor=2_501)
    with pytest.raises(ReceiptMismatch):
        bench.services.receipts.consume(bench.key, bench.once(), receipt, other)
    assert bench.services.receipts.verify(bench.key, receipt, payment)["valid"] is True
    assert "consumed_at" in said(bench.services.receipts.consume(bench.key, bench.once(), receipt, payment))
    with pytest.raises(ReceiptConsumed):
        bench.services.receipts.consume(bench.key, bench.once(), receipt, payment)
    assert bench.services.receipts.verify(bench.key, receipt, payment)["valid"] is False


def test_what_was_consumed_is_decided_anew_and_says_so(bench: Bench):
    phone = bench.enroll()
    payment, other = bench.payment(30_000), bench.payment(30_000)

    def asked() -> Said:
        return bench.decide(payment, phone.device, risk=45)

    first = asked()
    bench.answer_otp(first, phone.code(bench.clock))
    assert bench.complete(first).authenticated
    receipt = str(bench.again(first)["receipt"])
    assert bench.services.receipts.verify(bench.key, receipt, payment)["valid"]
    said(bench.services.receipts.consume(bench.key, bench.once(), receipt, payment))
    again = asked()
    assert again["id"] != first["id"]
    assert (again["status"], again["level"]) == ("challenge_required", "otp"), "nothing less is asked"
    told = {"rule": "consumed-before", "field": "transaction.id", "is": "consumed", "bound": "new"}
    assert again["reasons"] == [*first["reasons"], told]
    bench.services.decisions.cancel(bench.key, str(again["id"]))
    stranger = bench.decide(replace(payment, subject=replace(payment.subject, user="u_9")))
    assert told in stranger["reasons"], "also where somebody without an account is named"
    assert told not in bench.decide(other, phone.device, risk=45)["reasons"]


def test_a_receipt_ends_after_two_minutes(bench: Bench):
    phone = bench.enroll()
    payment = bench.payment(2_500)
    receipt = str(bench.decide(payment, phone.device)["receipt"])
    bench.clock.advance(timedelta(seconds=121))
    with pytest.raises(ReceiptMismatch, match="expired"):
        bench.services.receipts.consume(bench.key, bench.once(), receipt, payment)


def test_another_clients_receipt_and_decision_are_not_found(bench: Bench):
    phone = bench.enroll()
    payment = bench.payment(2_500)
    decision = bench.decide(payment, phone.device)
    stranger = bench.new_key("another-shop")
    with pytest.raises(NotFound):
        bench.services.decisions.find(stranger, str(decision["id"]))
    with pytest.raises(ReceiptMismatch):
        bench.services.receipts.consume(stranger, bench.once(), str(decision["receipt"]), payment)


def test_the_same_request_is_answered_from_the_first(bench: Bench):
    phone = bench.enroll()
    payment, once = bench.payment(2_500), bench.once(b"body")
    first = bench.ask(payment, phone.device, once=once)
    again = bench.ask(payment, phone.device, once=once)
    assert (again.body, again.replayed) == (first.body, True)
    with pytest.raises(IdempotencyKeyReused):
        bench.ask(payment, phone.device, once=Once(once.key, b"another body"))


def test_a_stored_answer_is_kept_for_a_day(bench: Bench):
    phone = bench.enroll()
    once = bench.once(b"body")
    first = bench.ask(bench.payment(2_500), phone.device, once=once)
    bench.clock.advance(timedelta(hours=24, seconds=1))
    assert bench.ask(bench.payment(2_500), phone.device, once=once).body != first.body


def test_the_same_payment_asked_about_again_is_the_same_decision(bench: Bench):
    phone = bench.enroll()
    payment = bench.payment(30_000)
    first = bench.ask(payment, phone.device, risk=45)
    again = bench.ask(payment, phone.device, risk=45)
    assert said(first)["id"] == said(again)["id"]
    assert (first.created, again.created) == (True, False), "also within one millisecond"


def test_more_risk_on_the_second_asking_never_gets_the_first_answer(bench: Bench):
    phone = bench.enroll()
    payment = bench.payment(2_500)
    first = bench.decide(payment, phone.device, risk=5)
    second = bench.decide(payment, phone.device, risk=100)
    assert first["status"] == "approved"
    assert second["status"] == "challenge_required"
    with pytest.raises(ReceiptMismatch):
        bench.services.receipts.consume(bench.key, bench.once(), str(first["receipt"]), payment)


def test_another_amount_under_the_same_transaction_cancels_the_old_challenge(bench: Bench):
    phone = bench.enroll()
    first = bench.decide(bench.payment(30_000, "pay_x"), phone.device, risk=45)
    refused = bench.ask(bench.payment(30_001, "pay_x"), phone.device, risk=45)
    assert refused.problem is not None
    assert refused.problem["slug"] == "transaction-changed"
    assert bench.again(first)["status"] == "cancelled"
    assert (
        bench.decide(bench.payment(30_001, "pay_x"), phone.device, risk=45)["status"] == "challenge_required"
    )


def test_another_payee_under_the_same_transaction_is_another_payment(bench: Bench):
    phone = bench.enroll()
    bench.decide(bench.payment(30_000, "pay_x"), phone.device, risk=45)
    other = bench.payment(30_000, "pay_x", payee=Payee("shop_1", "友谊商场"))
    assert bench.ask(other, phone.device, risk=45).problem is not None


def test_a_factor_that_is_not_enrolled_never_lowers_the_level(bench: Bench):
    bench.enroll(otp=True, face=None)
    decision = bench.decide(bench.payment(125_000), NEW_PHONE, risk=73)
    assert (decision["status"], decision["level"]) == ("not_possible", "face")
    assert "face" in decision["missing"]
    assert "otp" not in decision["missing"]


def test_an_unknown_user_cannot_be_let_through(bench: Bench):
    decision = bench.decide(bench.payment(100, user="nobody"), StatedDevice(), risk=0)
    assert decision["status"] == "not_possible"


def test_a_device_id_without_its_secret_is_a_new_device(bench: Bench):
    phone = bench.enroll()
    guessed = StatedDevice(phone.device.id, "ds_guessed")
    assert bench.decide(bench.payment(2_500), guessed)["device"] == {"novelty": "new"}


def test_switching_offers_only_what_was_offered(bench: Bench):
    phone = bench.enroll()
    decision = bench.decide(bench.payment(30_000), phone.device, risk=45)
    with pytest.raises(InvalidRequest, match="not offered"):
        bench.services.challenges.switch(*challenge_of(decision), [Factor.FACE])
    assert bench.services.challenges.switch(*challenge_of(decision), [Factor.OTP])["chosen"] == ["otp"]


def test_the_quickest_way_comes_first_and_the_payer_reads_what_the_backend_wants_told(bench: Bench):
    phone = bench.enroll()
    passed = Passed(merchant_name="友谊商店", show_why=True)
    asked = bench.decide_passing(bench.payment(30_000), phone.device, 45, passed)
    shown: Said = bench.services.challenges.find(*challenge_of(asked))
    assert (shown["merchant_name"], shown["why"]) == ("友谊商店", ["unusual"])
    assert "merchant_name" not in asked
    issued = said(bench.services.decisions.issue_code(bench.key, bench.once(), str(asked["id"]), None))
    assert str(issued["text"]).startswith("【友谊商店】您正在付款 ¥300.00，")
    bench.services.challenges.decline(*challenge_of(asked), "cancel")
    assert bench.services.challenges.find(*challenge_of(asked))["declined"] == "cancel"


def test_not_me_declines_freezes_the_device_and_tells_the_backend(bench: Bench):
    phone = bench.enroll()
    decision = bench.decide(bench.payment(30_000), phone.device, risk=45)
    bench.services.challenges.decline(*challenge_of(decision), "not_me")
    assert bench.again(decision)["status"] == "declined_by_user"
    tags = [event["type"] for event in bench.events()]
    assert tags[-3:] == ["subject:device:frozen", "attack:suspected", "decision:challenge:declined"]
    assert bench.decide(bench.payment(2_500), phone.device)["status"] == "denied"


def test_an_expired_challenge_is_over(bench: Bench):
    phone = bench.enroll()
    decision = bench.decide(bench.payment(30_000), phone.device, risk=45)
    bench.answer_otp(decision, phone.code(bench.clock))
    bench.clock.advance(timedelta(minutes=5))
    with pytest.raises(ChallengeClosed):
        bench.complete(decision)
    assert bench.again(decision)["status"] == "expired"
    bench.services.housekeeping.sweep()
    assert bench.again(decision)["status"] == "expired"


def test_a_cancelled_challenge_cannot_be_answered(bench: Bench):
    phone = bench.enroll()
    decision = bench.decide(bench.payment(30_000), phone.device, risk=45)
    bench.services.decisions.cancel(bench.key, str(decision["id"]))
    with pytest.raises(ChallengeClosed):
        bench.services.challenges.begin_step(*challenge_of(decision), Factor.OTP)


def test_a_token_opens_its_own_challenge_only(bench: Bench):
    phone = bench.enroll()
    first, second = (bench.decide(bench.payment(30_000), phone.device, risk=45) for _ in range(2))
    with pytest.raises(Unauthenticated):
        bench.services.challenges.find(challenge_of(first)[0], challenge_of(second)[1])
    with pytest.raises(Unauthenticated):
        bench.services.challenges.find("chl_unknown", challenge_of(second)[1])


def test_the_evidence_of_a_decision_can_be_checked_by_others(bench: Bench):
    from authsvc.audit.witness import verify_bundle

    phone = bench.enroll()
    decision = bench.decide(bench.payment(30_000), phone.device, risk=45)
    bench.answer_otp(decision, phone.code(bench.clock))
    bench.complete(decision)
    bundle = bench.services.records.evidence(bench.key, str(decision["id"]))
    witness = verify_bundle(
        json.dumps(bundle, ensure_ascii=False).encode(), bench.wired.store.ring.audit_public_keys()
    )
    assert witness.faults == ()
    assert len(witness.timeline) == 2


def test_a_second_enrollment_needs_a_proof(bench: Bench):
    phone = bench.enroll()
    with pytest.raises(ProofRequired):
        bench.enroll()
    decision = bench.decide(bench.payment(0, type="enrollment"), phone.device)
    assert (decision["status"], decision["level"]) == ("challenge_required", "face")
    bench.answer_face(decision, "ann 7")
    assert bench.complete(decision).authenticated
    receipt = str(bench.again(decision)["receipt"])
    bench.enroll(proof=receipt, face="ann")
    with pytest.raises(ProofRequired):
        bench.enroll(proof=receipt)


def test_the_audit_log_of_a_whole_story_is_sound(bench: Bench):
    phone = bench.enroll()
    for amount in (2_500, 30_000, 700_000):
        bench.decide(bench.payment(amount), phone.device, risk=45)
    bench.wired.store.audit.take_checkpoint()
    report = bench.wired.store.audit.verify()
    assert report.is_sound, report.findings
    assert report.links >= 5
