"""The device factors in their steps: what a payer is shown, what is kept, and what becomes of it."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from authsvc.device.refusal import Refusal
from authsvc.errors import InvalidRequest
from authsvc.factor import Factor, Received, Submission
from authsvc.payment import Payee
from tests.device.assertion_cases import CASES, AssertionCase, answer_to, phone_for
from tests.device.scene import ALICE, BOB, NOW, ORIGIN, PAYMENT, Scene, step
from tests.device.writings import WRITINGS, rewritten
from tests.support.authenticator import BE, BS, UP, UV, Authenticator, b64, unb64

STEP = step()


def refusal_of(case: AssertionCase) -> str | None:
    """The code with which a case is refused; None when it is accepted."""
    phone = phone_for(case, ORIGIN)
    scene = Scene(phone=phone)
    kept, shown = scene.begin(STEP)
    received = scene.receive(STEP, kept, answer_to(case, phone, shown["publicKey"]))
    verification = scene.verifier.settle(scene.tx, STEP, received.kept, NOW)
    assert verification.passed is (verification.reason == "assertion accepted")
    return None if verification.passed else verification.reason


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_spoiled_assertion_is_refused_for_its_own_reason(case: AssertionCase) -> None:
    assert refusal_of(case) == case.code


def test_there_are_enough_cases_and_each_has_a_name_of_its_own() -> None:
    assert len({case.name for case in CASES}) == len(CASES) >= 40


def prove(scene: Scene, phone: Authenticator | None = None, **changes: Any) -> Received:
    """An honest answer to a fresh step, with changes before it is signed."""
    kept, shown = scene.begin(STEP)
    request = (phone or scene.phone).get(shown["publicKey"])
    for name, value in changes.items():
        setattr(request, name, value)
    return scene.receive(STEP, kept, request.to_json())


def settle(scene: Scene, received: Received) -> Any:
    return scene.verifier.settle(scene.tx, STEP, received.kept, NOW + timedelta(seconds=2))


# -- What passes -------------------------------------------------------------------------------------------------------


def test_an_honest_assertion_passes_and_says_what_it_was() -> None:
    scene = Scene()
    verification = settle(scene, prove(scene))
    assert verification.passed
    assert verification.factor is Factor.DEVICE_UV
    evidence = verification.evidence
    assert evidence["user_verified"]
    assert evidence["bound_to_payment"]
    assert not evidence["shown_by_browser"]
    assert (evidence["device"], evidence["sign_count"]) == ("dev_1", 2)
    assert evidence["attachment_unsigned"] == "platform"
    assert scene.record.sign_count == 2


@pytest.mark.parametrize(
    "handle", [{}, {"userHandle": None}, {"userHandle": ""}], ids=["absent", "null", "empty"]
)
def test_an_assertion_without_a_user_handle_passes(handle: dict[str, Any]) -> None:
    """Browsers have three ways to say that there is none."""
    scene = Scene()
    kept, shown = scene.begin(STEP)
    answer = scene.phone.get(shown["publicKey"]).to_json()
    del answer["response"]["userHandle"]
    answer["response"].update(handle)
    assert settle(scene, scene.receive(STEP, kept, answer)).passed


@pytest.mark.parametrize("write", WRITINGS.values(), ids=WRITINGS)
def test_an_assertion_passes_however_a_script_writes_its_bytes(write: Callable[[str], str]) -> None:
    phone = Authenticator(ORIGIN, credential_id=b"\xfb\xff\xbe" * 7 + b"\xff")
    scene = Scene(phone=phone)
    kept, shown = scene.begin(STEP)
    answer = rewritten(phone.get(shown["publicKey"]).to_json(), write)
    assert settle(scene, scene.receive(STEP, kept, answer)).passed


def test_a_byte_order_mark_in_front_of_the_client_data_is_no_part_of_it() -> None:
    scene = Scene()
    kept, shown = scene.begin(STEP)
    answer = scene.phone.get(shown["publicKey"])
    answer.raw_client_data = b"\xef\xbb\xbf" + json.dumps(answer.client_data).encode()
    assert settle(scene, scene.receive(STEP, kept, answer.to_json())).passed


def test_a_key_without_a_counter_passes_again_and_again() -> None:
    scene = Scene(phone=Authenticator(ORIGIN, counts=False))
    assert settle(scene, prove(scene)).passed
    assert settle(scene, prove(scene)).passed


def test_a_count_may_jump_ahead_and_the_new_value_is_kept() -> None:
    scene = Scene()
    assert settle(scene, prove(scene, count=2**32 - 1)).passed
    assert scene.record.sign_count == 2**32 - 1


def test_a_synced_key_tells_when_it_was_backed_up() -> None:
    scene = Scene(phone=Authenticator(ORIGIN, flags=BE))
    scene.phone.flags = BE | BS
    verification = settle(scene, prove(scene))
    assert verification.passed
    assert verification.evidence["backed_up"]
    assert scene.record.backed_up


def test_a_device_key_needs_no_verified_user_and_says_so() -> None:
    scene = Scene(Factor.DEVICE_KEY)
    _, shown = scene.begin(STEP)
    assert shown["publicKey"]["userVerification"] == "discouraged"
    verification = settle(scene, prove(scene, flags=UP))
    assert verification.passed
    assert not verification.evidence["user_verified"]


# -- What the payer is shown -------------------------------------------------------------------------------------------


def test_the_options_name_the_keys_in_use_and_ask_for_a_verified_user() -> None:
    scene = Scene()
    _, shown = scene.begin(STEP)
    options = shown["publicKey"]
    assert options["rpId"] == "pay.example"
    assert options["userVerification"] == "required"
    assert [each["id"] for each in options["allowCredentials"]] == [scene.record.id]
    assert len(unb64(options["challenge"])) == 32


def test_two_steps_never_share_a_challenge() -> None:
    scene = Scene()
    challenges = {scene.begin(STEP)[1]["publicKey"]["challenge"] for _ in range(50)}
    assert len(challenges) == 50


def test_a_user_without_keys_looks_like_one_with_a_key_and_always_the_same() -> None:
    scene = Scene()
    stranger = step(replace(PAYMENT, subject=BOB))
    (_, first), (_, second), (_, known) = (scene.begin(each) for each in (stranger, stranger, STEP))
    assert first["publicKey"].keys() == known["publicKey"].keys()
    (decoy,) = first["publicKey"]["allowCredentials"]
    assert second["publicKey"]["allowCredentials"] == [decoy]
    assert len(unb64(decoy["id"])) == 32


def test_a_suspended_key_is_offered_no_more_and_the_list_is_not_empty() -> None:
    scene = Scene()
    scene.tx.credentials.suspend(ALICE, scene.record.id)
    _, shown = scene.begin(STEP)
    (decoy,) = shown["publicKey"]["allowCredentials"]
    assert decoy["id"] != scene.record.id


# -- What it is bound to -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "payment",
    [
        replace(PAYMENT, amount_minor=125001),
        replace(PAYMENT, currency="EUR"),
        replace(PAYMENT, payee=Payee("cn:63", "友谊商店")),
        replace(PAYMENT, payee=Payee("cn:62", "友谊商场")),
        replace(PAYMENT, transaction_id="pay_2"),
        replace(PAYMENT, type="refund"),
    ],
    ids=["amount", "currency", "payee", "payee name", "transaction", "type"],
)
def test_an_assertion_over_another_payment_is_refused(payment: Any) -> None:
    scene = Scene()
    kept, shown = scene.begin(STEP)
    credential = scene.phone.get(shown["publicKey"]).to_json()
    changed = step(payment)
    received = scene.receive(changed, kept, credential)
    assert scene.verifier.settle(scene.tx, changed, received.kept, NOW).reason == Refusal.CHALLENGE


def test_an_assertion_made_for_a_login_is_refused_for_a_payment() -> None:
    scene = Scene()
    kept, shown = scene.begin(STEP)
    login = {**shown["publicKey"], "challenge": b64(b"login challenge of 32 random byt")}
    received = scene.receive(STEP, kept, scene.phone.get(login).to_json())
    assert settle(scene, received).reason == Refusal.CHALLENGE


def test_an_assertion_for_an_earlier_step_is_refused() -> None:
    scene = Scene()
    _, earlier = scene.begin(STEP)
    credential = scene.phone.get(earlier["publicKey"]).to_json()
    kept, _ = scene.begin(STEP)
    assert settle(scene, scene.receive(STEP, kept, credential)).reason == Refusal.CHALLENGE


def test_an_assertion_without_verification_does_not_pass_where_it_was_asked_for() -> None:
    """A page that asked the phone for less than was required gains nothing."""
    scene = Scene()
    kept, shown = scene.begin(STEP)
    asked = {**shown["publicKey"], "userVerification": "discouraged"}
    request = scene.phone.get(asked)
    request.flags = UP
    assert settle(scene, scene.receive(STEP, kept, request.to_json())).reason == Refusal.USER_VERIFICATION


def test_an_answer_that_came_too_late_is_told_so() -> None:
    scene = Scene()
    kept, shown = scene.begin(STEP)
    credential = scene.phone.get(shown["publicKey"]).to_json()
    with pytest.raises(InvalidRequest, match="too long"):
        scene.receive(STEP, kept, credential, after=120)


def test_what_is_no_credential_at_all_is_told_so() -> None:
    scene = Scene()
    kept, _ = scene.begin(STEP)
    with pytest.raises(InvalidRequest, match="public key credential"):
        scene.verifier.receive(STEP, kept, Submission({"code": "123456"}), NOW)


# -- Whose key it is ---------------------------------------------------------------------------------------------------


def test_the_key_of_another_user_is_refused() -> None:
    scene = Scene()
    others = Authenticator(ORIGIN)
    scene.enroll(others, BOB, "dev_2")
    assert settle(scene, prove(scene, others)).reason == Refusal.NOT_OFFERED


def test_a_key_under_the_id_of_another_is_refused() -> None:
    scene = Scene()
    mine = Authenticator(ORIGIN)
    scene.enroll(mine, ALICE, "dev_2")
    assert (
        settle(scene, prove(scene, credential_id=mine.credential_id, handle=None)).reason == Refusal.SIGNATURE
    )


def test_a_key_suspended_while_the_payer_was_asked_is_refused() -> None:
    scene = Scene()
    kept, shown = scene.begin(STEP)
    scene.tx.credentials.suspend(ALICE, scene.record.id)
    received = scene.receive(STEP, kept, scene.phone.get(shown["publicKey"]).to_json())
    assert settle(scene, received).reason == Refusal.NOT_ACTIVE


@pytest.mark.parametrize("counts", [True, False], ids=["counting", "not counting"])
def test_a_device_revoked_before_the_end_is_refused_and_not_called_cloned(counts: bool) -> None:
    scene = Scene(phone=Authenticator(ORIGIN, counts=counts))
    received = prove(scene)
    scene.tx.credentials.dead.add("dev_1")
    assert settle(scene, received).reason == Refusal.NOT_ACTIVE
    assert scene.tx.events == []


def test_refusals_are_taken_in_like_any_answer() -> None:
    """What comes back to the payer is `received` in every case: `receive` raises for none of them."""
    scene = Scene()
    for changes in (
        {"credential_id": b"n" * 32},
        {"handle": b"h" * 32},
        {"count": 0},
        {"rp_id": "evil.example"},
    ):
        assert isinstance(prove(scene, **changes), Received)


# -- How often it was used ---------------------------------------------------------------------------------------------


def test_a_cloned_key_is_suspended_and_told() -> None:
    scene = Scene()
    clone = scene.phone.clone()
    for _ in range(3):
        assert settle(scene, prove(scene)).passed
    verification = settle(scene, prove(scene, clone))
    assert (verification.reason, verification.alarm) == (Refusal.CLONE_SUSPECTED, "clone")
    (event,) = scene.tx.events
    assert event.tag == "subject:device:frozen"
    assert event.data == {"device": "dev_1", "credential": scene.record.id, "reason": "cloned"}
    assert settle(scene, prove(scene)).reason == Refusal.NOT_OFFERED


def test_a_clone_that_comes_first_is_found_when_the_phone_comes() -> None:
    scene = Scene()
    clone = scene.phone.clone()
    assert settle(scene, prove(scene, clone)).passed
    assert settle(scene, prove(scene)).reason == Refusal.CLONE_SUSPECTED


def test_two_assertions_with_one_count_are_one_success_and_one_clone() -> None:
    scene = Scene()
    first, second = prove(scene), prove(scene, scene.phone.clone(), count=2)
    assert settle(scene, first).passed
    assert settle(scene, second).reason == Refusal.CLONE_SUSPECTED


def test_a_count_of_zero_after_a_higher_one_is_a_clone() -> None:
    scene = Scene()
    assert settle(scene, prove(scene, count=0)).reason == Refusal.CLONE_SUSPECTED


@pytest.mark.parametrize("count", [0, 1, 4, 5, 2**32 - 1])
def test_any_count_of_a_synced_key_passes_and_suspends_nothing(count: int) -> None:
    """The iPad counts by itself, or not at all."""
    scene = Scene(phone=Authenticator(ORIGIN, flags=BE | BS, count=4))
    assert settle(scene, prove(scene, count=count)).passed
    assert settle(scene, prove(scene)).passed
    assert scene.tx.events == []


# -- A key that begins to be synced ------------------------------------------------------------------------------------


def test_a_key_that_becomes_synced_is_accepted_and_its_owner_told_once() -> None:
    scene = Scene()
    scene.phone.flags = BE | BS
    verification = settle(scene, prove(scene))
    assert verification.passed
    assert verification.evidence["became_synced"]
    assert (scene.record.backup_eligible, scene.record.backed_up) == (True, True)
    assert settle(scene, prove(scene)).passed
    (event,) = scene.tx.events
    assert event.tag == "subject:device:synced"
    assert event.data == {"device": "dev_1", "credential": scene.record.id}


def test_from_then_on_its_count_means_nothing() -> None:
    scene = Scene()
    scene.phone.flags = BE
    assert settle(scene, prove(scene)).passed
    assert settle(scene, prove(scene, count=1)).passed


def test_it_does_not_hide_a_clone_by_becoming_synced() -> None:
    scene = Scene()
    clone = scene.phone.clone()
    for _ in range(3):
        assert settle(scene, prove(scene)).passed
    clone.flags = BE | BS
    assert settle(scene, prove(scene, clone)).reason == Refusal.CLONE_SUSPECTED
    assert not scene.record.backup_eligible


def test_what_became_synced_is_never_again_bound_to_its_device() -> None:
    scene = Scene()
    scene.phone.flags = BE
    assert settle(scene, prove(scene)).passed
    scene.phone.flags = 0
    assert settle(scene, prove(scene)).reason == Refusal.BACKUP_ELIGIBILITY


def test_an_attested_key_stays_what_its_model_is() -> None:
    scene = Scene()
    scene.tx.credentials.records[scene.record.id] = replace(scene.record, attested=True)
    scene.phone.flags = BE
    assert settle(scene, prove(scene)).reason == Refusal.BACKUP_ELIGIBILITY
    assert scene.tx.events == []


def test_a_forged_flag_syncs_nothing() -> None:
    scene = Scene()
    forged = prove(scene, flags=UP | UV | BE, key=Authenticator(ORIGIN).key)
    assert settle(scene, forged).reason == Refusal.SIGNATURE
    assert not scene.record.backup_eligible


def test_a_low_count_under_a_bad_signature_suspends_nothing() -> None:
    scene = Scene()
    forged = prove(scene, count=0, key=Authenticator(ORIGIN).key)
    assert settle(scene, forged).reason == Refusal.SIGNATURE
    assert scene.tx.events == []
    assert settle(scene, prove(scene)).passed


def test_completing_the_later_of_two_challenges_first_is_not_called_cloning() -> None:
    """A payer with two pages open: the phone counted honestly, and only the order of the ends is turned."""
    scene = Scene()
    earlier, later = prove(scene), prove(scene)
    assert settle(scene, later).passed
    assert settle(scene, earlier).reason == Refusal.OVERTAKEN
    assert scene.tx.events == []
    assert settle(scene, prove(scene)).passed


def test_only_device_factors_are_verified_here() -> None:
    with pytest.raises(ValueError, match="not a factor of a device"):
        Scene(Factor.OTP)
