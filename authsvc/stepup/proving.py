"""How a challenge is completed: charge, judge everything at once, ask the policy again, release or refuse.

Charged before it is judged, in a transaction of its own, so that parallel guesses cannot outrun the counter and a rollback
hands nothing back. A locked payer goes through the same two transactions and gets the same answer.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from authsvc.biometric.words import Capture, Liveness, covers
from authsvc.clock import Clock
from authsvc.domain.account import Account, LowValue
from authsvc.domain.account_acts import charge_attempt, with_keys_as_they_stand
from authsvc.domain.decision import Decision, Status
from authsvc.domain.payer import SEEN
from authsvc.domain.receipt import ReceiptIssuer
from authsvc.domain.store import Ledger, Transaction
from authsvc.errors import InvalidRequest
from authsvc.events import Event, Tally
from authsvc.factor import Factor, FactorVerifier, Json, Step, Verification
from authsvc.policy.engine import Outcome, Policy
from authsvc.policy.level import FactorSet, Level
from authsvc.stepup.asking import place_of, step_of
from authsvc.stepup.ceremony import Ceremonies
from authsvc.stepup.closing import end, entry, must_find, must_have_account, present, signed
from authsvc.stepup.deciding import Deciding, reasons_of
from authsvc.stepup.marks import use_up
from authsvc.stepup.renewing import renewed
from authsvc.stepup.stating import Statements, settled
from authsvc.stepup.warning import must_be_acknowledged, warns_more

_ALIVE = Liveness.BONA_FIDE.value


@dataclass(frozen=True, slots=True)
class Completed:
    """The payer's answer to `complete`: the same for every failure, with what is left."""

    authenticated: bool
    attempts_remaining: int


@dataclass(frozen=True, slots=True)
class Evidence:
    """The set that is to be judged, and what was received for each of its factors."""

    wanted: FactorSet
    received: Mapping[Factor, Json]


@dataclass(frozen=True, slots=True)
class Charge:
    """Whether an attempt may be judged, when it was charged, and how many are left after it."""

    admitted: bool
    left: int
    at: datetime


@dataclass(frozen=True, slots=True)
class Offer:
    """Evidence that is to prove nothing but who is there; `charge` is None where nothing has come in."""

    evidence: Evidence
    charge: Charge | None


