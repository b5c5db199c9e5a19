"""The lost phone: two independent proofs within one enrollment, before anything may be enrolled (requirement 11).

One of the ten recovery codes, and beside it the enrolled face, a one-time code, or two operators who vouch for the person.
What comes in is judged at once, and no answer says which of the two was wrong. An attempt is charged before it is judged, on
the account, so that it counts like any other failure. Completing the enrollment uses the code up (`lost_phone`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from authsvc.audit.chain import Entry, entry
from authsvc.biometric.words import Gates, Modality
from authsvc.clock import Clock
from authsvc.domain.account_acts import charge_attempt, existing
from authsvc.domain.store import Ledger, Transaction
from authsvc.domain.ticket import (
    ISSUED_CODE,
    OPERATORS,
    PROOFS,
    RECOVERY_CODE,
    EnrollmentStep,
    Recovery,
    Ticket,
    TicketState,
)
from authsvc.errors import ChallengeClosed, ChallengeFailed, InvalidRequest
from authsvc.events import Event, Tally
from authsvc.factor import Begun, Factor, FactorVerifier, Json, More, Step, Submission, Unusable, Verification
from authsvc.keys.macs import Macs
from authsvc.otp import read_recovery_code, recovery_digest
from authsvc.payment import Binding
from authsvc.stepup.ceremony import Ceremonies
from authsvc.stepup.marks import marked, use_up


@dataclass(frozen=True, slots=True)
class RecoveryParts:
    """What recovery is wired with. `target_fmr` is the policy's for a modality, None where it asks for none;
    `liveness` and `gestures` those of its strictest level."""

    ledger: Ledger
    verifiers: Mapping[Factor, FactorVerifier[Transaction]]
    ceremonies: Ceremonies
    target_fmr: Callable[[Modality], str | None]
    liveness: Callable[[], Gates]
    gestures: Callable[[], int]
    macs: Macs
    tally: Tally
    clock: Clock
    reuses_faces: bool = False


@dataclass(frozen=True, slots=True)
class _Attempt:
    """One try: the proof that stands beside the code, if one is asked for, and when the try was charged."""

    factor: Factor | None
    evidence: Json
    charged_at: datetime

    @property
    def factors(self) -> tuple[Factor, ...]:
        return () if self.factor is None else (self.factor,)


class Recovering:
    def __init__(self, parts: RecoveryParts) -> None:
        self._parts = parts
        self._ledger = parts.ledger
        self._clock = parts.clock

    # -- What a person may do ---------------------------------------------------------------------------------------

    def offered(self, ticket: Ticket) -> tuple[EnrollmentStep, ...]:
        """The code, and whatever may stand beside it; nothing more once it is proven."""
        recovery = ticket.recovering()
        if recovery.is_proven:
            return ()
        return (EnrollmentStep.RECOVERY, *(() if recovery.operators else self._proofs(ticket)))

    def received(self, ticket: Ticket) -> tuple[EnrollmentStep, ...]:
        return (EnrollmentStep.RECOVERY,) if ticket.recovering().code is not None else ()

    def begin(self, ticket: Ticket, step: EnrollmentStep) -> Json:
        """Start a step; returns what the page renders."""
        self._must_offer(ticket, step)
        if step is EnrollmentStep.RECOVERY:
            return {"attempts_remaining": ticket.recovering().attempts_remaining}
        asked = self._asked(ticket, step.factor)
        if self._parts.ceremonies.take_revealed(asked, step.factor):
            asked = self._asked(self._give_up(ticket, step.factor), step.factor)
        begun = self._parts.verifiers[step.factor].begin(asked, self._clock.now())
        self._parts.ceremonies.begin(asked, step.factor, begun)
        return begun.sent

    def receive(self, ticket: Ticket, step: EnrollmentStep, submission: Submission) -> Json | Unusable:
        """Take a step's evidence; the one that completes the pair is judged, and raises ChallengeFailed for a wrong pair."""
        self._must_offer(ticket, step)
        if step is EnrollmentStep.RECOVERY:
            return self._take_code(ticket, submission)
        return self._take_proof(ticket, step.factor, submission)

    def _take_code(self, ticket: Ticket, submission: Submission) -> Json:
        digests = [recovery_digest(code) for code in read_recovery_code(submission.fields.get("code"))]
        macs = [mac for each in digests for mac in self._parts.macs.mac_candidates("recovery-code", each)]
        now = self._clock.now()

        def unit(tx: Transaction) -> None:
            found = _open(tx, ticket, now)
            code = tx.codes.find_recovery_code(found.subject, macs, now)
            tx.tickets.save_recovery(found, found.recovering().given(code or b""))

        self._ledger.transact(unit)
        if ticket.recovering().operators:
            self._prove(ticket, None, {})
        return {"state": "received"}

    def _take_proof(self, ticket: Ticket, factor: Factor, submission: Submission) -> Json | Unusable:
        if ticket.recovering().code is None:
            raise InvalidRequest("the recovery code comes first")
        asked, ceremonies = self._asked(ticket, factor), self._parts.ceremonies
        kept = ceremonies.take_begun(asked, factor)
        if kept is None:
            raise InvalidRequest("this proof has not begun, or its evidence was taken already; begin again")
        received = self._parts.verifiers[factor].receive(asked, kept, submission, self._clock.now())
        if isinstance(received, Unusable):
            ceremonies.restore(asked, factor, kept)
            return received
        captures = not (self._parts.reuses_faces and factor is Factor.FACE)
        evidence = marked(received.kept, kept, submission, captures=captures)
        if isinstance(received, More):
            ceremonies.begin(asked, factor, Begun(received.sent, evidence))
            if received.reveals:
                ceremonies.keep_revealed(asked, factor)
            return received.sent
        self._prove(ticket, factor, evidence)
        return {"state": "received"}

    # -- How it is judged -------------------------------------------------------------------------------------------

    def _prove(self, ticket: Ticket, factor: Factor | None, evidence: Json) -> None:
        """Charge, and then judge both proofs at once, in two transactions: a rollback hands nothing back."""
        attempt = _Attempt(factor, evidence, self._clock.now())
        admitted = self._ledger.transact(lambda tx: self._charge(tx, ticket, attempt))
        judged = self._ledger.transact(lambda tx: self._judge(tx, ticket, attempt, admitted))
        self._parts.tally.judged("recovery", "passed" if judged.is_proven else "failed")
        if not judged.is_proven:
            raise ChallengeFailed(
                "what was shown does not prove it", attempts_remaining=judged.attempts_remaining
            )

    def _give_up(self, ticket: Ticket, factor: Factor) -> Ticket:
        """Charge a try that will never be judged: whoever begins anew could have prepared.

        Raises ChallengeClosed with the last one.
        """
        attempt = _Attempt(factor, {"template": None}, self._clock.now())
        self._ledger.transact(lambda tx: self._charge(tx, ticket, attempt))
        self._ledger.transact(lambda tx: self._judge(tx, ticket, attempt, False))
        return self._ledger.read(lambda tx: _open(tx, ticket, attempt.charged_at))

    def _charge(self, tx: Transaction, ticket: Ticket, attempt: _Attempt) -> bool:
        """Whether the attempt may be judged at all; a locked user goes through the same two transactions."""
        found = _open(tx, ticket, attempt.charged_at)
        account = existing(tx, found.subject).must_be_active()
        tx.tickets.save_recovery(found, found.recovering().charged())
        return charge_attempt(tx, account, attempt.factors, attempt.charged_at, recovering=True)

    def _judge(self, tx: Transaction, ticket: Ticket, attempt: _Attempt, admitted: bool) -> Recovery:
        now = self._clock.now()
        found = _open(tx, ticket, now)
        tx.accounts.hold(found.subject)
        account, recovery = existing(tx, found.subject).must_be_active(), found.recovering()
        result = self._settle(tx, found, attempt, now) if admitted else None
        code_stands = tx.codes.find_recovery_code(found.subject, (recovery.code or b"",), now) is not None
        waiting = account.standing.waiting(now)
        second = _second(recovery, result, waiting)
        passed = admitted and code_stands and second is not None
        tx.record(_judgement(found, passed, admitted, code_stands, result, now))
        if passed and second is not None:
            attempts = account.attempts.hand_back(attempt.factors, attempt.charged_at)
            tx.accounts.save(replace(account, attempts=attempts))
            recovery = recovery.proven(RECOVERY_CODE, second)
            tx.tickets.save_recovery(found, recovery)
        elif recovery.attempts_remaining == 0:
            tx.tickets.close(found.id, TicketState.CANCELLED, now)
        return recovery

    def _settle(
        self, tx: Transaction, ticket: Ticket, attempt: _Attempt, now: datetime
    ) -> Verification | None:
        if attempt.factor is None:
            return None
        verifier = self._parts.verifiers[attempt.factor]
        result = verifier.settle(tx, self._asked(ticket, attempt.factor), attempt.evidence, now)
        if result.passed and not use_up(tx, ticket.subject, attempt.evidence, now):
            result = replace(result, passed=False, reason="used before", alarm="presentation")
        if result.alarm is not None:
            data = {"enrollment": ticket.id, "factor": result.factor.value, "alarm": result.alarm}
            tx.publish(Event("attack:suspected", ticket.subject, now, data))
        return result

    # -- Shared -----------------------------------------------------------------------------------------------------

    def _must_offer(self, ticket: Ticket, step: EnrollmentStep) -> None:
        if step not in self.offered(ticket):
            raise InvalidRequest(f"the step `{step}` is not offered here")

    def _proofs(self, ticket: Ticket) -> tuple[EnrollmentStep, ...]:
        """A one-time code can always be issued; a face must be enrolled, and be judged here at all."""
        account = self._ledger.read(lambda tx: existing(tx, ticket.subject))
        provable = account.standing.strong(self._clock.now()) | {Factor.OTP}
        return tuple(step for step, factor in PROOFS.items() if factor in provable and self._judges(factor))

    def _judges(self, factor: Factor) -> bool:
        return self._parts.verifiers[factor].is_offered(self._parts.liveness()) and (
            not factor.is_server_side_biometric or self._target_fmr(factor) is not None
        )

    def _target_fmr(self, factor: Factor) -> str | None:
        return self._parts.target_fmr(Modality(factor.value)) if factor.is_server_side_biometric else None

    def _asked(self, ticket: Ticket, factor: Factor) -> Step:
        """The recovery as a factor's verifier sees it: like a payment of nothing, that nobody else can have asked about."""
        payment = ticket.as_payment()
        return Step(
            decision_id=ticket.id,
            challenge_id=ticket.id,
            subject=ticket.subject,
            payment=payment,
            binding=Binding.of(payment),
            locale=ticket.locale,
            target_fmr=self._target_fmr(factor),
            liveness=self._parts.liveness() if factor is Factor.FACE else None,
            gestures=self._parts.gestures() if factor is Factor.FACE else None,
            attempt=ticket.recovering().tries,
        )


