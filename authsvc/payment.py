"""The payment, and the digest that ties everything proven to it.

Binding v1 is SHA-256 over the label `authsvc-payment-binding-v1`, a zero byte, and the RFC 8785 canonical JSON of
transaction id, type, amount in minor units, ISO 4217 currency, payee id and name, user and client. Identifiers are canonical
and the payee's name is NFC, without anything unseen, so that two payments that look alike are alike.
Vectors: `tests/vectors/binding-v1.json`.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

from authsvc.canonical import canonical
from authsvc.errors import InvalidRequest
from authsvc.subject import Subject
from authsvc.text import identifier, label

BINDING_VERSION = 1
BINDING_LABEL = b"authsvc-payment-binding-v1"
LARGEST_AMOUNT = (
    2**53 - 1
)  # RFC 8785 numbers are IEEE 754 doubles; beyond this two amounts could share a digest.

_CURRENCY = re.compile(r"[A-Z]{3}\Z")
_TYPE = re.compile(r"[a-z][a-z0-9_]{0,31}\Z")


@dataclass(frozen=True, slots=True)
class Payee:
    id: str
    name: str


@dataclass(frozen=True, slots=True)
class Payment:
    """One payment as the backend states it; `amount_minor` counts the currency's smallest unit (fen, cents)."""

    transaction_id: str
    type: str
    amount_minor: int
    currency: str
    payee: Payee
    subject: Subject

    @classmethod
    def stated(
        cls,
        *,
        transaction_id: str,
        type: str,
        amount_minor: int,
        currency: str,
        payee: Payee,
        subject: Subject,
    ) -> Payment:
        """A payment from outside, the payee's name in NFC; raises InvalidRequest for what has no canonical form."""
        if not _is_amount(amount_minor):
            raise InvalidRequest("`amount_minor` must be a whole number between 0 and 2**53 - 1")
        if not _has_form(_CURRENCY, currency):
            raise InvalidRequest("`currency` must be three capital letters (ISO 4217)")
        if not _has_form(_TYPE, type):
            raise InvalidRequest("`type` must be a lower-case word of at most 32 characters")
        return cls(
            transaction_id=identifier(transaction_id, "transaction.id"),
            type=type,
            amount_minor=amount_minor,
            currency=currency,
            payee=Payee(identifier(payee.id, "payee.id"), label(payee.name, "payee.name")),
            subject=Subject(identifier(subject.client, "client"), identifier(subject.user, "user_id")),
        )

    def canonical(self) -> bytes:
        """The RFC 8785 form that is digested; public, so that others can check the digest."""
        return canonical(
            {
                "amount_minor": self.amount_minor,
                "client": self.subject.client,
                "currency": self.currency,
                "payee": {"id": self.payee.id, "name": self.payee.name},
                "transaction_id": self.transaction_id,
                "type": self.type,
                "user_id": self.subject.user,
            }
        ).encode()


@dataclass(frozen=True, slots=True)
class Binding:
    """The digest of a payment: `sha256:` and 64 hexadecimal digits."""

    digest: str
    v: int = BINDING_VERSION

    @classmethod
    def of(cls, payment: Payment) -> Binding:
        digest = hashlib.sha256(BINDING_LABEL + b"\x00" + payment.canonical()).hexdigest()
        return cls(f"sha256:{digest}")

    def raw(self) -> bytes:
        """The 32 bytes of the digest, for whatever is derived from it."""
        return bytes.fromhex(self.digest.removeprefix("sha256:"))


# A backend without types may state anything at all.
def _is_amount(stated: object) -> bool:
    return isinstance(stated, int) and not isinstance(stated, bool) and 0 <= stated <= LARGEST_AMOUNT


def _has_form(form: re.Pattern[str], stated: object) -> bool:
    return isinstance(stated, str) and form.match(stated) is not None