class Proving:
    """Completes challenges, in two transactions each."""

    def __init__(
        self,
        ledger: Ledger,
        verifiers: Mapping[Factor, FactorVerifier[Transaction]],
        statements: Statements[Transaction],
        ceremonies: Ceremonies,
        deciding: Deciding,
        receipts: ReceiptIssuer,
        tally: Tally,
        clock: Clock,
    ) -> None:
        self._ledger = ledger
        self._verifiers = verifiers
        self._statements = statements
        self._ceremonies = ceremonies
        self._deciding = deciding
        self._receipts = receipts
        self._tally = tally
        self._clock = clock

    def complete(self, decision: Decision, policy: Policy) -> Completed:
        """Judge everything at once, under one policy from beginning to end."""
        evidence = self._collect(decision)
        charged_at = self._clock.now()
        charge = self._ledger.transact(lambda tx: _charge(tx, decision.id, evidence, charged_at))
        judged, results = self._ledger.transact(
            lambda tx: self._judge(tx, decision.id, policy, evidence, charge)
        )
        for result in results:
            self._count(result)
        self._ceremonies.forget(place_of(decision), tuple(Factor))
        still_open = judged.challenge is not None and judged.status is Status.CHALLENGE_REQUIRED
        return Completed(judged.status is Status.AUTHENTICATED, charge.left if still_open else 0)

    def offer(self, decision: Decision) -> Offer:
        """Whatever has come in, to be judged by itself and not for a release; an attempt is charged for it."""
        place, factors = place_of(decision), decision.open_challenge().offered
        received = self._ceremonies.take_received(place, factors)
        evidence = Evidence(tuple(received), received)
        if not received:
            return Offer(evidence, None)
        at = self._clock.now()
        return Offer(evidence, self._ledger.transact(lambda tx: _charge(tx, decision.id, evidence, at)))

    def right_ones(
        self, tx: Transaction, decision: Decision, policy: Policy, offer: Offer, now: datetime
    ) -> tuple[Factor, ...]:
        """Which of these factors are right and count, those on probation not among them."""
        charge = offer.charge
        if charge is None or not charge.admitted:
            return ()
        tx.accounts.hold(decision.payment.subject)
        results = self._settle(tx, decision, policy, Evidence((), offer.evidence.received), now)
        _raise_alarms(tx, decision, results, now)
        account = must_have_account(tx, decision)
        right = tuple(result.factor for result in results if result.passed)
        if len(right) == len(results):
            attempts = account.attempts.hand_back(offer.evidence.wanted, charge.at)
            tx.accounts.save(replace(account, attempts=attempts))
        return tuple(factor for factor in right if factor in account.standing.strong(now))

    def give_up(self, decision: Decision, factor: Factor) -> Decision:
        """Charge an attempt that will never be judged; raises ChallengeClosed with the last one."""
        at = self._clock.now()
        spent = self._ledger.transact(lambda tx: _give_up(tx, decision.id, factor, at))
        spent.open_challenge()
        return spent

    def _count(self, result: Verification) -> None:
        """The outcome, and a living person's comparison score, whose drift is watched."""
        self._tally.judged(result.factor, "passed" if result.passed else "failed")
        model, score = result.evidence.get("model"), result.evidence.get("score")
        if isinstance(model, str) and isinstance(score, float) and result.evidence.get("liveness") == _ALIVE:
            self._tally.scored(model, score)

    def _collect(self, decision: Decision) -> Evidence:
        """The evidence of one whole set, used up by being collected."""
        challenge = decision.open_challenge()
        place = place_of(decision)
        present = [factor for factor in challenge.offered if self._ceremonies.has_received(place, factor)]
        wanted = challenge.proven_by(present)
        taken = {} if wanted is None else self._ceremonies.take_received(place, wanted)
        if wanted is None or len(taken) < len(wanted):
            raise InvalidRequest("evidence is missing; answer every step of one set first")
        return Evidence(wanted, taken)

    def _judge(
        self, tx: Transaction, decision_id: str, policy: Policy, evidence: Evidence, charge: Charge
    ) -> tuple[Decision, tuple[Verification, ...]]:
        now = self._clock.now()
        decision = must_find(tx, decision_id).as_of(now)
        decision.open_challenge()
        # Whatever else is judged of this payer at the moment comes before or after, and knows what was used up.
        tx.accounts.hold(decision.payment.subject)
        results = self._settle(tx, decision, policy, evidence, now) if charge.admitted else ()
        _raise_alarms(tx, decision, results, now)
        if not charge.admitted or not results or not all(result.passed for result in results):
            return _fail(tx, decision, results, charge, now), results
        proven = replace(decision, proofs=tuple(_proof(result) for result in results))
        return self._conclude(tx, proven, policy, evidence, charge, now), results

    def _settle(
        self, tx: Transaction, decision: Decision, policy: Policy, evidence: Evidence, now: datetime
    ) -> tuple[Verification, ...]:
        """Every factor is judged, with no early exit: how long it takes says nothing about which one was wrong.

        Statements about captures come after them: a key that answered as a factor has counted by then.
        """
        results = [
            self._settle_one(tx, step_of(decision, factor, policy, (evidence.wanted,)), factor, kept, now)
            for factor, kept in evidence.received.items()
        ]
        needed = _capture_needed(decision, evidence.wanted)
        return tuple(self._with_origin(tx, decision, result, evidence, needed, now) for result in results)

    def _with_origin(
        self,
        tx: Transaction,
        decision: Decision,
        result: Verification,
        evidence: Evidence,
        needed: Capture,
        now: datetime,
    ) -> Verification:
        """The same with what is known of where a capture came from, and no longer passed where more must be known."""
        if not result.factor.is_server_side_biometric:
            return result
        subject = decision.payment.subject
        found = settled(self._statements, tx, subject, evidence.received[result.factor], now)
        told = {**result.evidence, "capture": found.capture.value}
        if found.evidence:
            told["statement"] = dict(found.evidence)
        result = replace(result, evidence=told, alarm=result.alarm or found.alarm)
        if result.passed and (found.alarm is not None or found.capture.rank < needed.rank):
            return replace(result, passed=False, reason=f"capture {found.capture.value}")
        return result

    def _settle_one(
        self, tx: Transaction, step: Step, factor: Factor, kept: Json, now: datetime
    ) -> Verification:
        result = self._verifiers[factor].settle(tx, step, kept, now)
        if result.passed and not use_up(tx, step.subject, kept, now):
            return replace(result, passed=False, reason="used before", alarm="presentation")
        return result

    def _conclude(
        self,
        tx: Transaction,
        decision: Decision,
        policy: Policy,
        evidence: Evidence,
        charge: Charge,
        now: datetime,
    ) -> Decision:
        """Everything was proven: ask the policy of this moment once more, and release what it still lets go."""
        account, device = tx.accounts.find_with_device(decision.payment.subject, decision.device_id)
        outcome = self._deciding.reconsider(policy, decision, account, device, now)
        if outcome.level is Level.DENY:
            denied = decision.become(Status.DENIED, level=Level.DENY.value, reasons=reasons_of(outcome))
            return end(tx, denied, "policy", "reconsider", now)
        if outcome.level.asks and (
            warns_more(outcome, decision)
            or not self._is_proof(evidence.wanted, decision, account, outcome, now)
        ):
            stricter = decision.become(Status.CANCELLED, reasons=reasons_of(outcome))
            return end(tx, stricter, "policy", "reconsider", now, level=outcome.level.value)
        _reward(tx, present(account, decision), evidence.wanted, charge.at)
        if device is not None and decision.novelty in SEEN:
            tx.accounts.save_device(device.seen(now))
        if account is not None and self._deciding.is_strongest(policy, decision, account, now):
            decision = renewed(tx, decision, account, evidence.received.get(Factor.FACE, {}), now)
        released = signed(self._receipts, tx, decision.become(Status.AUTHENTICATED), now)
        seconds = int((now - decision.created_at).total_seconds())
        return end(tx, released, "payer", "complete", now, proofs=list(decision.proofs), seconds=seconds)

    def _is_proof(
        self,
        proven: FactorSet,
        decision: Decision,
        account: Account | None,
        outcome: Outcome,
        now: datetime,
    ) -> bool:
        """Whether what was proven is what the policy asks for now, a face with the gates and gestures of that level."""
        capture = _capture_of(decision)
        return self._deciding.proves(
            proven, capture, present(account, decision), outcome, now
        ) and _is_alive_enough(proven, decision, outcome)


