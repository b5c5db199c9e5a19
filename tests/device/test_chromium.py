"""What Chromium sent in a real registration, a real assertion and a real Secure Payment Confirmation, recorded."""

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from authsvc.device.payment_confirmation import PaymentConfirmation
from authsvc.device.refusal import Refusal
from authsvc.device.registration import finish_registration
from authsvc.device.relying_party import RelyingParty
from authsvc.device.verifier import DeviceVerifier
from authsvc.factor import Factor, Submission, Verification
from authsvc.payment import Binding, Payment
from tests.device.scene import ALICE, NOW, PAYMENT, FixedMacs, MemoryTx, step
from tests.support.authenticator import b64, unb64

VECTOR = json.loads((Path(__file__).parent.parent / "vectors" / "webauthn-chromium.json").read_text())
PARTY = RelyingParty.at(VECTOR["origin"], "Probe")
SHOWN = PaymentConfirmation("Probe ··42", VECTOR["origin"] + "/i.png", "https://shop.example")


def judged(
    ceremony: Mapping[str, Any], payment: Payment = PAYMENT, confirmation: PaymentConfirmation = SHOWN
) -> Verification:
    """What becomes of a recorded ceremony, when this payment is the one on record."""
    made = VECTOR["registration"]
    record = finish_registration(PARTY, made["kept"], made["credential"], ALICE, "dev_1", NOW)
    tx = MemoryTx()
    tx.credentials.records[record.id] = record
    verifier = DeviceVerifier(Factor.DEVICE_UV, PARTY, tx.read, FixedMacs(), confirmation)
    # The challenge stays the recorded one: what is shown is looked at for itself.
    asked = replace(step(payment), binding=Binding.of(PAYMENT))
    received = verifier.receive(asked, ceremony["kept"], Submission(ceremony["credential"]), NOW)
    return verifier.settle(tx, asked, received.kept, NOW)


def test_its_registration_and_assertion_pass() -> None:
    verification = judged(VECTOR["assertion"])
    assert verification.passed
    assert not verification.evidence["shown_by_browser"]


def test_its_payment_confirmation_passes() -> None:
    verification = judged(VECTOR["confirmation"])
    assert verification.passed
    assert verification.evidence["shown_by_browser"]


@pytest.mark.parametrize(
    "payment",
    [
        replace(PAYMENT, amount_minor=125001),
        replace(PAYMENT, currency="EUR"),
        replace(PAYMENT, payee=replace(PAYMENT.payee, name="友谊商场")),
    ],
    ids=["total", "currency", "payee"],
)
def test_a_payment_other_than_the_one_it_showed_is_refused(payment: Payment) -> None:
    assert judged(VECTOR["confirmation"], payment).reason == Refusal.PAYMENT_SHOWN


@pytest.mark.parametrize(
    "changes", [{"payee_origin": "https://evil.example"}, {"payee_origin": None}, {"instrument": "Other"}]
)
def test_a_payee_or_instrument_other_than_shown_is_refused(changes: dict[str, Any]) -> None:
    assert judged(VECTOR["confirmation"], PAYMENT, replace(SHOWN, **changes)).reason == Refusal.PAYMENT_SHOWN


@pytest.mark.parametrize(
    ("found", "instead", "code"),
    [
        ('"value":"1250.00"', '"value":"0001.00"', Refusal.PAYMENT_SHOWN),
        ("shop.example", "evil.example", Refusal.PAYMENT_SHOWN),
        ('"crossOrigin":false', '"crossOrigin":null ', Refusal.CROSS_ORIGIN),
        ('"paymentEntitiesLogos":[]', '"paymentEntitiesLogos":{}', Refusal.SIGNATURE),
    ],
)
def test_its_client_data_cannot_be_rewritten(found: str, instead: str, code: Refusal) -> None:
    ceremony = VECTOR["confirmation"]
    response = ceremony["credential"]["response"]
    text = unb64(response["clientDataJSON"]).decode()
    assert found in text
    rewritten = {**response, "clientDataJSON": b64(text.replace(found, instead).encode())}
    credential = {**ceremony["credential"], "response": rewritten}
    assert judged({**ceremony, "credential": credential}).reason == code
