"""The one flow, to be read from top to bottom: how a payment is decided, challenged and released.

`decide` asks the policy and opens a challenge; `begin` and `answer` take evidence for one factor at a time and reveal
nothing; `complete` charges an attempt, judges everything at once, asks the policy again, and signs the receipt in the very
transaction that uses the proofs up. Factors are known only as the verifiers that `wiring` hands in.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Protocol

from authsvc.account import Account, LowValue
from authsvc.acts import charge_attempt, without_lost_keys
from authsvc.audit.chain import Entry
from authsvc.audit.evidence import EVIDENCE_HASH
from authsvc.biometric import Modality
from authsvc.ceremony import Ceremonies
from authsvc.challenge import Challenge
from authsvc.clock import Clock
from authsvc.decision import RELEASING, Decision, PolicyRef, Status
from authsvc.device.credential import Device
from authsvc.device.novelty import StatedDevice, novelty
from authsvc.errors import InvalidRequest, NotFound, TransactionChanged
from authsvc.events import Event
from authsvc.factor import (
    Category,
    Factor,
    FactorVerifier,
    Json,
    Step,
    Submission,
    Unusable,
    Verification,
)
from authsvc.ids import new_id, twin
from authsvc.payment import Binding, Payment
from authsvc.policy.engine import Outcome, Policy
from authsvc.policy.inputs import Inputs
from authsvc.policy.level import CHALLENGES, FactorSet, Level
from authsvc.receipt import AuditPosition, ReceiptIssuer, evidence_of
from authsvc.store import Ledger, Transaction
from authsvc.subject import Novelty

CHALLENGE_LIFE = timedelta(minutes=5)

ACCOUNT_ACTS = frozenset({"enrollment", "unfreeze"})
"""Transaction types that change the account itself: always asked at the highest level that the user can prove."""

SecretMacs = Callable[[str], tuple[bytes, ...]]


@dataclass(frozen=True, slots=True)
class DecisionRequest:
    """What the payment backend states. `risk_score` None is not known, and reads as 100."""

    payment: Payment
    device: StatedDevice = field(default_factory=StatedDevice)
    risk_score: int | None = None
    risk_reasons: tuple[str, ...] = ()
    proven: tuple[Category, ...] = ()
    channel: str | None = None
    ip: str | None = None
    locale: str = "zh-CN"
    return_url: str | None = None


@dataclass(frozen=True, slots=True)
class Completed:
    """The payer's answer to `complete`: the same for every failure, with what is left."""

    authenticated: bool
    attempts_remaining: int


class Tally(Protocol):
    """Counts for whoever watches the service."""

    def judged(self, factor: str, outcome: str) -> None: ...


@dataclass(frozen=True, slots=True)
class Parts:
    """What the flow is wired with. `macs_of_secret` gives every MAC a shown device secret may have been stored as."""

    ledger: Ledger
    policy: Callable[[], Policy]
    verifiers: Mapping[Factor, FactorVerifier[Transaction]]
    ceremonies: Ceremonies
    receipts: ReceiptIssuer
    macs_of_secret: SecretMacs
    tally: Tally
    clock: Clock