def _capture_needed(decision: Decision, wanted: FactorSet) -> Capture:
    """What the challenge says of this set; nothing of what is judged for no release."""
    challenge = decision.challenge
    stated = {} if challenge is None else dict(zip(challenge.sets, challenge.capture_at_least, strict=True))
    return stated.get(wanted, Capture.BROWSER)


def _capture_of(decision: Decision) -> Capture:
    """The least that is known of where a face or a voice came from; where a proof says nothing, nothing is."""
    captures = [
        Capture(str(proof.get("capture", Capture.BROWSER.value)))
        for proof in decision.proofs
        if Factor(str(proof["factor"])).is_server_side_biometric
    ]
    return min(captures, key=lambda capture: capture.rank, default=Capture.ATTESTED)


def _is_alive_enough(proven: FactorSet, decision: Decision, outcome: Outcome) -> bool:
    judged_at, policy = Level(decision.level), outcome.policy
    return (
        Factor.FACE not in proven
        or outcome.level.rank <= judged_at.rank
        or (
            covers(policy.liveness(judged_at), policy.liveness(outcome.level))
            and policy.gestures(judged_at) >= policy.gestures(outcome.level)
        )
    )


def _charge(tx: Transaction, decision_id: str, evidence: Evidence, now: datetime) -> Charge:
    """Count the attempt, whatever it will be worth."""
    decision = must_find(tx, decision_id).as_of(now)
    must_be_acknowledged(decision)
    challenge = decision.open_challenge().charged()
    account = must_have_account(tx, decision)
    tx.decisions.save(decision.with_challenge(challenge))
    return Charge(charge_attempt(tx, account, evidence.wanted, now), challenge.attempts_remaining, now)


def _give_up(tx: Transaction, decision_id: str, factor: Factor, now: datetime) -> Decision:
    charge = _charge(tx, decision_id, Evidence((factor,), {}), now)
    result = Verification(factor, False, "given up")
    return _fail(tx, must_find(tx, decision_id).as_of(now), (result,), charge, now)


def _reward(tx: Transaction, account: Account, proven: FactorSet, charged_at: datetime) -> None:
    """A payer who proved it gets the attempt back, and the counters of the low-value exemption begin anew."""
    attempts = account.attempts.hand_back(proven, charged_at)
    tx.accounts.save(replace(account, attempts=attempts, low_value=LowValue()))


def _fail(
    tx: Transaction, decision: Decision, results: Collection[Verification], charge: Charge, now: datetime
) -> Decision:
    details = {"admitted": charge.admitted, "results": [_proof(result) for result in results]}
    if charge.left == 0:
        return end(tx, decision.become(Status.FAILED), "payer", "complete", now, **details)
    tx.record(entry(decision, "payer", "complete", "refused", now, **details))
    return decision


def _raise_alarms(
    tx: Transaction, decision: Decision, results: Collection[Verification], now: datetime
) -> None:
    for result in results:
        if result.alarm is not None:
            data = {"decision": decision.id, "factor": result.factor.value, "alarm": result.alarm}
            tx.publish(Event("attack:suspected", decision.payment.subject, now, data))
            # A key that was suspended as cloned may have been the last one.
            tx.accounts.save(with_keys_as_they_stand(tx, must_have_account(tx, decision), now))


def _proof(result: Verification) -> Json:
    return {
        "factor": result.factor.value,
        "passed": result.passed,
        "reason": result.reason,
        **result.evidence,
    }
