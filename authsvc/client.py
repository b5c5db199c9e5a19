"""What a payment backend imports: decide, wait, verify a receipt against its own record, consume it exactly once.

Nothing heavy comes with it: the shared words, PyJWT and cryptography for receipts, urllib3 for HTTP. What the service
refuses is raised as the class of `authsvc.errors` that it names, with `.slug`, `.detail` and `.extra`.
"""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable, Collection
from datetime import datetime
from functools import partial
from typing import Any, Self

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from authsvc.caller.endpoints import Attempt, Delivery, DeliveryPage, Endpoint, Endpoints
from authsvc.caller.given import in_path, key_or_new, seconds, text, texts, whole, yes_or_no
from authsvc.caller.people import ActivityPage, Erased, RegisteredDevice, Users, Verification
from authsvc.caller.receipts import FetchedKeys, KeySet, Receipt, ReceiptRefused, verify_receipt
from authsvc.caller.records import Records
from authsvc.caller.results import (
    Challenge,
    Consumed,
    Decision,
    Device,
    EventPage,
    FeedEvent,
    IssuedCode,
    OverviewTicket,
    Reason,
    ReceiptState,
    Ticket,
    UserStatus,
    code_from,
    decision_from,
    overview_ticket_from,
    page_from,
    receipt_state_from,
    status_from,
    ticket_from,
    understood,
)
from authsvc.caller.signing import Signer
from authsvc.caller.webhooks import Webhook, WebhookRefused, verify_webhook
from authsvc.caller.wire import Body, Wire
from authsvc.clock import Clock, SystemClock
from authsvc.errors import ConfigurationError, InvalidRequest
from authsvc.http import LONGEST_WAIT
from authsvc.payment import Payee, Payment
from authsvc.subject import Subject

__all__ = [
    "ActivityPage",
    "Attempt",
    "AuthsvcClient",
    "Challenge",
    "Consumed",
    "Decision",
    "Delivery",
    "DeliveryPage",
    "Device",
    "Endpoint",
    "Endpoints",
    "Erased",
    "EventPage",
    "FeedEvent",
    "FetchedKeys",
    "IssuedCode",
    "KeySet",
    "OverviewTicket",
    "Payee",
    "Payment",
    "Reason",
    "Receipt",
    "ReceiptRefused",
    "ReceiptState",
    "Records",
    "RegisteredDevice",
    "Subject",
    "Ticket",
    "UserStatus",
    "Users",
    "Verification",
    "Webhook",
    "WebhookRefused",
    "verify_receipt",
    "verify_webhook",
]


