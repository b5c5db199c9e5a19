"""Decisions, for a payment backend: asked for, waited for, issued codes for, cancelled, and how the payment ended."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from datetime import datetime
from typing import get_args

from authsvc.audit.chain import entry
from authsvc.clock import rfc3339
from authsvc.domain.account_table import is_for_the_frozen
from authsvc.domain.decision import Decision, Status
from authsvc.domain.once import Answer, Once
from authsvc.domain.store import Transaction
from authsvc.errors import (
    InvalidRequest,
    TransactionChanged,
)
from authsvc.events import Event
from authsvc.factor import Factor, Json
from authsvc.gait.cycles_engine import walked
from authsvc.http import LONGEST_WAIT, span
from authsvc.keys.access import ApiKey
from authsvc.otp import issued_text
from authsvc.policy.recorded import Ending
from authsvc.services import issuing
from authsvc.services.base import Service, ServiceParts
from authsvc.stepup import learning
from authsvc.stepup.closing import must_have_account
from authsvc.stepup.deciding import DecisionRequest

OUTCOMES = get_args(Ending)


class DecisionService(Service):
    def __init__(self, parts: ServiceParts) -> None:
        super().__init__(parts)
        self._waiting = threading.BoundedSemaphore(parts.longest_waits)

    def decide(self, key: ApiKey, once: Once, request: DecisionRequest) -> Answer:
        """Decide a payment; `created` tells a new decision from the open one that stands."""
        with span("decide"):
            return self._decided(key, once, self._walked(request))

    def _walked(self, request: DecisionRequest) -> DecisionRequest:
        """With what a recording says of a walk, which is computed before the store is asked for anything."""
        if request.recording is None:
            return request
        if not self._parts.gait:
            raise InvalidRequest("`gait` is not taken here: it is a pilot, and switched off")
        return replace(request, walked=walked(request.recording))

    def _decided(self, key: ApiKey, once: Once, request: DecisionRequest) -> Answer:
        fresh: Decision | None = None

        def effect(tx: Transaction, now: datetime) -> Answer:
            nonlocal fresh
            decided = self._stepup.decide(tx, request, now)
            if isinstance(decided, TransactionChanged):
                return Answer.refusal(decided)
            fresh = decided.decision if decided.created else None
            return Answer.of(self._rendered(decided.decision), created=decided.created)

        answer = self._once(key, once, effect, (request.payment, request.device.id))
        if fresh is not None and not answer.replayed:
            self._parts.shadow.watch(fresh)
        return answer

    def find(self, key: ApiKey, decision_id: str, wait: float = 0.0) -> Json:
        """A decision, once it is no longer open or `wait` seconds have passed.

        Waiting is bounded: past `longest_waits` at a time the answer comes at once, and the caller asks again.
        """
        decision = self._own(key, decision_id)
        if wait > 0 and self._waiting.acquire(blocking=False):
            try:
                decision = self._awaited(key, decision, min(wait, LONGEST_WAIT))
            finally:
                self._waiting.release()
        return self._rendered(decision)

    def issue_code(self, key: ApiKey, once: Once, decision_id: str, locale: str | None) -> Answer:
        """A code for this payment and no other, with the sentence to send; an earlier one becomes void."""

        def effect(tx: Transaction, now: datetime) -> Answer:
            decision = self._own_in(tx, key, decision_id, now)
            if not decision.open_challenge().asks(Factor.OTP):
                raise InvalidRequest("this challenge does not ask for a code")
            must_have_account(tx, decision)
            return Answer.of(self._issued(tx, decision, locale or decision.locale, now))

        return self._once(key, once, effect)

    def cancel(self, key: ApiKey, decision_id: str) -> Json:
        """Close a challenge, or make an unused receipt void."""
        now = self._clock.now()
        return self._rendered(
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
                tx.record(entry("backend", "decision.outcome", subject, decision_id, outcome, now))
                data = {"decision": decision_id, "outcome": outcome}
                tx.publish(Event("decision:outcome:recorded", subject, now, data))
                learning.note(tx, decision, outcome, now, self._parts.habit_wait)

        self._ledger.transact(unit)
        return {"decision": decision_id, "outcome": outcome, "recorded_at": rfc3339(now)}

    def _awaited(self, key: ApiKey, decision: Decision, wait: float) -> Decision:
        deadline = time.monotonic() + wait
        pause = self._parts.poll_every.total_seconds()
        while decision.status is Status.CHALLENGE_REQUIRED and time.monotonic() < deadline:
            time.sleep(pause)
            decision = self._own(key, decision.id)
        return decision

    def _sender(self, decision: Decision) -> str:
        return decision.passed.merchant_name or self._parts.service_name

    def _issued(self, tx: Transaction, decision: Decision, locale: str, now: datetime) -> Json:
        subject = decision.payment.subject
        frozen = is_for_the_frozen(decision.payment.type)
        code = issuing.issue(tx, subject, decision.id, decision.binding, now, frozen=frozen)
        tx.record(entry("backend", "decision.issue-code", subject, decision.id, "issued", now))
        return issuing.issued_view(
            code, issued_text(decision.payment, code, locale, self._sender(decision)), now
        )
