"""What every service is made of: the parts it is wired with, and what all of them do the same way."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from authsvc.audit.checkpoint import Checkpoint
from authsvc.clock import Clock
from authsvc.domain.decision import Decision, Status
from authsvc.domain.ids import twin
from authsvc.domain.once import Answer, Answers, Once
from authsvc.domain.receipt import ReceiptIssuer, ReceiptReader
from authsvc.domain.store import Ahead, Ledger, Transaction
from authsvc.enrolling.flow import Enrolling
from authsvc.ephemeral import Ephemeral
from authsvc.errors import NotFound
from authsvc.factor import Json
from authsvc.keys.access import ApiKey, KeyAdmission, object_token
from authsvc.keys.macs import Macs
from authsvc.operators.sessions import Sessions
from authsvc.payment import Payment
from authsvc.policy.warning_texts import WarningTexts
from authsvc.policy_life.service import PolicyService
from authsvc.policy_life.shadowing import Shadowing
from authsvc.services.views import decision_view
from authsvc.stepup.flow import StepUp
from authsvc.webhook.guard import Guard


class Health(Protocol):
    """Asks what the service depends on."""

    def check(self) -> tuple[bool, Json]:
        """Whether requests can be served, and what was found."""


class AuditLog(Protocol):
    """The audit log, read for auditors."""

    def page(self, client: str, chain: str, seq: int, limit: int) -> Sequence[Json]: ...

    def checkpoints(self, after: int, limit: int) -> Sequence[Checkpoint]: ...

    def evidence(self, decision: Decision) -> Json:
        """A bundle that a third party can verify without the service."""


@dataclass(frozen=True, slots=True)
class ServiceParts:
    """`base_url` is where people reach the service; `longest_waits` bounds how many requests may wait at a time.

    `keep_decisions` and `keep_events` are how long these are kept; `habit_wait` is how long a settled payment stands before it
    is learned from; `gait` says whether recordings of a walk are taken; `warning_texts` are the words of warnings, `web_origins`
    the sites whose device keys count, `service_name` is what messages are signed with.
    """

    ledger: Ledger
    stepup: StepUp
    enrolling: Enrolling
    keys: KeyAdmission
    macs: Macs
    answers: Answers
    ephemeral: Ephemeral
    receipts: ReceiptReader
    policies: PolicyService
    shadow: Shadowing
    issuer: ReceiptIssuer
    audit: AuditLog
    sessions: Sessions
    health: Health
    jwks: Callable[[], Json]
    web_origins: tuple[str, ...]
    clock: Clock
    webhook_guard: Guard
    base_url: str
    habit_wait: timedelta
    warning_texts: WarningTexts
    keep_decisions: timedelta
    keep_events: timedelta
    service_name: str
    gait: bool = False
    longest_waits: int = 8
    poll_every: timedelta = field(default=timedelta(milliseconds=200))


class Service:
    """The common part of all services."""

    def __init__(self, parts: ServiceParts) -> None:
        self._parts = parts
        self._ledger = parts.ledger
        self._stepup = parts.stepup
        self._clock = parts.clock

    def _once(
        self,
        key: ApiKey,
        once: Once,
        effect: Callable[[Transaction, datetime], Answer],
        about: tuple[Payment, str | None] | None = None,
    ) -> Answer:
        """Run an effect in one transaction with its stored answer; `about` hints at the payer and device looked up."""
        now = self._clock.now()
        return self._ledger.transact(
            lambda tx: self._parts.answers.run(tx, key.client, once, now, lambda: effect(tx, now)),
            None if about is None else Ahead(*about, once.key, now),
        )

    def _rendered(self, decision: Decision) -> Json:
        """A decision as its backend sees it, with the token and address of its challenge while that is open."""
        if decision.challenge is None or decision.status is not Status.CHALLENGE_REQUIRED:
            return decision_view(decision, None, None)
        token = object_token(self._parts.macs, "ct", decision.challenge.id)
        return decision_view(decision, token, f"{self._parts.base_url}/c/{decision.challenge.id}")

    def _own(self, key: ApiKey, decision_id: str) -> Decision:
        """A decision of this client; another client's is not found."""
        decision = self._stepup.find(decision_id)
        if decision.payment.subject.client != key.client:
            raise NotFound("no such decision")
        return decision

    def _own_in(self, tx: Transaction, key: ApiKey, decision_id: str, now: datetime) -> Decision:
        decision = tx.decisions.find(decision_id)
        if decision is None or decision.payment.subject.client != key.client:
            raise NotFound("no such decision")
        return decision.as_of(now)


def challenge_decision(challenge_id: str) -> str:
    """The decision that a challenge belongs to."""
    return twin(challenge_id, "dec")
