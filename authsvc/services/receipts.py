"""Receipts, for a payment backend: whether one is good, and its one use."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from authsvc.audit.chain import Entry
from authsvc.clock import rfc3339
from authsvc.domain.decision import Decision
from authsvc.domain.once import Answer, Once
from authsvc.domain.store import Transaction
from authsvc.errors import AuthsvcError, ReceiptConsumed, ReceiptMismatch
from authsvc.events import Event
from authsvc.factor import Json
from authsvc.keys.access import ApiKey
from authsvc.payment import Binding, Payment
from authsvc.services.base import Service


class ReceiptService(Service):
    def verify(self, key: ApiKey, receipt: str, payment: Payment) -> Json:
        """Whether a receipt is good for this very payment now; uses nothing up. Raises ReceiptMismatch."""
        claims = self._matching_claims(key, receipt, payment)
        decision = self._own(key, str(claims["decision"]))
        good = self._ledger.read(lambda tx: tx.decisions.stands(decision, str(claims["jti"])))
        consumed_at = None if decision.receipt is None else decision.receipt.consumed_at
        return {
            "valid": good,
            "consumed_at": None if consumed_at is None else rfc3339(consumed_at),
            "claims": dict(claims),
        }

    def consume(self, key: ApiKey, once: Once, receipt: str, payment: Payment) -> Answer:
        """Use a receipt up for this very payment. Raises ReceiptMismatch, or ReceiptConsumed for the second time."""
        try:
            claims = self._matching_claims(key, receipt, payment)
        except ReceiptMismatch as refusal:
            # Who used it up with this very key while it was good is told so again, however late.
            return self._once(key, once, _refusing(refusal))

        def effect(tx: Transaction, now: datetime) -> Answer:
            decision_id, jti = str(claims["decision"]), str(claims["jti"])
            tx.accounts.hold(payment.subject)
            decision = tx.decisions.find(decision_id)
            if decision is None or not tx.decisions.consume(decision, jti, now):
                raise _why_not(decision)
            tx.record(_consumption(payment, decision_id, jti, now))
            tx.publish(Event("receipt:consumed", payment.subject, now, {"decision": decision_id}))
            return Answer.of({"consumed_at": rfc3339(now), "decision": decision_id}, created=False)

        return self._once(key, once, effect)

    def _matching_claims(self, key: ApiKey, receipt: str, payment: Payment) -> Json:
        claims = self._parts.receipts.read(receipt, key.client, self._clock.now())
        binding = claims["binding"]
        expected = Binding.of(payment)
        if binding != {"v": expected.v, "digest": expected.digest}:
            raise ReceiptMismatch("the receipt is for another payment")
        return claims


def _why_not(decision: Decision | None) -> ReceiptConsumed | ReceiptMismatch:
    if decision is not None and decision.receipt is not None and decision.receipt.consumed_at is not None:
        return ReceiptConsumed("the receipt was used before")
    if decision is None or not decision.is_open:
        return ReceiptMismatch("the receipt is void: its decision was cancelled or taken again")
    return ReceiptMismatch("the receipt is void: the account was frozen or erased, or its device removed")


def _refusing(refusal: AuthsvcError) -> Callable[[Transaction, datetime], Answer]:
    """An effect that does not happen."""

    def effect(tx: Transaction, now: datetime) -> Answer:
        raise refusal

    return effect


def _consumption(payment: Payment, decision_id: str, jti: str, now: datetime) -> Entry:
    details = {"jti": jti, "binding": Binding.of(payment).digest}
    return Entry(now, "backend", "receipt.consume", payment.subject, decision_id, "consumed", details)
