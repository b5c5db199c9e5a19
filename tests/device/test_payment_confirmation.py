"""The browser shows the payment itself: what it showed must be this payment, in our own page, and signed."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from authsvc.device.payment_confirmation import PaymentConfirmation
from authsvc.device.refusal import Refusal
from authsvc.factor import Factor
from tests.device.scene import NOW, ORIGIN, Scene, step
from tests.support.authenticator import UP, UV, Authenticator, Request

CONFIRMATION = PaymentConfirmation("Example Pay ··42", "https://pay.example/card.png")
STEP = step()

Spoil = Callable[[Request], object]


def paying(**options: Any) -> Scene:
    return Scene(options={"confirmation": replace(CONFIRMATION, **options)})


def confirmed(scene: Scene, spoil: Spoil = lambda answer: None) -> Any:
    """What becomes of a confirmed payment, spoiled before it was signed."""
    kept, shown = scene.begin(STEP)
    answer = scene.phone.pay(shown["paymentRequest"])
    spoil(answer)
    received = scene.receive(STEP, kept, answer.to_json())
    return scene.verifier.settle(scene.tx, STEP, received.kept, NOW)


def test_a_confirmed_payment_passes_and_says_that_the_browser_showed_it() -> None:
    verification = confirmed(paying())
    assert verification.passed
    assert verification.evidence["shown_by_browser"]


def test_the_payees_origin_is_shown_where_it_is_known() -> None:
    scene = paying(payee_origin="https://shop.example")
    assert confirmed(scene).passed
    assert confirmed(scene, shows(payeeOrigin="https://evil.example")).reason == Refusal.PAYMENT_SHOWN


def test_the_request_says_payee_and_amount_of_the_stored_payment() -> None:
    scene = paying()
    _, shown = scene.begin(STEP)
    request = shown["paymentRequest"]
    assert request["total"] == {"label": "友谊商店", "amount": {"currency": "CNY", "value": "1250.00"}}
    assert request["data"]["payeeName"] == "友谊商店"
    assert request["data"]["credentialIds"] == [scene.record.id]
    assert request["data"]["challenge"] == shown["publicKey"]["challenge"]


def test_a_plain_assertion_still_passes() -> None:
    scene = paying()
    kept, shown = scene.begin(STEP)
    received = scene.receive(STEP, kept, scene.phone.get(shown["publicKey"]).to_json())
    verification = scene.verifier.settle(scene.tx, STEP, received.kept, NOW)
    assert verification.passed
    assert not verification.evidence["shown_by_browser"]


def test_without_the_setting_nothing_is_offered_and_a_confirmation_is_refused() -> None:
    scene, plain = paying(), Scene()
    _, asked = scene.begin(STEP)
    kept, shown = plain.begin(STEP)
    assert "paymentRequest" not in shown
    request = asked["paymentRequest"]
    request["data"]["challenge"] = shown["publicKey"]["challenge"]
    received = plain.receive(STEP, kept, plain.phone.pay(request).to_json())
    assert plain.verifier.settle(plain.tx, STEP, received.kept, NOW).reason == Refusal.CEREMONY


def test_a_login_key_is_not_offered_for_payments() -> None:
    scene = paying()
    record = scene.record
    scene.tx.credentials.records[record.id] = replace(record, pays=False)
    assert "paymentRequest" not in scene.begin(STEP)[1]


def test_a_device_key_without_verification_is_never_confirmed() -> None:
    scene = Scene(Factor.DEVICE_KEY, options={"confirmation": CONFIRMATION})
    assert "paymentRequest" not in scene.begin(STEP)[1]


def test_a_confirmed_payment_counts_like_any_assertion() -> None:
    scene = paying()
    assert confirmed(scene).passed
    assert confirmed(scene, lambda answer: setattr(answer, "count", 1)).reason == Refusal.CLONE_SUSPECTED


def shows(**members: Any) -> Spoil:
    return lambda answer: answer.client_data["payment"].update(members)


def hides(name: str) -> Spoil:
    return lambda answer: answer.client_data["payment"].pop(name)


def says(**members: Any) -> Spoil:
    return lambda answer: answer.client_data.update(members)


def set_(**values: Any) -> Spoil:
    return lambda answer: answer.__dict__.update(values)


SPOILED: list[tuple[Refusal, Spoil]] = [
    (Refusal.PAYMENT_SHOWN, shows(total={"currency": "CNY", "value": "1250.01"})),
    (Refusal.PAYMENT_SHOWN, shows(total={"currency": "CNY", "value": "1250"})),
    (Refusal.PAYMENT_SHOWN, shows(total={"currency": "JPY", "value": "1250.00"})),
    (Refusal.PAYMENT_SHOWN, shows(total={"currency": "CNY", "value": 1250.0})),
    (Refusal.PAYMENT_SHOWN, hides("total")),
    (Refusal.PAYMENT_SHOWN, shows(payeeName="友谊商场")),
    (Refusal.PAYMENT_SHOWN, hides("payeeName")),
    (Refusal.PAYMENT_SHOWN, shows(payeeOrigin="https://evil.example")),
    (Refusal.PAYMENT_SHOWN, shows(instrument={"displayName": "Other", "icon": CONFIRMATION.icon})),
    (
        Refusal.PAYMENT_SHOWN,
        shows(instrument={"displayName": CONFIRMATION.instrument, "icon": "https://evil.example/x.png"}),
    ),
    (Refusal.PAYMENT_SHOWN, shows(rpId="evil.example")),
    (Refusal.PAYMENT_SHOWN, says(payment=None)),
    (Refusal.PAYMENT_SHOWN, says(payment=[])),
    (Refusal.TOP_ORIGIN, shows(topOrigin="https://evil.example")),
    (Refusal.TOP_ORIGIN, hides("topOrigin")),
    (Refusal.ORIGIN, says(origin="https://evil.example")),
    (Refusal.CROSS_ORIGIN, says(crossOrigin=True)),
    (Refusal.CHALLENGE, says(challenge="A" * 43)),
    (Refusal.CEREMONY, says(type="payment.confirm")),
    (Refusal.RELYING_PARTY, set_(rp_id="evil.example")),
    (Refusal.USER_PRESENCE, set_(flags=UV)),
    (Refusal.USER_VERIFICATION, set_(flags=UP)),
    (Refusal.USER_HANDLE, set_(handle=b"h" * 32)),
    (Refusal.SIGNATURE, set_(key=Authenticator(ORIGIN).key)),
]


@pytest.mark.parametrize(("code", "spoil"), SPOILED)
def test_a_spoiled_confirmation_is_refused_for_its_own_reason(code: Refusal, spoil: Spoil) -> None:
    assert confirmed(paying(), spoil).reason == code


def test_defaults_that_a_browser_writes_out_are_harmless_and_nothing_else_is() -> None:
    instrument = {"displayName": CONFIRMATION.instrument, "icon": CONFIRMATION.icon}
    assert confirmed(
        paying(), shows(instrument={**instrument, "iconMustBeShown": True, "details": ""})
    ).passed
    for added in ({"details": "a gift"}, {"iconMustBeShown": False}):
        altered = shows(instrument={**instrument, **added})
        assert confirmed(paying(), altered).reason == Refusal.PAYMENT_SHOWN