class AuthsvcClient:
    """One service as one payment backend sees it. Threads may share it; close it at the end.

    `client` is the name that the API key was made for, `issuer` the service's: receipts for others are refused. A call that
    creates or consumes takes an `idempotency_key`; without one it makes its own, which covers the tries of this one call.
    A mistake in what it is given raises InvalidRequest, or ConfigurationError where it is made, before anything is sent.

    `webhooks`, `users` and `audit` hold the calls about endpoints, about payers, and of the audit.
    """

    def __init__(
        self,
        base_url: str,
        api_key: str,
        *,
        client: str,
        issuer: str = "authsvc",
        tolerated_warnings: Collection[str] = (),
        timeout: float = 10.0,
        tries: int = 3,
        ssl_context: ssl.SSLContext | None = None,
        signing_key: Ed25519PrivateKey | bytes | None = None,
        clock: Clock | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """`timeout` counts seconds per try. `ssl_context` is for a private authority or mutual TLS; verification stays on
        unless that context says otherwise. `tolerated_warnings` as for `verify_receipt`: in production, none.

        `signing_key` (Ed25519, an object or PEM) signs each request, for an API key that is bound to it: extra `authsvc[signed]`.
        """
        self._wire = Wire(
            base_url,
            f"Bearer {_named('api_key', api_key)}",
            timeout=timeout,
            tries=tries,
            ssl_context=ssl_context,
            signer=None if signing_key is None else Signer(signing_key),
            sleep=sleep,
        )
        self._client, self._issuer = _named("client", client), _named("issuer", issuer)
        self._tolerated_warnings = frozenset(_configured("tolerated_warnings", tolerated_warnings))
        self._clock = clock or SystemClock()
        self._sleep = sleep
        self._keys = FetchedKeys(lambda: self._wire.get("/.well-known/jwks.json").value)
        self.webhooks = Endpoints(self._wire)
        self.users = Users(self._wire)
        self.audit = Records(self._wire)

    # -- A payment --------------------------------------------------------------------------------------------------

    def payment(
        self,
        user_id: str,
        transaction_id: str,
        *,
        type: str,
        amount_minor: int,
        currency: str,
        payee_id: str,
        payee_name: str,
    ) -> Payment:
        """The backend's record of a payment, in the form that is bound; raises InvalidRequest for what has none."""
        return Payment.stated(
            transaction_id=transaction_id,
            type=type,
            amount_minor=amount_minor,
            currency=currency,
            payee=Payee(payee_id, payee_name),
            subject=Subject(self._client, user_id),
        )

    def decide(
        self,
        payment: Payment,
        *,
        device: Device | None = None,
        risk_score: int | None = None,
        risk_reasons: Collection[str] = (),
        proven: Collection[str] = (),
        channel: str | None = None,
        ip: str | None = None,
        locale: str | None = None,
        return_url: str | None = None,
        merchant_name: str | None = None,
        show_why: bool | None = None,
        amount_afterwards: str | None = None,
        idempotency_key: str | None = None,
    ) -> Decision:
        """What must this payer prove? Whatever is left out reads as the riskier value; `risk_score` is 0 to 100.

        The payer's page shows `merchant_name`, and with `show_why` in coarse words why it asks; in the payer's own list of
        payments the amount is `shown`, `masked` or `hidden` as `amount_afterwards` says.
        """
        context = {"channel": channel, "ip": ip, "locale": locale}
        reasons = texts("risk_reasons", risk_reasons)
        risk = None if risk_score is None else {"score": whole("risk_score", risk_score), "reasons": reasons}
        body = {
            **_stated(payment),
            "user_id": payment.subject.user,
            "device": None if device is None else _device(device).to_json(),
            "risk": risk,
            "proven": texts("proven", proven),
            "context": {name: value for name, value in context.items() if value is not None},
            "return_url": return_url,
            "merchant_name": merchant_name,
            "show_why": show_why,
            "amount_afterwards": amount_afterwards,
        }
        said = {name: value for name, value in body.items() if value is not None}
        reply = self._wire.send(
            "POST", "/v1/decisions", Body.of(said), idempotency_key=key_or_new(idempotency_key)
        )
        return understood(partial(decision_from, replayed=reply.replayed), reply.value)

    def decision(self, decision_id: str, wait: float = 0.0) -> Decision:
        """A decision, once it is no longer open or `wait` seconds have passed."""
        deadline = time.monotonic() + seconds("wait", wait)
        while True:
            asked_at = time.monotonic()
            patience = min(max(0.0, deadline - asked_at), LONGEST_WAIT)
            found = self._decision(decision_id, patience)
            if not found.is_open or time.monotonic() >= deadline:
                return found
            # A service that cannot hold more questions open answers at once.
            if time.monotonic() - asked_at < 0.5:
                self._sleep(min(0.5, max(0.0, deadline - time.monotonic())))

    def issue_code(
        self, decision_id: str, *, locale: str | None = None, idempotency_key: str | None = None
    ) -> IssuedCode:
        """A one-time code for this payment alone, and the sentence to send it in; an earlier one becomes void."""
        body = Body.of({} if locale is None else {"locale": locale})
        path = f"/v1/decisions/{in_path(decision_id)}/code"
        reply = self._wire.send("POST", path, body, idempotency_key=key_or_new(idempotency_key))
        return understood(code_from, reply.value)

    def cancel(self, decision_id: str) -> Decision:
        """The payment is no longer wanted: its challenge closes, an unused receipt is void."""
        reply = self._wire.send("POST", f"/v1/decisions/{in_path(decision_id)}/cancel")
        return understood(decision_from, reply.value)

    def record_outcome(self, decision_id: str, outcome: str) -> None:
        """How the payment ended: `settled`, `fraud`, `refunded` or `disputed`."""
        path = f"/v1/decisions/{in_path(decision_id)}/outcome"
        self._wire.send("POST", path, Body.of({"outcome": outcome}), safe_to_repeat=True)

    # -- Its receipt ------------------------------------------------------------------------------------------------

    def verify(self, receipt: str, payment: Payment) -> Receipt:
        """The receipt, checked on this machine against this record of the payment; raises ReceiptRefused."""
        return verify_receipt(
            receipt,
            jwks=self._keys,
            audience=self._client,
            issuer=self._issuer,
            payment=payment,
            now=self._clock.now(),
            tolerated_warnings=self._tolerated_warnings,
        )

    def consume(self, receipt: str, payment: Payment, *, idempotency_key: str | None = None) -> Consumed:
        """Use the receipt up: the last step before the money moves. Verified on this machine first.

        Raises ReceiptRefused or ReceiptMismatch for another payment, ReceiptConsumed for the second time.
        """
        self.verify(receipt, payment)
        body = Body.of({"receipt": receipt, **_stated(payment), "user_id": payment.subject.user})
        reply = self._wire.send(
            "POST", "/v1/receipts/consume", body, idempotency_key=key_or_new(idempotency_key)
        )
        return understood(
            lambda said: Consumed(
                datetime.fromisoformat(said["consumed_at"]), said["decision"], reply.replayed
            ),
            reply.value,
        )

    def receipt_state(self, receipt: str, payment: Payment) -> ReceiptState:
        """Ask the service whether a receipt can still be consumed; nothing is used up.

        For whoever found a payment half done. Raises ReceiptMismatch where it is not for this payment.
        """
        body = Body.of(
            {"receipt": text("receipt", receipt), **_stated(payment), "user_id": payment.subject.user}
        )
        reply = self._wire.send("POST", "/v1/receipts/verify", body, safe_to_repeat=True)
        return understood(receipt_state_from, reply.value)

    # -- The payer --------------------------------------------------------------------------------------------------

    def enroll(
        self,
        user_id: str,
        *,
        locale: str | None = None,
        proof: str | None = None,
        return_url: str | None = None,
        recovery: bool = False,
        operators: Collection[str] = (),
        display_name: str | None = None,
        idempotency_key: str | None = None,
    ) -> Ticket:
        """A ticket with which a person enrolls, once. Whoever has factors already needs `proof`, a receipt for it.

        Who has lost the phone asks for `recovery` instead: a recovery code and a second proof, for which two `operators` may
        stand. At the end the page posts `device_id` and `device_secret` of the new device to `return_url`. Passkey and
        authenticator app call the account by `display_name`, or else by its id.
        """
        said: dict[str, Any] = {
            "user_id": user_id,
            "locale": locale,
            "proof": proof,
            "return_url": return_url,
            "display_name": display_name,
        }
        if yes_or_no("recovery", recovery):
            said |= {"recovery": True, "operators": texts("operators", operators)}
        body = Body.of({name: value for name, value in said.items() if value is not None})
        reply = self._wire.send("POST", "/v1/enrollments", body, idempotency_key=key_or_new(idempotency_key))
        return understood(ticket_from, reply.value)

    def issue_recovery_code(
        self, enrollment_id: str, *, locale: str | None = None, idempotency_key: str | None = None
    ) -> IssuedCode:
        """A code that stands beside a recovery code in one recovery, and the sentence to send it in."""
        body = Body.of({} if locale is None else {"locale": locale})
        path = f"/v1/enrollments/{in_path(enrollment_id)}/code"
        reply = self._wire.send("POST", path, body, idempotency_key=key_or_new(idempotency_key))
        return understood(code_from, reply.value)

    def overview(
        self,
        user_id: str,
        *,
        locale: str | None = None,
        return_url: str | None = None,
        idempotency_key: str | None = None,
    ) -> OverviewTicket:
        """A person's own look at devices and consents. With this call you vouch that this very person is signed in."""
        said = {"user_id": user_id, "locale": locale, "return_url": return_url}
        body = Body.of({name: value for name, value in said.items() if value is not None})
        reply = self._wire.send("POST", "/v1/overviews", body, idempotency_key=key_or_new(idempotency_key))
        return understood(overview_ticket_from, reply.value)

    def status(self, user_id: str) -> UserStatus:
        """Frozen or not, what is enrolled, what is locked and until when."""
        return understood(status_from, self._wire.get(f"/v1/users/{in_path(user_id)}/status").value)

    def freeze(self, user_id: str, reason: str) -> UserStatus:
        """Deny everything for this user from now on."""
        path = f"/v1/users/{in_path(user_id)}/freeze"
        reply = self._wire.send("POST", path, Body.of({"reason": reason}), safe_to_repeat=True)
        return understood(status_from, reply.value)

    def unfreeze(
        self, user_id: str, *, proof: str | None = None, operators: Collection[str] = ()
    ) -> UserStatus:
        """Take decisions again, on a receipt of the highest level or on the word of two operators."""
        said: dict[str, Any] = {"operators": texts("operators", operators)}
        if proof is not None:
            said["proof"] = proof
        reply = self._wire.send("POST", f"/v1/users/{in_path(user_id)}/unfreeze", Body.of(said))
        return understood(status_from, reply.value)

    def events(self, after: int = 0, limit: int = 100) -> EventPage:
        """What has happened since event number `after`."""
        reply = self._wire.get(f"/v1/events?after={whole('after', after)}&limit={whole('limit', limit)}")
        return understood(page_from, reply.value)

    def close(self) -> None:
        self._wire.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _decision(self, decision_id: str, patience: float) -> Decision:
        headers = {"Prefer": f"wait={patience:.0f}"} if patience >= 1 else {}
        reply = self._wire.get(f"/v1/decisions/{in_path(decision_id)}", headers=headers, patience=patience)
        return understood(decision_from, reply.value)


def _stated(payment: Payment) -> dict[str, Any]:
    """The payment as the HTTP contract states it; raises InvalidRequest for what is none."""
    if not isinstance(payment, Payment):
        raise InvalidRequest("`payment` must be a Payment, as `payment(…)` makes one")
    return {
        "transaction": {
            "id": payment.transaction_id,
            "type": payment.type,
            "amount_minor": payment.amount_minor,
            "currency": payment.currency,
            "payee": {"id": payment.payee.id, "name": payment.payee.name},
        }
    }


def _device(device: object) -> Device:
    if not isinstance(device, Device):
        raise InvalidRequest(f"`device` is a Device, and not `{type(device).__name__}`")
    return device


def _named(name: str, value: object) -> str:
    """What no call could go without; raises ConfigurationError, which quotes nothing: a key is a secret."""
    if not isinstance(value, str) or not value:
        raise ConfigurationError(f"`{name}` is text, and neither empty nor anything else")
    return value


def _configured(name: str, words: object) -> list[str]:
    try:
        return texts(name, words)
    except InvalidRequest as error:
        raise ConfigurationError(error.detail) from None
