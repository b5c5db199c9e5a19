"""One decision, one user: what somebody looks at who asks why, and what they may do about it.

Freezing is one operator's act, because it only tightens. Unfreezing takes two who are signed in. Every method takes the
operator first, and whoever may not is refused with a line in the audit.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from authsvc.audit.chain import Link, entry
from authsvc.biometric.words import Consent
from authsvc.clock import Clock
from authsvc.device.credential import Device
from authsvc.domain import account_acts as acts
from authsvc.domain.account import Account
from authsvc.domain.decision import Decision
from authsvc.domain.ids import new_id
from authsvc.domain.operator import Act, Operator
from authsvc.domain.payer import act_of
from authsvc.errors import ChallengeClosed, InvalidRequest, NotFound, PolicyInvalid
from authsvc.habit.described import Json, described
from authsvc.operators.parts import actor_of
from authsvc.operators.sessions import Sessions
from authsvc.operators.store import OperatorLedger, OperatorTransaction
from authsvc.operators.unfreezing import REQUEST_LIFE, RequestState, UnfreezeRequest
from authsvc.policy import loading
from authsvc.policy.explain import Explanation, explain
from authsvc.policy.inputs import Inputs
from authsvc.subject import Subject

LATEST = 20
NAMING = 200
"""The latest decisions, by whose names digests of payees and others are read."""

LONGEST_REASON = 200


@dataclass(frozen=True, slots=True)
class Happened:
    """One line of the audit, in its place."""

    chain: str
    seq: int
    body: Any  # Any: the decoded line, whose fields a page reads.


@dataclass(frozen=True, slots=True)
class DecisionCase:
    """`explanation` is what the policy says of the recorded inputs, None where its document is not on record any more."""

    decision: Decision
    explanation: Explanation | None
    outcomes: tuple[tuple[str, datetime], ...]
    timeline: tuple[Happened, ...]


@dataclass(frozen=True, slots=True)
class UserCase:
    account: Account
    devices: tuple[Device, ...]
    consents: tuple[Consent, ...]
    decisions: tuple[Decision, ...]
    timeline: tuple[Happened, ...]
    request: UnfreezeRequest | None
    habits: Json | None
    now: datetime


class Cases:
    def __init__(self, ledger: OperatorLedger, sessions: Sessions, clock: Clock) -> None:
        self._ledger = ledger
        self._sessions = sessions
        self._clock = clock

    # -- Looking ----------------------------------------------------------------------------------------------------

    def decision(self, operator: Operator, decision_id: str) -> DecisionCase:
        """Everything about one decision; raises NotFound."""
        self._sessions.permit(operator, Act.READ_DECISION, decision_id)
        now = self._clock.now()

        def query(tx: OperatorTransaction) -> DecisionCase:
            found = tx.decisions.find(decision_id)
            if found is None:
                raise NotFound("no such decision")
            document = tx.policies.document(found.policy.digest)
            return DecisionCase(
                decision=found.as_of(now),
                explanation=None if document is None else _explained(document, found),
                outcomes=tx.decisions.outcomes(decision_id),
                timeline=_timeline(tx.audit.links_of(decision_id)),
            )

        return self._ledger.read(query)

    def user(self, operator: Operator, subject: Subject) -> UserCase:
        """One user's account, devices, consents and latest decisions; raises NotFound."""
        self._sessions.permit(operator, Act.READ_USER, subject.user)
        now = self._clock.now()

        def query(tx: OperatorTransaction) -> UserCase:
            account = tx.accounts.find(subject)
            if account is None:
                raise NotFound("no such user")
            decisions, habits = tx.decisions.of_user(subject, NAMING), tx.habits.find(account)
            return UserCase(
                account=account,
                devices=tx.accounts.devices(subject),
                consents=tx.templates.consents(subject),
                decisions=decisions[:LATEST],
                habits=None if habits is None else described(habits, map(act_of, decisions), now),
                timeline=_about(subject, tx.audit.links_of(subject.user)),
                request=tx.unfreezes.of_user(subject, now),
                now=now,
            )

        return self._ledger.read(query)

    def users_named(self, operator: Operator, user: str) -> tuple[Subject, ...]:
        """The users of this name, of whichever payment backend."""
        self._sessions.permit(operator, Act.READ_USER, user)

        def query(tx: OperatorTransaction) -> tuple[Subject, ...]:
            subjects = (Subject(client, user) for client in tx.keys.clients())
            return tuple(subject for subject in subjects if tx.accounts.find(subject) is not None)

        return self._ledger.read(query)

    def waiting(self) -> tuple[UnfreezeRequest, ...]:
        """Requests that wait for a second operator."""
        now = self._clock.now()
        return self._ledger.read(lambda tx: tx.unfreezes.waiting(now))

    # -- Acting -----------------------------------------------------------------------------------------------------

    def freeze(self, operator: Operator, subject: Subject, reason: str) -> None:
        """Deny everything for this user from the next request on, on every worker."""
        self._sessions.permit(operator, Act.FREEZE_USER, subject.user)
        why, now = _stated(reason), self._clock.now()

        def unit(tx: OperatorTransaction) -> None:
            acts.freeze(tx, acts.existing(tx, subject), why, actor_of(operator.id), now)

        self._ledger.transact(unit)

    def ask_unfreeze(self, operator: Operator, subject: Subject, reason: str) -> None:
        """The first of two operators says that a user should be unfrozen, and why."""
        self._sessions.permit(operator, Act.UNFREEZE_USER, subject.user)
        now = self._clock.now()
        request = UnfreezeRequest(
            id=new_id("ufr"),
            subject=subject,
            reason=_stated(reason),
            asked_by=operator.id,
            asked_at=now,
            expires_at=now + REQUEST_LIFE,
        )

        def unit(tx: OperatorTransaction) -> None:
            account = acts.existing(tx, subject)
            if not account.is_frozen and not account.attempts.is_stopped(now):
                raise InvalidRequest("the account is neither frozen nor stopped for the month")
            standing = tx.unfreezes.of_user(subject, now)
            if standing is not None and not standing.is_about(account.receipts_after):
                tx.unfreezes.answer(standing.id, RequestState.EXPIRED, operator.id, now)
            if not tx.unfreezes.open(request):
                raise ChallengeClosed("somebody has asked for this already")
            self._record(tx, operator, "user.unfreeze-asked", request, "open", now, why=request.reason)

        self._ledger.transact(unit)

    def confirm_unfreeze(self, operator: Operator, request_id: str) -> Subject:
        """The second of two operators agrees, and decisions are taken again."""
        return self._answer(operator, request_id, RequestState.CONFIRMED)

    def refuse_unfreeze(self, operator: Operator, request_id: str) -> Subject:
        """Another operator does not agree; the account stays frozen."""
        return self._answer(operator, request_id, RequestState.REFUSED)

    def _answer(self, operator: Operator, request_id: str, state: RequestState) -> Subject:
        self._sessions.permit(operator, Act.UNFREEZE_USER, request_id)
        now = self._clock.now()
        asked = self._ledger.read(lambda tx: _request(tx, request_id))
        self._must_be_anothers(operator, asked)

        def unit(tx: OperatorTransaction) -> Subject:
            request = _request(tx, request_id).must_be_open(now)
            if not tx.unfreezes.answer(request_id, state, operator.id, now):
                raise ChallengeClosed("somebody was faster")
            if state is RequestState.CONFIRMED:
                both = (actor_of(request.asked_by), actor_of(operator.id))
                account = acts.existing(tx, request.subject)
                if not request.is_about(account.receipts_after):
                    raise ChallengeClosed("the account was frozen again since; ask anew")
                acts.unfreeze(tx, account, actor_of(operator.id), now, operators=both)
            else:
                self._record(tx, operator, "user.unfreeze-refused", request, state.value, now)
            return request.subject

        return self._ledger.transact(unit)

    def _must_be_anothers(self, operator: Operator, request: UnfreezeRequest) -> None:
        """Nobody answers themselves; that they tried is a line in the audit."""
        if operator.id == request.asked_by:
            now = self._clock.now()
            self._ledger.transact(
                lambda tx: self._record(
                    tx, operator, "operator.act", request, "refused", now, act="own-request"
                )
            )
        request.must_be_anothers(operator.id)

    def _record(
        self,
        tx: OperatorTransaction,
        operator: Operator,
        action: str,
        request: UnfreezeRequest,
        result: str,
        now: datetime,
        **details: object,
    ) -> None:
        actor, subject = actor_of(operator.id), request.subject
        details = {"request": request.id, **details}
        tx.record(entry(actor, action, subject, subject.user, result, now, **details))


