"""Enrollments: who may enroll on which grounds, and the steps of whoever holds the ticket's token."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from authsvc.audit.chain import entry
from authsvc.domain.account import Account, AccountStatus
from authsvc.domain.account_acts import two_operators
from authsvc.domain.account_proof import use_proof
from authsvc.domain.once import Answer, Once
from authsvc.domain.store import Transaction
from authsvc.domain.ticket import TICKET_LIFE, EnrollmentStep, Grounds, Recovery, Ticket
from authsvc.errors import CaptureUnusable, ChallengeClosed, InvalidRequest, NotFound, Unauthenticated
from authsvc.factor import Json, Submission, Unusable
from authsvc.keys.access import ApiKey, Scope, must_open, object_token
from authsvc.otp import recovery_text
from authsvc.payment import Binding
from authsvc.services import issuing
from authsvc.services.base import Service
from authsvc.services.hints import hints_view
from authsvc.services.views import enrollment_view, ticket_view
from authsvc.subject import Subject


@dataclass(frozen=True, slots=True)
class TicketWanted:
    """What the backend asks for. `operators` vouch for somebody who recovers, in place of the second proof.

    `display_name` is what the person's authenticators call the account.
    """

    user_id: str
    locale: str
    proof: str | None = None
    return_url: str | None = None
    recovery: bool = False
    operators: tuple[str, ...] = ()
    display_name: str | None = None


class EnrollmentService(Service):
    def create(self, key: ApiKey, once: Once, wanted: TicketWanted) -> Answer:
        """A ticket. Whoever has factors needs `proof`, a receipt for an `enrollment` at the highest level, or recovers.

        Raises InsufficientScope where operators are named by a key that may not speak for accounts.
        """
        if wanted.operators:
            _must_vouch(key)
        subject = Subject(key.client, wanted.user_id)

        def effect(tx: Transaction, now: datetime) -> Answer:
            account = tx.accounts.find(subject)
            grounds = self._grounds(tx, account, wanted, now)
            recovery = Recovery(_vouching(wanted.operators)) if grounds is Grounds.RECOVERY else None
            ticket = self._parts.enrolling.open(
                tx, subject, wanted.locale, wanted.return_url, grounds, recovery, wanted.display_name, now
            )
            token = object_token(self._parts.macs, "et", ticket.id)
            return Answer.of(ticket_view(ticket, token, f"{self._parts.base_url}/e/{ticket.id}"))

        return self._once(key, once, effect)

    def issue_code(self, key: ApiKey, once: Once, enrollment_id: str, locale: str | None) -> Answer:
        """A code with which somebody proves a recovery, with the sentence to send; an earlier one becomes void."""

        def effect(tx: Transaction, now: datetime) -> Answer:
            ticket = self._own_ticket(tx, key, enrollment_id, now)
            ticket.recovering()
            code = issuing.issue(tx, ticket.subject, ticket.id, Binding.of(ticket.as_payment()), now)
            tx.record(entry("backend", "enrollment.issue-code", ticket.subject, ticket.id, "issued", now))
            return Answer.of(
                issuing.issued_view(
                    code, recovery_text(code, locale or ticket.locale, self._parts.service_name), now
                )
            )

        return self._once(key, once, effect)

    def find(self, enrollment_id: str, token: str) -> Json:
        ticket, enrolling = self._ticket(enrollment_id, token), self._parts.enrolling
        return enrollment_view(
            ticket, enrolling.offered(ticket), enrolling.done(ticket), enrolling.consented(ticket)
        )

    def begin_step(self, enrollment_id: str, token: str, step: str, fields: Json) -> Json:
        ticket = self._ticket(enrollment_id, token)
        return self._parts.enrolling.begin(ticket, EnrollmentStep(step))

    def take_step(self, enrollment_id: str, token: str, step: str, submission: Submission) -> Json:
        """Take a step's evidence; raises CaptureUnusable with what the person can do better."""
        ticket, asked = self._ticket(enrollment_id, token), EnrollmentStep(step)
        answer = self._parts.enrolling.receive(ticket, asked, submission)
        if isinstance(answer, Unusable):
            hints = hints_view(asked.removeprefix("proof_"), answer, ticket.locale)
            raise CaptureUnusable("the capture cannot be used", hints=hints)
        return answer

    def complete(self, enrollment_id: str, token: str, once: Once | None = None) -> Answer:
        """Make it count; under an Idempotency-Key the answer, recovery codes and all, is sent again for a quarter of an hour.

        It is looked for first, since the ticket is used up by then; the token opens it all the same.
        """
        must_open(self._parts.macs, "et", enrollment_id, token)
        now = self._clock.now()
        if once is None:
            return self._parts.enrolling.complete(
                self._ticket(enrollment_id, token), lambda tx, effect: Answer.of(effect())
            )
        return self._stored(enrollment_id, once, now) or self._completed_once(enrollment_id, token, once, now)

    def _completed_once(self, enrollment_id: str, token: str, once: Once, now: datetime) -> Answer:
        answers = self._parts.answers
        try:
            return self._parts.enrolling.complete(
                self._ticket(enrollment_id, token),
                lambda tx, effect: answers.run(
                    tx, enrollment_id, once, now, lambda: Answer.of(effect()), TICKET_LIFE
                ),
            )
        except (ChallengeClosed, InvalidRequest):
            # Its own first copy may have used the ticket up since the answer was looked for.
            stored = self._stored(enrollment_id, once, now)
            if stored is None:
                raise
            return stored

    def _stored(self, enrollment_id: str, once: Once, now: datetime) -> Answer | None:
        return self._ledger.read(lambda tx: self._parts.answers.find(tx, enrollment_id, once, now))

    def _grounds(
        self, tx: Transaction, account: Account | None, wanted: TicketWanted, now: datetime
    ) -> Grounds:
        # Made with the first thing that counts, it is never new again, whatever was taken away since.
        exists = account is not None and account.status is not AccountStatus.ERASED
        if wanted.recovery and wanted.proof is not None:
            raise InvalidRequest("`proof` and `recovery` are two different grounds; send one of them")
        if wanted.operators and not wanted.recovery:
            raise InvalidRequest("`operators` vouch for a `recovery` only")
        if wanted.recovery and not exists:
            raise InvalidRequest("`recovery` is for a user who has enrolled something")
        if wanted.recovery:
            return Grounds.RECOVERY
        if account is None or not exists:
            return Grounds.FIRST
        use_proof(tx, self._parts.receipts, account, wanted.proof, "enrollment", now)
        return Grounds.RECEIPT

    def _ticket(self, enrollment_id: str, token: str) -> Ticket:
        must_open(self._parts.macs, "et", enrollment_id, token)
        try:
            return self._parts.enrolling.find(enrollment_id)
        except NotFound:
            raise Unauthenticated("the token does not open this object") from None

    def _own_ticket(self, tx: Transaction, key: ApiKey, enrollment_id: str, now: datetime) -> Ticket:
        """An open ticket of this client; another client's is not found."""
        ticket = tx.tickets.find(enrollment_id)
        if ticket is None or ticket.subject.client != key.client:
            raise NotFound("no such enrollment")
        return ticket.must_be_open(now)


def _must_vouch(key: ApiKey) -> None:
    """Two operators' word is a proof, and whoever may open tickets cannot make one up."""
    key.must_have(Scope.ACCOUNTS)


def _vouching(named: Sequence[str]) -> tuple[str, ...]:
    """The operators of a recovery, none or at least two different ones; raises InvalidRequest for a single one."""
    operators = two_operators(named)
    if named and not operators:
        raise InvalidRequest("`operators` must name two different people")
    return operators