class StepUp:
    def __init__(self, parts: Parts) -> None:
        self._ledger = parts.ledger
        self._policy = parts.policy
        self._verifiers = parts.verifiers
        self._ceremonies = parts.ceremonies
        self._receipts = parts.receipts
        self._macs_of_secret = parts.macs_of_secret
        self._tally = parts.tally
        self._clock = parts.clock

    # -- The backend asks -------------------------------------------------------------------------------------------

    def decide(
        self, tx: Transaction, request: DecisionRequest, now: datetime
    ) -> Decision | TransactionChanged:
        """Decide a payment within the caller's transaction.

        The same payment asked about again gets its open decision, unless circumstances now ask for more. Another payment
        under the same transaction id cancels the old challenge and is answered with TransactionChanged, as a value, so
        that the cancellation commits.
        """
        decision, account = self._judge_request(tx, request, now)
        opened = tx.decisions.open(decision)
        if opened is None:
            standing = self._standing(tx, decision, now)
            if standing is not None:
                return standing
            opened = tx.decisions.open(decision)
            if opened is None:
                raise InvalidRequest("the transaction id was decided about in the same moment; ask again")
        self._count_exemption(tx, account, opened)
        tx.record(_entry(opened, "backend", "decide", opened.status.value, now))
        return opened

    def cancel(self, tx: Transaction, decision: Decision, now: datetime) -> Decision:
        """The backend no longer wants the payment: the challenge closes, an unused receipt is void."""
        return self._end(tx, decision.become(Status.CANCELLED), "backend", "cancel", now)

    # -- The payer answers ------------------------------------------------------------------------------------------

    def begin(self, decision: Decision, factor: Factor) -> Json:
        """Start one step: what the payer is shown (a nonce, options, digits, gestures)."""
        now = self._clock.now()
        step = self._step(decision.as_of(now), factor)
        self._ceremonies.count(step, factor)
        begun = self._verifiers[factor].begin(step, now)
        self._ceremonies.begin(step, factor, begun)
        return begun.shown

    def answer(self, decision: Decision, factor: Factor, submission: Submission) -> Unusable | None:
        """Take the evidence for one step. None says received, and nothing about whether it is right.

        Unusable evidence uses nothing up: the person tries again within the same ceremony.
        """
        now = self._clock.now()
        step = self._step(decision.as_of(now), factor)
        self._ceremonies.count(step, factor)
        kept = self._ceremonies.take_begun(step, factor)
        if kept is None:
            raise InvalidRequest(
                f"step `{factor}` has not begun, or its evidence was taken already; begin again"
            )
        verifier = self._verifiers[factor]
        received = verifier.receive(step, kept, submission, now)
        if isinstance(received, Unusable):
            self._ceremonies.restore(step, factor, kept)
            return received
        self._ceremonies.keep_received(step, factor, received.kept)
        return None

    def received(self, decision: Decision) -> tuple[Factor, ...]:
        """The factors of the chosen set whose evidence has come in: what a progress display may know."""
        challenge = decision.open_challenge()
        return tuple(
            factor
            for factor in challenge.chosen
            if self._ceremonies.has_received(self._step(decision, factor), factor)
        )

    def switch(
        self, tx: Transaction, decision: Decision, wanted: Collection[Factor], now: datetime
    ) -> Decision:
        """Another way: what was received for factors outside of it is dropped with the old choice."""
        challenge = decision.as_of(now).open_challenge().switched(wanted)
        return tx.decisions.save(decision.with_challenge(challenge))

    def decline(self, tx: Transaction, decision: Decision, choice: str, now: datetime) -> Decision:
        """The payer says no. `not_me` also suspends the device the payment came from and raises an event."""
        declined = decision.as_of(now).become(Status.DECLINED_BY_USER)
        if choice == "not_me":
            self._suspend_device(tx, decision, now)
        return self._end(tx, declined, "payer", "decline", now, choice=choice)

    def complete(self, decision_id: str) -> Completed:
        """Judge everything at once.

        Charged before it is judged, in a transaction of its own, so that parallel guesses cannot outrun the counter and
        a rollback hands nothing back. A locked payer goes through the same two transactions and gets the same answer.
        """
        decision, evidence = self._collect(decision_id)
        charged_at = self._clock.now()
        charged = self._ledger.transact(lambda tx: self._charge(tx, decision_id, evidence, charged_at))
        judged, results = self._ledger.transact(
            lambda tx: self._judge(tx, decision_id, evidence, charged, charged_at)
        )
        for result in results:
            self._tally.judged(result.factor, "passed" if result.passed else "failed")
        self._ceremonies.forget(self._any_step(decision), tuple(Factor))
        left = (
            0 if judged.challenge is None or judged.status is not Status.CHALLENGE_REQUIRED else charged.left
        )
        return Completed(judged.status is Status.AUTHENTICATED, left)

    # -- How complete works -----------------------------------------------------------------------------------------

    def _collect(self, decision_id: str) -> tuple[Decision, Evidence]:
        """The evidence of one whole set, used up by being collected."""
        decision = self.find(decision_id)
        challenge = decision.open_challenge()
        offered = {factor for choice in challenge.sets for factor in choice}
        step = self._any_step(decision)
        present = [factor for factor in offered if self._ceremonies.has_received(step, factor)]
        wanted = challenge.proven_by(present)
        taken = {} if wanted is None else self._ceremonies.take_received(step, wanted)
        if wanted is None or len(taken) < len(wanted):
            raise InvalidRequest("evidence is missing; answer every step of one set first")
        return decision, Evidence(wanted, taken)

    def _charge(self, tx: Transaction, decision_id: str, evidence: Evidence, now: datetime) -> Charge:
        decision = _must_find(tx, decision_id).as_of(now)
        challenge = decision.open_challenge().charged()
        account = _must_have_account(tx, decision)
        tx.decisions.save(decision.with_challenge(challenge))
        return Charge(charge_attempt(tx, account, evidence.wanted, now), challenge.attempts_remaining)

    def _judge(
        self, tx: Transaction, decision_id: str, evidence: Evidence, charge: Charge, charged_at: datetime
    ) -> tuple[Decision, tuple[Verification, ...]]:
        now = self._clock.now()
        decision = _must_find(tx, decision_id).as_of(now)
        decision.open_challenge()
        results = self._settle(tx, decision, evidence, now) if charge.admitted else ()
        self._raise_alarms(tx, decision, results, now)
        if not charge.admitted or not results or not all(result.passed for result in results):
            return self._fail(tx, decision, results, charge, now), results
        proven = replace(decision, proofs=tuple(_proof(result) for result in results))
        return self._conclude(tx, proven, evidence, charged_at, now), results

    def _conclude(
        self, tx: Transaction, decision: Decision, evidence: Evidence, charged_at: datetime, now: datetime
    ) -> Decision:
        """Everything was proven: ask the policy of this moment once more, and release what it still lets go."""
        account, device = tx.accounts.find_with_device(decision.payment.subject, decision.device_id)
        outcome = self._reconsider(decision, evidence.wanted, account, device, now)
        if outcome.level is Level.DENY:
            denied = decision.become(Status.DENIED, level=Level.DENY.value, reasons=_reasons(outcome))
            return self._end(tx, denied, "policy", "reconsider", now)
        if evidence.wanted not in outcome.sets and outcome.level.asks:
            stricter = decision.become(Status.CANCELLED, reasons=_reasons(outcome))
            return self._end(tx, stricter, "policy", "reconsider", now, level=outcome.level.value)
        return self._release(tx, decision, evidence, account, device, charged_at, now)

    def _settle(
        self, tx: Transaction, decision: Decision, evidence: Evidence, now: datetime
    ) -> tuple[Verification, ...]:
        """Every factor is judged, with no early exit: how long it takes says nothing about which one was wrong."""
        return tuple(
            self._verifiers[factor].settle(tx, self._step(decision, factor), kept, now)
            for factor, kept in evidence.received.items()
        )

    def _raise_alarms(
        self, tx: Transaction, decision: Decision, results: Collection[Verification], now: datetime
    ) -> None:
        for result in results:
            if result.alarm is not None:
                data = {"decision": decision.id, "factor": result.factor.value, "alarm": result.alarm}
                tx.publish(Event("attack:suspected", decision.payment.subject, now, data))
                # A key that was suspended as cloned may have been the last one.
                tx.accounts.save(without_lost_keys(tx, _must_have_account(tx, decision)))

    def _fail(
        self,
        tx: Transaction,
        decision: Decision,
        results: Collection[Verification],
        charge: Charge,
        now: datetime,
    ) -> Decision:
        details = {"admitted": charge.admitted, "results": [_proof(result) for result in results]}
        if charge.left == 0:
            return self._end(tx, decision.become(Status.FAILED), "payer", "complete", now, **details)
        tx.record(_entry(decision, "payer", "complete", "refused", now, **details))
        return decision

    def _reconsider(
        self,
        decision: Decision,
        wanted: FactorSet,
        account: Account | None,
        device: Device | None,
        now: datetime,
    ) -> Outcome:
        """Ask the policy of this moment again: a freeze or a stricter policy in between wins."""
        inputs = Inputs.from_snapshot(decision.inputs)
        recorded = Novelty(decision.novelty)
        revoked = device is not None and device.state.value != "active"
        synced = any(proof.get("backup_eligible") is True for proof in decision.proofs)
        fresh = replace(
            inputs,
            # Any live key may have answered, also one of another device than was stated.
            device_synced=True if synced else inputs.device_synced,
            novelty=Novelty.REVOKED if revoked else recorded,
            account_frozen=account is None or _counts_as_frozen(account, inputs.type),
            account_blocked=False,
        )
        return self._evaluate(fresh, frozenset(wanted) | self._usable(account, now))

    def _release(
        self,
        tx: Transaction,
        decision: Decision,
        evidence: Evidence,
        account: Account | None,
        device: Device | None,
        charged_at: datetime,
        now: datetime,
    ) -> Decision:
        """The payer proved it: hand the charge back, remember the device, sign, and let go."""
        account = _present(account)
        attempts = account.attempts.hand_back(evidence.wanted, charged_at)
        tx.accounts.save(replace(account, attempts=attempts, low_value=LowValue()))
        if device is not None and decision.novelty in _SEEN:
            tx.accounts.save_device(device.seen(now))
        released = self._signed(tx, decision.become(Status.AUTHENTICATED), now)
        return self._end(tx, released, "payer", "complete", now, proofs=list(decision.proofs))

    # -- How decide works -------------------------------------------------------------------------------------------

    def _judge_request(
        self, tx: Transaction, request: DecisionRequest, now: datetime
    ) -> tuple[Decision, Account | None]:
        """The decision as it would be opened."""
        subject = request.payment.subject
        account, device = tx.accounts.find_with_device(subject, request.device.id)
        shown = request.device.secret
        macs = () if shown is None else self._macs_of_secret(shown)
        known = novelty(request.device, device, macs, now)
        inputs = _inputs(request, account, device, known, now)
        usable = self._usable(account, now)
        outcome = self._evaluate(inputs, usable)
        policy = outcome.policy
        decision = Decision(
            id=new_id("dec"),
            status=Status.DENIED,
            level=outcome.level.value,
            payment=request.payment,
            binding=Binding.of(request.payment),
            inputs=inputs.to_snapshot(),
            reasons=_reasons(outcome),
            fired=outcome.fired,
            policy=PolicyRef(policy.id, policy.version, policy.digest),
            novelty=known.value,
            created_at=now,
            expires_at=now + CHALLENGE_LIFE,
            exemption=outcome.exemption,
            device_id=request.device.id,
            locale=request.locale,
            return_url=request.return_url,
        )
        return self._with_status(tx, decision, outcome, usable, now), account

    def _evaluate(self, inputs: Inputs, usable: frozenset[Factor]) -> Outcome:
        """What the policy says; an act on the account itself is raised to the highest level that can be proven."""
        outcome = self._policy().evaluate(inputs)
        if inputs.type not in ACCOUNT_ACTS or outcome.level is Level.DENY:
            return outcome
        provable = [
            level
            for level in CHALLENGES
            if any(set(choice) <= usable for choice in outcome.policy.sets_for(level, inputs))
        ]
        level = provable[-1] if provable else CHALLENGES[-1]
        return outcome._replace(level=level, lifted_by=None)

    def _with_status(
        self,
        tx: Transaction,
        decision: Decision,
        outcome: Outcome,
        usable: frozenset[Factor],
        now: datetime,
    ) -> Decision:
        if outcome.level is Level.DENY:
            return decision
        if outcome.level is Level.NONE:
            status = Status.APPROVED if outcome.exemption is None else Status.EXEMPTED
            return self._signed(tx, replace(decision, status=status), now)
        sets = tuple(choice for choice in outcome.sets if set(choice) <= usable)
        if not sets:
            missing = {factor for choice in outcome.sets for factor in choice} - usable
            return replace(decision, status=Status.NOT_POSSIBLE, missing=tuple(sorted(missing)))
        challenge = Challenge.asking(twin(decision.id, "chl"), sets)
        return replace(decision, status=Status.CHALLENGE_REQUIRED, challenge=challenge)

    def _usable(self, account: Account | None, now: datetime) -> frozenset[Factor]:
        """What is enrolled, not locked, and judged here at this moment."""
        if account is None:
            return frozenset()
        offered = {factor for factor, verifier in self._verifiers.items() if verifier.is_offered()}
        return account.usable_factors(now) & offered

    def _standing(
        self, tx: Transaction, asked: Decision, now: datetime
    ) -> Decision | TransactionChanged | None:
        """What becomes of the open decision that a new one meets; None when it made room."""
        found = tx.decisions.find_open(asked.payment.subject.client, asked.payment.transaction_id)
        if found is None:
            return None
        current = found.as_of(now)
        if current.status is Status.EXPIRED:
            self._end(tx, current, "service", "expire", now)
            return None
        if current.binding != asked.binding:
            self._end(tx, current.become(Status.CANCELLED), "backend", "change", now)
            return TransactionChanged("the transaction id belongs to a payment with another amount or payee")
        if self._has_lapsed(current, now) or Level(asked.level).rank > Level(current.level).rank:
            self._end(tx, current.become(Status.CANCELLED), "backend", "ask-again", now)
            return None
        return current

    def _has_lapsed(self, decision: Decision, now: datetime) -> bool:
        return (
            decision.status in RELEASING
            and decision.receipt is not None
            and decision.receipt.expires_at <= now
        )

    def _count_exemption(self, tx: Transaction, account: Account | None, decision: Decision) -> None:
        """Add a payment to the counters of the low-value exemption that let it through."""
        if decision.exemption is None or decision.status is not Status.EXEMPTED or account is None:
            return
        payment = decision.payment
        amount = self._policy().document.conversion(payment.amount_minor, payment.currency)
        tx.accounts.save(replace(account, low_value=account.low_value.plus(amount)))

    # -- Shared by all ----------------------------------------------------------------------------------------------

    def find(self, decision_id: str) -> Decision:
        """The decision as it stands now; raises NotFound."""
        now = self._clock.now()
        return self._ledger.read(lambda tx: _must_find(tx, decision_id)).as_of(now)

    def expire(self, tx: Transaction, now: datetime) -> int:
        """Close the challenges whose time is over, a hundred at most; answers how many."""
        lapsed = tx.decisions.lapsed(now)
        for decision in lapsed:
            self._end(tx, decision.as_of(now), "service", "expire", now)
        return len(lapsed)

    def _signed(self, tx: Transaction, decision: Decision, now: datetime) -> Decision:
        """The decision with its receipt, which names the audit line that this transaction is about to write."""
        evidence = evidence_of(decision).hash()
        receipt = self._receipts.issue(decision, evidence, _position(tx), now)
        return replace(decision, evidence=evidence, receipt=receipt)

    def _step(self, decision: Decision, factor: Factor) -> Step:
        if not decision.open_challenge().asks(factor) or factor not in self._verifiers:
            raise InvalidRequest(f"`{factor}` is not asked for in this challenge")
        return self._any_step(decision, factor)

    def _any_step(self, decision: Decision, factor: Factor | None = None) -> Step:
        target = None
        if factor is not None and factor.is_server_side_biometric:
            target = self._policy().target_fmr(Modality(factor.value))
        return Step(
            decision_id=decision.id,
            challenge_id=twin(decision.id, "chl"),
            subject=decision.payment.subject,
            payment=decision.payment,
            binding=decision.binding,
            locale=decision.locale,
            device_id=decision.device_id,
            target_fmr=target,
        )

    def _end(
        self, tx: Transaction, decision: Decision, actor: str, action: str, now: datetime, **details: object
    ) -> Decision:
        """Write a closing value, its audit line and its event."""
        saved = tx.decisions.save(decision)
        tx.record(_entry(decision, actor, action, decision.status.value, now, **details))
        tag = _EVENT_OF.get(decision.status)
        if tag is not None:
            choice = {"choice": details["choice"]} if "choice" in details else {}
            data = {"decision": decision.id, "transaction_id": decision.payment.transaction_id, **choice}
            tx.publish(Event(tag, decision.payment.subject, now, data))
        return saved

    def _suspend_device(self, tx: Transaction, decision: Decision, now: datetime) -> None:
        subject = decision.payment.subject
        _, device = tx.accounts.find_with_device(subject, decision.device_id)
        if device is None or device.state.value != "active":
            return
        tx.accounts.save_device(device.suspended())
        tx.publish(Event("subject:device:frozen", subject, now, {"device": device.id, "reason": "not_me"}))