def _request(tx: OperatorTransaction, request_id: str) -> UnfreezeRequest:
    found = tx.unfreezes.find(request_id)
    if found is None:
        raise NotFound("no such request")
    return found


def _stated(reason: str) -> str:
    """A reason as it was typed; raises InvalidRequest for none, or for an essay."""
    text = " ".join(reason.split())
    if not 3 <= len(text) <= LONGEST_REASON:
        raise InvalidRequest(f"a reason has 3 to {LONGEST_REASON} characters")
    return text


def _explained(document: str, decision: Decision) -> Explanation | None:
    """What the policy says of the recorded inputs; None for a document that this version of the service does not read."""
    try:
        return explain(loading.from_json(document), Inputs.from_snapshot(decision.inputs))
    except (PolicyInvalid, InvalidRequest):
        return None


def _timeline(links: Sequence[Link]) -> tuple[Happened, ...]:
    """The lines in the order of time, whichever process wrote them."""
    lines = [Happened(link.chain, link.seq, json.loads(link.body)) for link in links]
    return tuple(sorted(lines, key=lambda each: (each.body["at"], each.chain, each.seq)))


def _about(subject: Subject, links: Sequence[Link]) -> tuple[Happened, ...]:
    """The lines about this user and not about another backend's user of the same name, the latest first."""
    named = {"client": subject.client, "user": subject.user}
    found = [each for each in _timeline(links) if each.body["subject"] == named]
    return tuple(reversed(found[-LATEST:]))
