"""The one flow, to be read from top to bottom: how a payment is decided, challenged and released.

`decide` asks the policy and opens a challenge; `begin` and `receive` take evidence for one factor at a time and reveal
nothing; `complete` charges an attempt, judges everything at once, asks the policy again, and signs the receipt in the very
transaction that uses the proofs up. Factors are known only as the verifiers that `wiring` hands in.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from authsvc.clock import Clock
from authsvc.domain.decision import RELEASING, Decision, Habit, Status
from authsvc.domain.payer import SEEN, is_unlike
from authsvc.domain.receipt import ReceiptIssuer
from authsvc.domain.store import Ledger, Transaction
from authsvc.domain.warned import Answer
from authsvc.errors import InvalidRequest, TransactionChanged
from authsvc.events import Event, Tally
from authsvc.factor import Begun, Factor, FactorVerifier, Json, More, Step, Submission, Unusable
from authsvc.policy.engine import Policy
from authsvc.policy.level import Level
from authsvc.stepup import walking, warning
from authsvc.stepup.asking import place_of, step_of
from authsvc.stepup.ceremony import Ceremonies
from authsvc.stepup.closing import end, entry, must_find
from authsvc.stepup.deciding import Deciding, DecisionRequest, Judged, SecretMacs
from authsvc.stepup.marks import marked
from authsvc.stepup.proving import Completed, Offer, Proving
from authsvc.stepup.stating import Statements, made_of, must_be_there, statement_challenge, with_statement
from authsvc.stepup.suspending import suspend_device
from authsvc.subject import working_for

EXPIRED_AT_ONCE = 100
"""How many lapsed challenges the store gives out at a time."""


@dataclass(frozen=True, slots=True)
class Parts:
    """What the flow is wired with. `policy` gives the one that is active at this moment.

    `cooling` is how long what is new waits, and what was taken away is still asked for. Where photographs pass, under a
    frightening setting, `reuses_faces` lets them pass twice.
    """

    ledger: Ledger
    policy: Callable[[], Policy]
    verifiers: Mapping[Factor, FactorVerifier[Transaction]]
    statements: Statements[Transaction]
    ceremonies: Ceremonies
    receipts: ReceiptIssuer
    macs_of_secret: SecretMacs
    tally: Tally
    clock: Clock
    cooling: timedelta
    reuses_faces: bool = False


@dataclass(frozen=True, slots=True)
class Decided:
    """A decision, and whether this very call opened it: two of one millisecond look alike."""

    decision: Decision
    created: bool


class StepUp:
    def __init__(self, parts: Parts) -> None:
        self._ledger = parts.ledger
        self._policy = parts.policy
        self._verifiers = parts.verifiers
        self._statements = parts.statements
        self._ceremonies = parts.ceremonies
        self._clock = parts.clock
        self._reuses_faces = parts.reuses_faces
        self._deciding = Deciding(parts.verifiers, parts.receipts, parts.macs_of_secret, parts.cooling)
        self._proving = Proving(
            parts.ledger,
            parts.verifiers,
            parts.statements,
            parts.ceremonies,
            self._deciding,
            parts.receipts,
            parts.tally,
            parts.clock,
        )

    # -- The backend asks -------------------------------------------------------------------------------------------

    def decide(
        self, tx: Transaction, request: DecisionRequest, now: datetime
    ) -> Decided | TransactionChanged:
        """Decide a payment within the caller's transaction.

        The same payment asked about again gets its open decision, unless circumstances now ask for more. Another payment
        under the same transaction id cancels the old challenge and gets TransactionChanged, as a value, so
        that the cancellation commits.
        """
        judged = self._deciding.judge(tx, self._policy(), request, now)
        # What is over at once takes no place, and would leave the answer of before, receipt and all, beside it.
        opened = tx.decisions.open(judged.decision) if judged.decision.is_open else None
        if opened is None:
            standing = _standing(tx, judged.decision, now)
            if standing is not None:
                return standing
            opened = tx.decisions.open(judged.decision)
            if opened is None:
                raise InvalidRequest("the transaction id was decided about in the same moment; ask again")
        _count_exemption(tx, judged)
        walking.remember(tx, opened, judged.account, request.walked, now)
        tx.record(entry(opened, "backend", "decide", opened.status.value, now, **_said(opened)))
        if opened.habit is not None and is_unlike(opened.habit):
            tx.publish(_unlike(opened, opened.habit, now))
        return Decided(opened, created=True)

    def cancel(self, tx: Transaction, decision: Decision, now: datetime) -> Decision:
        """The backend no longer wants the payment: the challenge closes, an unused receipt is void."""
        return end(tx, decision.become(Status.CANCELLED), "backend", "cancel", now)

    # -- The payer answers ------------------------------------------------------------------------------------------

    def show_warning(self, tx: Transaction, decision: Decision, text: str, now: datetime) -> Decision:
        """The decision with its warning as its payer reads it; `text` is the digest of the words."""
        return warning.show(tx, decision.as_of(now), text, now)

    def answer_warning(self, tx: Transaction, decision: Decision, answer: Answer, now: datetime) -> Decision:
        """The decision with what its payer says to the warning: once, and before it no proof counts."""
        return warning.answer(tx, decision.as_of(now), answer, now)

    def freeze(self, tx: Transaction, decision: Decision, now: datetime) -> None:
        """Freeze the account of a payer whom a warning has stopped."""
        warning.freeze(tx, decision, now)

    def begin(self, decision: Decision, factor: Factor) -> Json:
        """Start one step: what is sent to the payer (a nonce, options, digits, a gesture).

        Whoever begins anew after more was sent gives the attempt up, or they could come back prepared.
        """
        now = self._clock.now()
        step = self._step(decision.as_of(now), factor)
        self._ceremonies.count(step, factor)
        if self._ceremonies.take_revealed(step, factor):
            decision = self._proving.give_up(decision, factor)
            step = self._step(decision, factor)
        begun = self._verifiers[factor].begin(step, now)
        self._ceremonies.begin(step, factor, begun)
        return begun.sent

    def receive(self, decision: Decision, factor: Factor, submission: Submission) -> Json | Unusable:
        """Take the evidence for one step: it was received, or it was one part and the next is sent; never whether it is right.

        Unusable evidence uses nothing up: the person tries again within the same ceremony.
        """
        now = self._clock.now()
        step = self._step(decision.as_of(now), factor)
        self._ceremonies.count(step, factor)
        self._ceremonies.count_capture(step, factor)
        kept = self._ceremonies.take_begun(step, factor)
        if kept is None:
            raise InvalidRequest(
                f"step `{factor}` has not begun, or its evidence was taken already; begin again"
            )
        verifier = self._verifiers[factor]
        with working_for(step.subject):
            received = verifier.receive(step, kept, submission, now)
        if isinstance(received, Unusable):
            self._ceremonies.restore(step, factor, kept)
            return received
        captures = not (self._reuses_faces and factor is Factor.FACE)
        evidence = marked(received.kept, kept, submission, captures=captures)
        if factor.is_server_side_biometric:
            evidence = made_of(evidence, kept, submission)
        if isinstance(received, More):
            self._ceremonies.begin(step, factor, Begun(received.sent, evidence))
            if received.reveals:
                self._ceremonies.keep_revealed(step, factor)
            return received.sent
        self._ceremonies.keep_received(step, factor, evidence)
        return {"state": "received"}

    def begin_statement(self, decision: Decision, factor: Factor) -> Json:
        """What a statement of where the capture came from must be about, and who may make it."""
        now = self._clock.now()
        step = self._step(decision.as_of(now), factor)
        self._ceremonies.count(step, factor)
        received = must_be_there(self._ceremonies.find_received(step, factor))
        begun = self._statements.begin(step.subject, statement_challenge(step, received), now)
        self._ceremonies.begin_statement(step, factor, begun)
        return begun.sent

    def state(self, decision: Decision, factor: Factor, statement: Json) -> Json:
        """Take a statement about the capture that has come in; never says whether it is right."""
        now = self._clock.now()
        step = self._step(decision.as_of(now), factor)
        self._ceremonies.count(step, factor)
        kept = self._ceremonies.take_statement(step, factor)
        received = must_be_there(self._ceremonies.find_received(step, factor))
        if kept is None:
            raise InvalidRequest("no statement has begun, or it was taken already; begin it again")
        challenge = statement_challenge(step, received)
        stated = self._statements.receive(step.subject, kept, challenge, statement, now)
        # What came in may have been used up, or another capture taken, while this one's statement was read.
        current = self._ceremonies.take_received(step, (factor,)).get(factor)
        if current is None:
            raise InvalidRequest("the capture was judged already, or begun again")
        if current == received:
            current = with_statement(current, stated)
        self._ceremonies.keep_received(step, factor, current)
        return {"state": "received"}

    def received(self, decision: Decision) -> tuple[Factor, ...]:
        """The factors of the chosen set whose evidence has come in: what a progress display may know."""
        challenge = decision.open_challenge()
        return tuple(
            factor for factor in challenge.chosen if self._ceremonies.has_received(place_of(decision), factor)
        )

    def switch(
        self, tx: Transaction, decision: Decision, wanted: Collection[Factor], now: datetime
    ) -> Decision:
        """Another way: what was received for factors outside of it is dropped with the old choice."""
        challenge = decision.as_of(now).open_challenge().switched(wanted)
        return tx.decisions.save(decision.with_challenge(challenge))

    def offer(self, decision: Decision) -> Offer:
        """Use up what has come in, to see by it who says no; charged before it is judged."""
        return self._proving.offer(decision.as_of(self._clock.now()))

    def decline(
        self, tx: Transaction, decision: Decision, choice: str, now: datetime, offer: Offer | None = None
    ) -> Decision:
        """The payer says no. `not_me` raises the alarm, and suspends the device for whoever showed its secret or another factor.

        The secret is shown where the payment is asked about, a factor in this challenge. Whoever holds no more than a shop's
        session shows neither, and shall suspend nobody's phone.
        """
        right = () if offer is None else self._proving.right_ones(tx, decision, self._policy(), offer, now)
        proven = decision.novelty in SEEN or bool(right)
        suspended = (
            choice == "not_me"
            and proven
            and suspend_device(tx, decision.payment.subject, decision.device_id, now)
        )
        declined = decision.as_of(now).become(Status.DECLINED_BY_USER, declined=choice, suspended=suspended)
        if choice == "not_me":
            data = {"decision": decision.id, "alarm": "not_me"}
            tx.publish(Event("attack:suspected", decision.payment.subject, now, data))
        details = {"choice": choice, "device_suspended": suspended, "shown": list(right)}
        return end(tx, declined, "payer", "decline", now, **details)

    def complete(self, decision: Decision) -> Completed:
        """Judge everything at once; says whether the payer is through, and how many attempts are left."""
        return self._proving.complete(decision, self._policy())

    # -- What both ask for ------------------------------------------------------------------------------------------

    def find(self, decision_id: str) -> Decision:
        """The decision as it stands now; raises NotFound."""
        now = self._clock.now()
        return self._ledger.read(lambda tx: must_find(tx, decision_id)).as_of(now)

    def reference_currency(self) -> str:
        """The currency that the policy counts in: an act that moves no money is nothing of it, and under every bound."""
        return self._policy().document.reference_currency

    def expire(self, tx: Transaction, now: datetime) -> int:
        """Close the challenges whose time is over, EXPIRED_AT_ONCE at most; returns how many."""
        lapsed = tx.decisions.lapsed(now)
        for decision in lapsed:
            end(tx, decision.as_of(now), "service", "expire", now)
        return len(lapsed)

    def _step(self, decision: Decision, factor: Factor) -> Step:
        if not decision.open_challenge().asks(factor) or factor not in self._verifiers:
            raise InvalidRequest(f"`{factor}` is not asked for in this challenge")
        warning.must_be_acknowledged(decision)
        return step_of(decision, factor, self._policy())


def _standing(tx: Transaction, asked: Decision, now: datetime) -> Decided | TransactionChanged | None:
    """What becomes of the open decision that a new one meets; None when it made room."""
    found = tx.decisions.find_open(asked.payment.subject.client, asked.payment.transaction_id)
    if found is None:
        return None
    current = found.as_of(now)
    if current.status is Status.EXPIRED:
        end(tx, current, "service", "expire", now)
        return None
    if current.binding != asked.binding:
        end(tx, current.become(Status.CANCELLED), "backend", "change", now)
        return TransactionChanged("the transaction id belongs to a payment with another amount or payee")
    if _has_lapsed(current, now) or _asks_more(asked, current):
        end(tx, current.become(Status.CANCELLED), "backend", "ask-again", now)
        return None
    return Decided(current, created=False)


def _asks_more(asked: Decision, current: Decision) -> bool:
    """Whether what would be asked now is more than what is open."""
    return Level(asked.level).rank > Level(current.level).rank or warning.asks_more(
        asked.warning, current.warning
    )


def _has_lapsed(decision: Decision, now: datetime) -> bool:
    """Whether a payment was let go with a receipt that is over by now."""
    return (
        decision.status in RELEASING and decision.receipt is not None and decision.receipt.expires_at <= now
    )


def _count_exemption(tx: Transaction, judged: Judged) -> None:
    """Add a payment to the counters of the low-value exemption that let it through."""
    decision, account = judged.decision, judged.account
    if decision.exemption is None or decision.status is not Status.EXEMPTED or account is None:
        return
    payment = decision.payment
    amount = judged.policy.document.conversion(payment.amount_minor, payment.currency)
    tx.accounts.save(replace(account, low_value=account.low_value.plus(amount)))


def _unlike(decision: Decision, habit: Habit, now: datetime) -> Event:
    """What the backend may tell the payer of a payment that is not like theirs."""
    data = {
        "decision": decision.id,
        "transaction_id": decision.payment.transaction_id,
        "signals": list(habit.present),
    }
    return Event("decision:habits:unlike", decision.payment.subject, now, data)


def _said(decision: Decision) -> Json:
    """The signals of the payer's habits, for the audit and the figures made of it."""
    return {"signals": list(decision.habit.present)} if decision.habit and decision.habit.present else {}