def _open(tx: Transaction, ticket: Ticket, now: datetime) -> Ticket:
    """The ticket as it stands within this transaction; raises ChallengeClosed once it is over."""
    found = tx.tickets.find(ticket.id)
    if found is None:
        raise ChallengeClosed("the enrollment is over")
    return found.must_be_open(now)


def _second(recovery: Recovery, result: Verification | None, waiting: frozenset[Factor]) -> str | None:
    """The name of the proof beside the code, None where there is none that passed or it is on probation."""
    if result is None:
        return OPERATORS if recovery.operators else None
    if not result.passed:
        return None
    name = f"{result.evidence['kind']}_code" if result.factor is Factor.OTP else result.factor.value
    # A code that is issued for this recovery goes over the backend's own channel, whatever app there is.
    return None if result.factor in waiting and name != ISSUED_CODE else name


def _judgement(
    ticket: Ticket,
    passed: bool,
    admitted: bool,
    code_stands: bool,
    result: Verification | None,
    now: datetime,
) -> Entry:
    """The audit line of one try: here, and only here, it is said which of the two was wrong."""
    results: list[Json] = [{"proof": RECOVERY_CODE, "passed": code_stands}]
    if result is not None:
        results.append({"proof": result.factor.value, "passed": result.passed, "reason": result.reason})
    operators = list(ticket.recovering().operators) or None
    verdict = "proven" if passed else "refused"
    details = {"admitted": admitted, "results": results, "operators": operators}
    return entry("person", "enrollment.prove", ticket.subject, ticket.id, verdict, now, **details)
