"""What the policy says of one payment: from what the backend stated and what is on record to a level, and the sets to prove it.

A policy is read once and judges alone until the decision stands, so that an activation in between can never mix
two versions in one decision.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial

from authsvc.account.proof import ACCOUNT_ACTS
from authsvc.device.credential import Device
from authsvc.device.novelty import StatedDevice, novelty
from authsvc.domain.account import DEFAULT_LOCALE, Account
from authsvc.domain.challenge import CHALLENGE_LIFE, Challenge
from authsvc.domain.decision import Decision, PolicyRef, Status
from authsvc.domain.receipt import ReceiptIssuer
from authsvc.domain.store import Transaction
from authsvc.factor import Category, Factor, FactorVerifier, Json
from authsvc.ids import new_id, twin
from authsvc.payment import Binding, Payment
from authsvc.policy.engine import Outcome, Policy
from authsvc.policy.inputs import Inputs
from authsvc.policy.level import CHALLENGES, FactorSet, Level
from authsvc.stepup.closing import signed
from authsvc.subject import Novelty

SEEN = (Novelty.TRUSTED, Novelty.PROBATION)
"""How new a device is that showed its own secret."""

SecretMacs = Callable[[str], tuple[bytes, ...]]


@dataclass(frozen=True, slots=True)
class DecisionRequest:
    """What the payment backend states. `risk_score` None is not known, and reads as 100.

    `locale` None is the one of the payer's enrollment: in which language somebody reads digits aloud does not depend on the shop.
    """

    payment: Payment
    device: StatedDevice = field(default_factory=StatedDevice)
    risk_score: int | None = None
    risk_reasons: tuple[str, ...] = ()
    proven: tuple[Category, ...] = ()
    channel: str | None = None
    ip: str | None = None
    locale: str | None = None
    return_url: str | None = None


@dataclass(frozen=True, slots=True)
class Judged:
    """A decision as it would be opened, with the account and the policy that it was judged by."""

    decision: Decision
    account: Account | None
    policy: Policy


class Deciding:
    """Asks the policy. `macs_of_secret` gives every MAC that a shown device secret may have been stored as."""

    def __init__(
        self,
        verifiers: Mapping[Factor, FactorVerifier[Transaction]],
        receipts: ReceiptIssuer,
        macs_of_secret: SecretMacs,
    ) -> None:
        self._verifiers = verifiers
        self._receipts = receipts
        self._macs_of_secret = macs_of_secret

    def judge(self, tx: Transaction, policy: Policy, request: DecisionRequest, now: datetime) -> Judged:
        """The decision about a payment that nobody has decided yet."""
        subject = request.payment.subject
        account, device = tx.accounts.find_with_device(subject, request.device.id)
        shown = request.device.secret
        macs = () if shown is None else self._macs_of_secret(shown)
        known = novelty(request.device, device, macs, now)
        inputs = _inputs(request, account, device, known, now)
        usable = partial(self._usable, policy, account, now)
        outcome = _evaluate(policy, inputs, usable)
        decision = Decision(
            id=new_id("dec"),
            status=Status.DENIED,
            level=outcome.level.value,
            payment=request.payment,
            binding=Binding.of(request.payment),
            inputs=inputs.to_snapshot(),
            reasons=reasons_of(outcome),
            fired=outcome.fired,
            policy=PolicyRef(policy.id, policy.version, policy.digest),
            novelty=known.value,
            created_at=now,
            expires_at=now + CHALLENGE_LIFE,
            exemption=outcome.exemption,
            device_id=request.device.id,
            locale=request.locale or (DEFAULT_LOCALE if account is None else account.locale),
            return_url=request.return_url,
        )
        return Judged(self._with_status(tx, decision, outcome, usable(outcome.level), now), account, policy)

    def reconsider(
        self,
        policy: Policy,
        decision: Decision,
        proven: FactorSet,
        account: Account | None,
        device: Device | None,
        now: datetime,
    ) -> Outcome:
        """What the policy of this moment says once a set was proven: a freeze or a stricter policy in between wins."""
        inputs = Inputs.from_snapshot(decision.inputs)
        revoked = device is not None and device.state.value != "active"
        synced = any(proof.get("backup_eligible") is True for proof in decision.proofs)
        fresh = replace(
            inputs,
            # Any live key may have answered, also one of another device than was stated.
            device_synced=True if synced else inputs.device_synced,
            novelty=Novelty.REVOKED if revoked else Novelty(decision.novelty),
            account_frozen=account is None or _counts_as_frozen(account, inputs.type),
            account_blocked=False,
        )
        return _evaluate(
            policy, fresh, lambda level: frozenset(proven) | self._usable(policy, account, now, level)
        )

    def _with_status(
        self, tx: Transaction, decision: Decision, outcome: Outcome, usable: frozenset[Factor], now: datetime
    ) -> Decision:
        if outcome.level is Level.DENY:
            return decision
        if outcome.level is Level.NONE:
            status = Status.APPROVED if outcome.exemption is None else Status.EXEMPTED
            return signed(self._receipts, tx, replace(decision, status=status), now)
        sets = tuple(choice for choice in outcome.sets if set(choice) <= usable)
        if not sets:
            missing = {factor for choice in outcome.sets for factor in choice} - usable
            return replace(decision, status=Status.NOT_POSSIBLE, missing=tuple(sorted(missing)))
        challenge = Challenge.asking(twin(decision.id, "chl"), sets)
        return replace(decision, status=Status.CHALLENGE_REQUIRED, challenge=challenge)

    def _usable(
        self, policy: Policy, account: Account | None, now: datetime, level: Level
    ) -> frozenset[Factor]:
        """What is enrolled, not locked, and judged here at this moment, with the liveness that the level asks."""
        if account is None:
            return frozenset()
        gates = policy.liveness(level)
        offered = {factor for factor, verifier in self._verifiers.items() if verifier.is_offered(gates)}
        return account.usable_factors(now) & offered


def reasons_of(outcome: Outcome) -> tuple[Json, ...]:
    """Why the level is what it is, for the backend and never for the phone."""
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


def _evaluate(policy: Policy, inputs: Inputs, usable: Callable[[Level], frozenset[Factor]]) -> Outcome:
    """What the policy says; an act on the account itself is raised to the highest level that can be proven."""
    outcome = policy.evaluate(inputs)
    if inputs.type not in ACCOUNT_ACTS or outcome.level is Level.DENY:
        return outcome
    provable = [
        level
        for level in CHALLENGES
        if any(set(choice) <= usable(level) for choice in policy.sets_for(level, inputs))
    ]
    level = provable[-1] if provable else CHALLENGES[-1]
    return outcome._replace(level=level, lifted_by=None)


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
        device_synced=device.synced if device is not None and known in SEEN else None,
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