@dataclass(frozen=True, slots=True)
class Evidence:
    """The set that is to be judged, and what was received for each of its factors."""

    wanted: FactorSet
    received: Mapping[Factor, Json]


@dataclass(frozen=True, slots=True)
class Charge:
    """Whether an attempt may be judged, and how many are left after it."""

    admitted: bool
    left: int


_EVENT_OF = {
    Status.AUTHENTICATED: "decision:challenge:authenticated",
    Status.FAILED: "decision:challenge:failed",
    Status.DECLINED_BY_USER: "decision:challenge:declined",
    Status.CANCELLED: "decision:challenge:cancelled",
    Status.DENIED: "decision:challenge:failed",
}


_SEEN = (Novelty.TRUSTED, Novelty.PROBATION)


def _inputs(
    request: DecisionRequest, account: Account | None, device: Device | None, known: Novelty, now: datetime
) -> Inputs:
    """The full snapshot that the policy decides on and the decision keeps."""
    payment = request.payment
    return Inputs(
        type=payment.type,
        amount_minor=payment.amount_minor,
        currency=payment.currency,
        novelty=known,
        risk_score=request.risk_score,
        risk_reasons=request.risk_reasons,
        channel=request.channel,
        # An id without its secret says nothing about the phone in hand.
        device_synced=device.synced if device is not None and known in _SEEN else None,
        proven=request.proven,
        verify_always=account.verify_always if account is not None else False,
        low_value_count=account.low_value.count if account is not None else None,
        low_value_sum=account.low_value.sum if account is not None else None,
        account_frozen=account is not None and _counts_as_frozen(account, payment.type),
        account_blocked=account.attempts.is_blocked(now) if account is not None else False,
    )


