"""The payment backend's desk: decisions, issued codes, outcomes, and receipts used up once."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import datetime

from authsvc.account.acts import act
from authsvc.audit.chain import Entry
from authsvc.clock import rfc3339
from authsvc.domain.decision import Decision, Status
from authsvc.domain.store import Transaction
from authsvc.errors import (
    AuthsvcError,
    InvalidRequest,
    ReceiptConsumed,
    ReceiptMismatch,
    TransactionChanged,
)
from authsvc.events import Event
from authsvc.factor import Factor, Json
from authsvc.keys.access import ApiKey
from authsvc.otp import issued_text
from authsvc.payment import Binding, Payment
from authsvc.services import issuing
from authsvc.services.desk import Desk, ServiceParts
from authsvc.stepup.deciding import DecisionRequest
from authsvc.stepup.once import Answer, Once

OUTCOMES = ("settled", "fraud", "refunded", "disputed")
LONGEST_WAIT = 25.0


class BackendDesk(Desk):
    def __init__(self, parts: ServiceParts) -> None:
        super().__init__(parts)
        self._waiting = threading.BoundedSemaphore(parts.longest_waits)

    def decide(self, key: ApiKey, once: Once, request: DecisionRequest) -> Answer:
        """Decide a payment; `created` tells a new decision from the open one that stands."""
        fresh: Decision | None = None

        def effect(tx: Transaction, now: datetime) -> Answer:
            nonlocal fresh
            decided = self._stepup.decide(tx, request, now)
            if isinstance(decided, TransactionChanged):
                return Answer.refusal(decided)
            created = decided.created_at == now
            fresh = decided if created else None
            return Answer.of(self._shown(decided), created=created)

        answer = self._once(key, once, effect, (request.payment.subject, request.device.id))
        if fresh is not None and not answer.replayed:
            self._parts.shadow.watch(fresh)
        return answer

    def decision(self, key: ApiKey, decision_id: str, wait: float = 0.0) -> Json:
        """A decision, once it is no longer open or `wait` seconds have passed.

        Waiting is bounded: past `longest_waits` at a time the answer comes at once, and the caller asks again.
        """
        decision = self._own(key, decision_id)
        if wait > 0 and self._waiting.acquire(blocking=False):
            try:
                decision = self._awaited(key, decision, min(wait, LONGEST_WAIT))
            finally:
                self._waiting.release()
        return self._shown(decision)

    def issue_code(self, key: ApiKey, once: Once, decision_id: str, locale: str | None) -> Answer:
        """A code for this payment and no other, with the sentence to send; an earlier one becomes void."""

        def effect(tx: Transaction, now: datetime) -> Answer:
            decision = self._own_in(tx, key, decision_id, now)
            if not decision.open_challenge().asks(Factor.OTP):
                raise InvalidRequest("this challenge does not ask for a code")
            return Answer.of(self._issued(tx, decision, locale or decision.locale, now))

        return self._once(key, once, effect)

    def cancel(self, key: ApiKey, decision_id: str) -> Json:
        """Close a challenge, or make an unused receipt void."""
        now = self._clock.now()
        return self._shown(
            self._ledger.transact(
                lambda tx: self._stepup.cancel(tx, self._own_in(tx, key, decision_id, now), now)
            )
        )

    def record_outcome(self, key: ApiKey, decision_id: str, outcome: str) -> Json:
        """How the payment ended, for backtests; the same outcome twice is once."""
        if outcome not in OUTCOMES:
            raise InvalidRequest(f"`outcome` must be one of {', '.join(OUTCOMES)}")
        now = self._clock.now()

        def unit(tx: Transaction) -> None:
            decision = self._own_in(tx, key, decision_id, now)
            if tx.decisions.record_outcome(decision, outcome, now):
                subject = decision.payment.subject
                tx.record(act("backend", "decision.outcome", subject, decision_id, outcome, now))
                data = {"decision": decision_id, "outcome": outcome}
                tx.publish(Event("decision:outcome:recorded", subject, now, data))

        self._ledger.transact(unit)
        return {"decision": decision_id, "outcome": outcome, "recorded_at": rfc3339(now)}

    def verify_receipt(self, key: ApiKey, receipt: str, payment: Payment) -> Json:
        """Whether a receipt is good for this very payment now; uses nothing up. Raises ReceiptMismatch."""
        claims = self._matching_claims(key, receipt, payment)
        decision = self._own(key, str(claims["decision"]))
        consumed_at = None if decision.receipt is None else decision.receipt.consumed_at
        good = decision.is_open and decision.receipt is not None and decision.receipt.jti == claims["jti"]
        return {
            "valid": good,
            "consumed_at": None if consumed_at is None else rfc3339(consumed_at),
            "claims": dict(claims),
        }

    def consume_receipt(self, key: ApiKey, once: Once, receipt: str, payment: Payment) -> Answer:
        """Use a receipt up for this very payment. Raises ReceiptMismatch, or ReceiptConsumed for the second time."""
        try:
            claims = self._matching_claims(key, receipt, payment)
        except ReceiptMismatch as refusal:
            # Who used it up with this very key while it was good is told so again, however late.
            return self._once(key, once, _refusing(refusal))

        def effect(tx: Transaction, now: datetime) -> Answer:
            decision_id, jti = str(claims["decision"]), str(claims["jti"])
            if not tx.decisions.consume(decision_id, jti, now):
                raise self._why_not(tx, decision_id)
            tx.record(_consumption(payment, decision_id, jti, now))
            tx.publish(Event("receipt:consumed", payment.subject, now, {"decision": decision_id}))
            return Answer.of({"consumed_at": rfc3339(now), "decision": decision_id}, created=False)

        return self._once(key, once, effect)

    def _awaited(self, key: ApiKey, decision: Decision, wait: float) -> Decision:
        deadline = time.monotonic() + wait
        pause = self._parts.poll_every.total_seconds()
        while decision.status is Status.CHALLENGE_REQUIRED and time.monotonic() < deadline:
            time.sleep(pause)
            decision = self._own(key, decision.id)
        return decision

    def _issued(self, tx: Transaction, decision: Decision, locale: str, now: datetime) -> Json:
        subject = decision.payment.subject
        code = issuing.issue(tx, subject, decision.id, decision.binding, now)
        tx.record(act("backend", "decision.issue-code", subject, decision.id, "issued", now))
        return issuing.issued_view(code, issued_text(decision.payment, code, locale), now)

    def _matching_claims(self, key: ApiKey, receipt: str, payment: Payment) -> Json:
        claims = self._parts.receipts.read(receipt, key.client, self._clock.now())
        binding = claims["binding"]
        expected = Binding.of(payment)
        if binding != {"v": expected.v, "digest": expected.digest}:
            raise ReceiptMismatch("the receipt is for another payment")
        return claims

    def _why_not(self, tx: Transaction, decision_id: str) -> ReceiptConsumed | ReceiptMismatch:
        decision = tx.decisions.find(decision_id)
        if decision is not None and decision.receipt is not None and decision.receipt.consumed_at is not None:
            return ReceiptConsumed("the receipt was used before")
        return ReceiptMismatch("the receipt is void: its decision was cancelled or taken again")


def _refusing(refusal: AuthsvcError) -> Callable[[Transaction, datetime], Answer]:
    """An effect that does not happen."""

    def effect(tx: Transaction, now: datetime) -> Answer:
        raise refusal

    return effect


def _consumption(payment: Payment, decision_id: str, jti: str, now: datetime) -> Entry:
    details = {"jti": jti, "binding": Binding.of(payment).digest}
    return Entry(now, "backend", "receipt.consume", payment.subject, decision_id, "consumed", details)
