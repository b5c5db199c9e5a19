"""Enrollment: a one-time ticket of the payment backend, then step by step; nothing counts until `complete`, and then all of it.

What a person has done so far waits sealed in the short-lived store, so a half-finished enrollment leaves nothing behind.
On which grounds a person may enroll is the ticket's; somebody who has lost the phone proves it first (`recovery`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Protocol, TypeVar

from authsvc.audit.chain import Entry, entry
from authsvc.biometric.words import Modality
from authsvc.clock import Clock
from authsvc.domain.account import Account, AccountStatus
from authsvc.domain.ids import new_id
from authsvc.domain.store import Ledger, Transaction
from authsvc.domain.ticket import (
    CAPTURES,
    PROVING,
    TICKET_LIFE,
    EnrollmentStep,
    Grounds,
    Recovery,
    Ticket,
    TicketState,
)
from authsvc.enrolling.lost_phone import give_up_lost_phone
from authsvc.enrolling.recovery import Recovering
from authsvc.enrolling.staging import Staging, strings_of
from authsvc.enrolling.steps.consent import consented
from authsvc.enrolling.steps.step import Step, When
from authsvc.errors import ChallengeClosed, InvalidRequest, NotFound, ProofRequired
from authsvc.events import Event
from authsvc.face.copies import is_copy
from authsvc.face.verifier import ids_of
from authsvc.factor import Json, Submission, Unusable
from authsvc.keys.macs import Macs
from authsvc.otp import new_recovery_codes, recovery_digest
from authsvc.stepup.marks import carrying, marked, use_up
from authsvc.subject import Subject, working_for

TICK = timedelta(milliseconds=1)
"""What the store keeps of a time."""

Completion = TypeVar("Completion")


class Keys(Protocol):
    def new_subject_key(self, subject: Subject) -> bytes:
        """A fresh wrapped key under which everything of this subject is sealed."""


@dataclass(frozen=True, slots=True)
class EnrollmentParts:
    """What enrollment is wired with; `steps` in the order in which they are taken, `cooling` how long what is new waits."""

    ledger: Ledger
    staging: Staging
    macs: Macs
    keys: Keys
    steps: Sequence[Step]
    recovering: Recovering
    clock: Clock
    cooling: timedelta
    reuses_faces: bool = False


class Enrolling:
    def __init__(self, parts: EnrollmentParts) -> None:
        self._ledger = parts.ledger
        self._staging = parts.staging
        self._macs = parts.macs
        self._keys = parts.keys
        self._steps: Mapping[EnrollmentStep, Step] = {each.step: each for each in parts.steps}
        self._recovering = parts.recovering
        self._clock = parts.clock
        self._cooling = parts.cooling
        self._reuses_faces = parts.reuses_faces

    def open(
        self,
        tx: Transaction,
        subject: Subject,
        locale: str,
        return_url: str | None,
        grounds: Grounds,
        recovery: Recovery | None,
        display_name: str | None,
        now: datetime,
    ) -> Ticket:
        """A ticket; the account is made with the first thing that counts. The caller has checked the grounds."""
        account = tx.accounts.find(subject)
        if account is not None and account.status is not AccountStatus.ERASED:
            account.must_be_active()
        expires_at = now + TICKET_LIFE
        ticket = Ticket(
            id=new_id("enr"),
            subject=subject,
            state=TicketState.OPEN,
            locale=locale,
            expires_at=expires_at,
            return_url=return_url,
            grounds=grounds,
            recovery=recovery,
            display_name=display_name,
        )
        tx.tickets.add(ticket, now)
        operators = {} if recovery is None else {"operators": list(recovery.operators)}
        tx.record(_entry(ticket, "backend", "open", "open", now, grounds=grounds.value, **operators))
        return ticket

    def find(self, enrollment_id: str) -> Ticket:
        """An open ticket; raises NotFound, or ChallengeClosed once it is used or its time is over."""
        ticket = self._ledger.read(lambda tx: tx.tickets.find(enrollment_id))
        if ticket is None:
            raise NotFound("no such enrollment")
        return ticket.must_be_open(self._clock.now())

    def done(self, ticket: Ticket) -> tuple[EnrollmentStep, ...]:
        """The steps whose evidence is in."""
        proving = () if ticket.recovery is None else self._recovering.received(ticket)
        return (*proving, *self._all_staged(ticket))

    def offered(self, ticket: Ticket) -> tuple[EnrollmentStep, ...]:
        """The steps that can be taken now: those of a recovery until it is proven, and then what can be enrolled."""
        if ticket.recovery is not None and not ticket.recovery.is_proven:
            return self._recovering.offered(ticket)
        return tuple(name for name, step in self._steps.items() if step.is_offered())

    def consented(self, ticket: Ticket) -> tuple[str, ...]:
        """The modalities that the person has agreed to in this enrollment."""
        return consented(self._staging, ticket)

    def begin(self, ticket: Ticket, step: EnrollmentStep) -> Json:
        """Start a step; returns what the page renders."""
        self._staging.count_try(ticket, step)
        if step in PROVING:
            return self._recovering.begin(ticket, step)
        begun = self._step(ticket, step).begin(ticket, self._clock.now())
        self._staging.begin(ticket, step, begun.kept)
        return begun.sent

    def receive(self, ticket: Ticket, step: EnrollmentStep, submission: Submission) -> Json | Unusable:
        """Take a step's evidence; answering a step again replaces what was given before."""
        self._staging.count_try(ticket, step)
        with working_for(ticket.subject):
            if step in PROVING:
                return self._recovering.receive(ticket, step, submission)
            return self._take(ticket, step, submission)

    def _take(self, ticket: Ticket, step: EnrollmentStep, submission: Submission) -> Json | Unusable:
        taking = self._step(ticket, step)
        begun = (self._staging.take_begun if taking.once else self._staging.begun)(ticket, step)
        if begun is None:
            raise InvalidRequest(f"the step `{step}` has not begun")
        captures = not (self._reuses_faces and step is EnrollmentStep.FACE)
        # A step that takes its evidence in parts hands the marks on.
        begun = marked(begun, begun, submission, captures=captures)
        taken = taking.take(ticket, begun, submission, self._clock.now())
        if isinstance(taken, Unusable):
            return taken
        if taken.staged is not None:
            self._staging.stage(ticket, step, carrying(taken.staged, begun))
        return {"state": "received", **taken.sent}

    def complete(
        self, ticket: Ticket, within: Callable[[Transaction, Callable[[], Json]], Completion]
    ) -> Completion:
        """Make everything count, in one transaction. With it comes what is shown once: the recovery codes.

        `within` is handed the transaction and what is to be done in it, and says what becomes of the result.
        """
        ticket.must_be_proven()
        staged = self._all_staged(ticket)
        # How somebody walks proves nothing, so a first enrollment of it alone would leave an account that nobody can use.
        nothing = {
            EnrollmentStep.CONSENT,
            *((EnrollmentStep.GAIT,) if ticket.grounds is Grounds.FIRST else ()),
        }
        if not set(staged) - nothing:
            raise InvalidRequest("nothing has been enrolled yet")
        now = self._clock.now()
        # After a recovery the old codes are void as well: whoever has the lost phone may have them.
        renews = ticket.grounds is not Grounds.RECEIPT or EnrollmentStep.OTP in staged
        codes = new_recovery_codes() if renews else ()
        done = self._ledger.transact(
            lambda tx: within(tx, lambda: self._completed(tx, ticket, staged, codes, now))
        )
        for step in self._steps:
            self._staging.forget(ticket, step)
        return done

    def _completed(
        self,
        tx: Transaction,
        ticket: Ticket,
        staged: Mapping[EnrollmentStep, Json],
        codes: tuple[str, ...],
        now: datetime,
    ) -> Json:
        account = self._apply(tx, ticket, staged, codes, now)
        factors = sorted(factor.value for factor in account.factors)
        return {
            "status": "completed",
            "factors": factors,
            "recovery_codes": list(codes),
            "return_url": ticket.return_url,
        }

    def _apply(
        self,
        tx: Transaction,
        ticket: Ticket,
        staged: Mapping[EnrollmentStep, Json],
        codes: tuple[str, ...],
        now: datetime,
    ) -> Account:
        if not tx.tickets.close(ticket.id, TicketState.COMPLETED, now):
            raise ChallengeClosed("the enrollment is over")
        is_new = tx.accounts.find(ticket.subject) is None
        account = self._entitled(tx, ticket, now)
        # The ticket vouches for somebody of whom nothing was ever known; whoever was known before may have a thief.
        when = When(now, now if is_new else now + self._cooling)
        if ticket.recovery is not None:
            account = give_up_lost_phone(tx, ticket, account, now, with_app=EnrollmentStep.OTP in staged)
        for step, evidence in staged.items():
            self._must_be_fresh(tx, ticket, step, evidence, now)
            account = self._steps[step].apply(tx, ticket, account, evidence, when)
        if codes:
            macs = [self._macs.mac("recovery-code", recovery_digest(code)) for code in codes]
            keeps = ticket.grounds is Grounds.RECEIPT
            tx.codes.replace_recovery_codes(ticket.subject, macs, now, when.counts_from, keeps=keeps)
            tx.publish(Event("subject:recovery-codes:renewed", ticket.subject, now, when.event_data()))
        steps = sorted(staged)
        tx.record(_entry(ticket, "person", "complete", "completed", now, steps=steps))
        tx.publish(Event("subject:enrolled", ticket.subject, now, {"steps": steps}))
        return tx.accounts.save(account)

    def _must_be_fresh(
        self, tx: Transaction, ticket: Ticket, step: EnrollmentStep, evidence: Json, now: datetime
    ) -> None:
        """Raises InvalidRequest for a capture that counted before, here or for a payment."""
        if not use_up(tx, ticket.subject, evidence, now) or self._is_copy(tx, ticket, step, evidence):
            raise InvalidRequest(f"the capture for `{step}` was used before; take another")

    def _is_copy(self, tx: Transaction, ticket: Ticket, step: EnrollmentStep, evidence: Json) -> bool:
        seen = strings_of(evidence.get("fingerprints", ()))
        if not seen or (self._reuses_faces and step is EnrollmentStep.FACE):
            return False
        remembered = tx.templates.captures(ticket.subject, Modality(step.value))
        return is_copy(seen, remembered, ids_of(evidence))

    def _entitled(self, tx: Transaction, ticket: Ticket, now: datetime) -> Account:
        """The account, if the ticket's grounds still hold; a new one for somebody who has none."""
        account = tx.accounts.find(ticket.subject)
        if account is None or account.status is AccountStatus.ERASED:
            return self._made_account(tx, ticket, account, now)
        if ticket.grounds is Grounds.FIRST:
            raise ProofRequired(
                "something was enrolled in between; what stands is replaced with a proof only"
            )
        return account.must_be_active()

    def _made_account(
        self, tx: Transaction, ticket: Ticket, erased: Account | None, now: datetime
    ) -> Account:
        """An account for a first enrollment, with a key that nothing was sealed under before."""
        if ticket.grounds is not Grounds.FIRST:
            raise NotFound("no such user")
        key = self._keys.new_subject_key(ticket.subject)
        fresh = Account(ticket.subject, now, locale=ticket.locale, sealing_key=key)
        if erased is None:
            return tx.accounts.add(fresh)
        # Whatever is as old as the erasure is older than this account, also within one millisecond and on a slower clock.
        over = erased.receipts_after or now
        began = max(now, over + TICK)
        return tx.accounts.save(
            replace(fresh, created_at=began, version=erased.version, receipts_after=erased.receipts_after)
        )

    def _all_staged(self, ticket: Ticket) -> dict[EnrollmentStep, Json]:
        found = {step: self._staging.staged(ticket, step) for step in self._steps}
        # Who records a face and then says no to it has said no.
        agreed = {*consented(self._staging, ticket), *(set(EnrollmentStep) - CAPTURES)}
        return {step: staged for step, staged in found.items() if staged is not None and step in agreed}

    def _step(self, ticket: Ticket, step: EnrollmentStep) -> Step:
        ticket.must_be_proven()
        if step not in self._steps or not self._steps[step].is_offered():
            raise InvalidRequest(f"the step `{step}` is not offered here")
        return self._steps[step]


def _entry(ticket: Ticket, actor: str, action: str, result: str, now: datetime, **details: object) -> Entry:
    return entry(actor, f"enrollment.{action}", ticket.subject, ticket.id, result, now, **details)