def _counts_as_frozen(account: Account, transaction_type: str) -> bool:
    """An unfreeze is the one thing that a frozen account may still prove."""
    return account.is_frozen and transaction_type != "unfreeze"


def _reasons(outcome: Outcome) -> tuple[Json, ...]:
    reasons = tuple(reason.to_json() for reason in outcome.reasons)
    if outcome.inputs.type in ACCOUNT_ACTS and outcome.level.asks:
        act = {
            "rule": "account-change",
            "field": "transaction.type",
            "is": outcome.inputs.type,
            "bound": "payment",
        }
        return (act, *reasons)
    return reasons


def _proof(result: Verification) -> Json:
    return {
        "factor": result.factor.value,
        "passed": result.passed,
        "reason": result.reason,
        **result.evidence,
    }


def _position(tx: Transaction) -> AuditPosition:
    chain, seq = tx.position()
    return AuditPosition(chain, seq)


def _entry(
    decision: Decision, actor: str, action: str, result: str, now: datetime, **details: object
) -> Entry:
    return Entry(
        at=now,
        actor=actor,
        action=f"decision.{action}",
        subject=decision.payment.subject,
        object=decision.id,
        result=result,
        details={
            "level": decision.level,
            "policy": decision.policy.digest,
            "binding": decision.binding.digest,
            **({} if decision.evidence is None else {EVIDENCE_HASH: decision.evidence}),
            **details,
        },
    )


def _must_find(tx: Transaction, decision_id: str) -> Decision:
    decision = tx.decisions.find(decision_id)
    if decision is None:
        raise NotFound("no such decision")
    return decision


def _must_have_account(tx: Transaction, decision: Decision) -> Account:
    return _present(tx.accounts.find(decision.payment.subject))


def _present(account: Account | None) -> Account:
    if account is None:
        raise NotFound("no such user")
    return account
