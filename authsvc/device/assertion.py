"""A payer uses a device key for one payment: the authentication ceremony, in the order of WebAuthn L3 §7.2."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from authsvc.device.client_data import GET, check_client_data, read_client_data
from authsvc.device.payment_confirmation import PAYMENT, PaymentConfirmation
from authsvc.device.record import CredentialRecord
from authsvc.device.refusal import Refusal, require
from authsvc.device.relying_party import RelyingParty
from authsvc.device.response import AssertionResponse
from authsvc.device.webauthn import read_authenticator_data, verify_authentication, verify_confirmation
from authsvc.payment import Binding, Payment

CHALLENGE_LABEL = b"authsvc-webauthn-payment-v1\x00"


@dataclass(frozen=True, slots=True)
class Expected:
    """What an assertion must be about. The challenge stands for it, a payment's own where there is one.

    With `confirmation` a browser may have shown the payment itself: the stored one, never a field of the request. Without it
    such an assertion is refused.
    """

    challenge: bytes
    user_verification: bool
    payment: Payment | None = None
    confirmation: PaymentConfirmation | None = None


@dataclass(frozen=True, slots=True)
class Assertion:
    """An assertion in which everything is right but perhaps its count, which the store judges."""

    sign_count: int
    user_verified: bool
    backup_eligible: bool
    backed_up: bool
    shown_by_browser: bool


def payment_challenge(nonce: bytes, binding: Binding) -> bytes:
    """The challenge of one step for one payment (32 bytes): SHA-256 over a label, a nonce of 32 bytes, and the binding.

    The nonce makes it unpredictable; the binding makes the assertion, kept, evidence of what was paid.
    """
    return hashlib.sha256(CHALLENGE_LABEL + nonce + binding.raw()).digest()


def verify_assertion(
    party: RelyingParty, record: CredentialRecord, response: AssertionResponse, expected: Expected
) -> Assertion:
    """What this very credential has signed; raises Refused.

    The sign count is handed on unjudged: it means something only after the signature, and in the store's own write.
    """
    members = read_client_data(response.client_data)
    shown = members.get("type") == PAYMENT and expected.payment is not None
    confirmation = expected.confirmation if shown else None
    check_client_data(
        members,
        expected_type=GET if confirmation is None else PAYMENT,
        expected_challenge=expected.challenge,
        expected_origins=party.origins,
    )
    if confirmation is not None and expected.payment is not None:
        confirmation.check(members, party, expected.payment)
    data = read_authenticator_data(response.authenticator_data)
    data.check(party, user_verification=expected.user_verification)
    require(data.new_key is None, Refusal.ATTESTED_DATA)
    require(record.may_say(data.backup_eligible), Refusal.BACKUP_ELIGIBILITY)
    require(response.user_handle in (None, record.user_handle), Refusal.USER_HANDLE)
    if confirmation is not None:
        verify_confirmation(response, record.public_key)
    else:
        verify_authentication(
            party,
            response,
            expected.challenge,
            record.public_key,
            user_verification=expected.user_verification,
        )
    return Assertion(
        sign_count=data.sign_count,
        user_verified=data.user_verified,
        backup_eligible=data.backup_eligible,
        backed_up=data.backed_up,
        shown_by_browser=confirmation is not None,
    )
