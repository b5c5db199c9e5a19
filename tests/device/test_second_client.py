"""A second opinion: python-fido2's client registers and pays, and it reads our options as we mean them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from fido2.client import ClientError, DefaultClientDataCollector, Fido2Client, UserInteraction
from fido2.payment import PaymentClientDataCollector
from fido2.webauthn import PublicKeyCredentialCreationOptions, PublicKeyCredentialRequestOptions

from authsvc.device.payment_confirmation import PaymentConfirmation
from authsvc.device.record import CredentialRecord
from authsvc.device.refusal import Refusal, Refused
from authsvc.device.registration import begin_registration, finish_registration
from authsvc.device.verifier import DeviceVerifier
from authsvc.factor import Factor, Submission
from tests.device.scene import ALICE, NOW, ORIGIN, PARTY, FixedMacs, MemoryTx, step
from tests.support.ctap import SoftwareKey

STEP = step()
CONFIRMATION = PaymentConfirmation("Example Pay ··42", "https://pay.example/card.png")


def browser(
    key: SoftwareKey, origin: str = ORIGIN, collector: Any = DefaultClientDataCollector
) -> Fido2Client:
    return Fido2Client(key, client_data_collector=collector(origin), user_interaction=UserInteraction())


def register(key: SoftwareKey, live: tuple[CredentialRecord, ...] = ()) -> CredentialRecord:
    begun = begin_registration(PARTY, ALICE, live, NOW)
    shown: Any = begun.sent["publicKey"]
    options = PublicKeyCredentialCreationOptions.from_dict(shown)
    answer = dict(browser(key).make_credential(options))
    return finish_registration(PARTY, begun.kept, answer, ALICE, "dev_1", NOW)


def settled(tx: MemoryTx, client: Fido2Client, confirmation: PaymentConfirmation | None = None) -> Any:
    """What becomes of one payment answered by this client."""
    verifier = DeviceVerifier(Factor.DEVICE_UV, PARTY, tx.read, FixedMacs(), confirmation)
    begun = verifier.begin(STEP, NOW)
    shown: Any = dict(begun.sent["publicKey"])  # type: ignore[call-overload]
    if confirmation is not None:
        shown["extensions"] = {"payment": payment_extension(begun.sent["paymentRequest"])}
    options = PublicKeyCredentialRequestOptions.from_dict(shown)
    answer = dict(client.get_assertion(options).get_response(0))
    received = verifier.receive(STEP, begun.kept, Submission(answer), NOW)
    return verifier.settle(tx, STEP, received.kept, NOW)


def payment_extension(request: Any) -> dict[str, object]:
    """A payment request as the browser hands it to its authenticator."""
    data = request["data"]
    return {
        "isPayment": True,
        "rpId": data["rpId"],
        "topOrigin": ORIGIN,
        "payeeName": data["payeeName"],
        "total": request["total"]["amount"],
        "instrument": data["instrument"],
    }


def enrolled(key: SoftwareKey) -> MemoryTx:
    tx, record = MemoryTx(), register(key)
    tx.credentials.records[record.id] = record
    return tx


def test_it_registers_and_pays_twice() -> None:
    key = SoftwareKey()
    tx = enrolled(key)
    for _ in range(2):
        verification = settled(tx, browser(key))
        assert verification.passed
        assert verification.evidence["user_verified"]


def test_it_will_not_register_the_same_phone_twice() -> None:
    key = SoftwareKey()
    record = register(key)
    with pytest.raises(ClientError) as refused:
        register(key, (record,))
    assert refused.value.code == ClientError.ERR.DEVICE_INELIGIBLE


def test_it_finds_no_key_where_none_is_in_use() -> None:
    """The decoy that is offered instead of an empty list keeps the suspended key out."""
    key = SoftwareKey()
    tx = enrolled(key)
    tx.credentials.suspend(ALICE, next(iter(tx.credentials.records)))
    with pytest.raises(ClientError):
        settled(tx, browser(key))


def test_a_phone_that_verified_nobody_is_refused() -> None:
    key = SoftwareKey()
    tx = enrolled(key)
    key.verifies = False
    assert settled(tx, browser(key)).reason == Refusal.USER_VERIFICATION


def test_a_registration_that_verified_nobody_is_refused() -> None:
    with pytest.raises(Refused, match="user-verification"):
        register(SoftwareKey(verifies=False))


def test_another_page_of_the_same_site_is_refused() -> None:
    key = SoftwareKey()
    tx = enrolled(key)
    assert settled(tx, browser(key, "https://shop.pay.example")).reason == Refusal.ORIGIN


def test_it_confirms_a_payment_that_it_has_shown() -> None:
    key = SoftwareKey()
    tx = enrolled(key)
    tx.credentials.records = {each.id: replace(each, pays=True) for each in tx.credentials.records.values()}
    client = browser(key, collector=PaymentClientDataCollector)
    verification = settled(tx, client, CONFIRMATION)
    assert verification.passed
    assert verification.evidence["shown_by_browser"]
