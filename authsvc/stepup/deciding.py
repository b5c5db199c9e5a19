"""What the policy says of one payment: from what the backend stated and what is on record to a level, and the sets to prove it.

A policy is read once and judges alone until the decision stands, so that an activation in between can never mix
two versions in one decision.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial

from authsvc.biometric.words import Capture
from authsvc.device.credential import Device, DeviceState
from authsvc.device.novelty import StatedDevice, novelty
from authsvc.domain.account import DEFAULT_LOCALE, Account
from authsvc.domain.account_table import ACTS, PROVED, is_for_the_frozen
from authsvc.domain.challenge import CHALLENGE_LIFE, Challenge, seconds
from authsvc.domain.decision import Decision, Habit, Passed, PolicyRef, Status
from authsvc.domain.ids import new_id, twin
from authsvc.domain.payer import NOT_SHOWN, SEEN, Payer, habit_of
from authsvc.domain.receipt import ReceiptIssuer
from authsvc.domain.standing import KEYS, Standing
from authsvc.domain.store import Transaction
from authsvc.factor import Category, Factor, FactorVerifier, Json
from authsvc.gait.words import Recording, Walked
from authsvc.habit.signals import RECENT
from authsvc.habit.words import Act
from authsvc.payment import Binding, Payment
from authsvc.policy.engine import Outcome, Policy
from authsvc.policy.inputs import Inputs
from authsvc.policy.level import CHALLENGES, FactorSet, Level, factor_set
from authsvc.policy.ways import Way, capture_of, sets_of
from authsvc.stepup import walking
from authsvc.stepup.asking import young_key_counts
from authsvc.stepup.closing import signed
from authsvc.stepup.warning import warned_by
from authsvc.subject import Novelty

_CODE = factor_set((Factor.OTP,))
_KEY_ALONE = tuple(factor_set((each,)) for each in KEYS)

_CONSUMED: Json = {
    "rule": "consumed-before",
    "field": "transaction.id",
    "is": "consumed",
    "bound": "new",
}
"""For whoever asks about a payment again that may be paid already: it changes no level."""

SecretMacs = Callable[[str], tuple[bytes, ...]]


@dataclass(frozen=True, slots=True)
class DecisionRequest:
    """What the payment backend states. `risk_score` None is not known, and reads as 100.

    `walked` is made of the `recording`, None where nobody walks evenly in it.
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
    place: str | None = None
    recording: Recording | None = None
    walked: Walked | None = None
    passed: Passed = field(default_factory=Passed)


@dataclass(frozen=True, slots=True)
class Judged:
    """A decision as it would be opened, with the account and the policy that it was judged by."""

    decision: Decision
    account: Account | None
    policy: Policy


class Deciding:
    """Asks the policy. `macs_of_secret` returns every MAC that a device secret may have been stored as.

    `cooling` is how long an account act goes on asking for what was taken away.
    """

    def __init__(
        self,
        verifiers: Mapping[Factor, FactorVerifier[Transaction]],
        receipts: ReceiptIssuer,
        macs_of_secret: SecretMacs,
        cooling: timedelta,
    ) -> None:
        self._verifiers = verifiers
        self._receipts = receipts
        self._macs_of_secret = macs_of_secret
        self._cooling = cooling

    def judge(self, tx: Transaction, policy: Policy, request: DecisionRequest, now: datetime) -> Judged:
        """The decision about a payment that nobody has decided yet."""
        payer = tx.accounts.find_payer(request.payment, request.device.id, now - RECENT)
        account, device = payer.account, payer.device
        shown = request.device.secret
        macs = () if shown is None else self._macs_of_secret(shown)
        known = _known(request, device, macs, now)
        habit = _habit(request, payer, known, now)
        likeness = walking.likeness(tx, request.payment, account, request.walked, self._cooling, now)
        usual = {**habit.inputs, **walking.inputs(likeness)} if habit and policy.looks_at_habits else {}
        inputs = _inputs(request, account, device, known, now, usual)
        outcome = self._evaluate(policy, inputs, account, now)
        decision = Decision(
            id=new_id("dec"),
            status=_first_status(outcome),
            level=outcome.level.value,
            payment=request.payment,
            binding=Binding.of(request.payment),
            inputs=inputs.to_snapshot(),
            reasons=(*reasons_of(outcome), *([_CONSUMED] if payer.consumed else [])),
            fired=outcome.fired,
            policy=PolicyRef(policy.id, policy.version, policy.digest),
            novelty=known.value,
            created_at=now,
            expires_at=now + CHALLENGE_LIFE,
            exemption=outcome.exemption,
            device_id=request.device.id,
            locale=request.locale or (DEFAULT_LOCALE if account is None else account.locale),
            passed=request.passed,
            habit=habit,
            gait=None if request.recording is None else likeness,
            warning=warned_by(outcome),
        )
        return Judged(self._with_status(tx, decision, outcome, account, now), account, policy)

    def reconsider(
        self,
        policy: Policy,
        decision: Decision,
        account: Account | None,
        device: Device | None,
        now: datetime,
    ) -> Outcome:
        """What the policy of this moment says once a set was proven: a freeze or a stricter policy in between wins."""
        inputs = Inputs.from_snapshot(decision.inputs)
        revoked = device is not None and device.state.value not in _usable_states(inputs.type)
        synced = any(proof.get("backup_eligible") is True for proof in decision.proofs)
        fresh = replace(
            inputs,
            # Any live key may have answered, also one of another device than was stated.
            device_synced=True if synced else inputs.device_synced,
            novelty=Novelty.REVOKED if revoked else Novelty(decision.novelty),
            account_frozen=account is None or _counts_as_frozen(account, inputs.type),
            account_blocked=False,
        )
        return self._evaluate(policy, fresh, account, now)

    def proves(
        self, proven: FactorSet, capture: Capture, account: Account, outcome: Outcome, now: datetime
    ) -> bool:
        """Whether a set, proven by captures of which so much is known, is one that this outcome asks for.

        None of its factors may be on probation where that matters.
        """
        ways = self._ways(outcome, outcome.level, account.standing, now, lambda factors: factors)
        return any(way.set == proven and way.capture.rank <= capture.rank for way in ways)

    def is_strongest(self, policy: Policy, decision: Decision, account: Account, now: datetime) -> bool:
        """Whether a decision is of the strongest level that the owner has enrolled, which acts on the account are asked at."""
        owed = account.standing.owed(now, self._cooling)
        return Level(decision.level).rank >= strongest(policy, owed).rank

    def _evaluate(self, policy: Policy, inputs: Inputs, account: Account | None, now: datetime) -> Outcome:
        """What the policy says; an act on the account itself is raised to the strongest level that the owner has enrolled."""
        outcome = policy.evaluate(inputs)
        if inputs.type not in PROVED or outcome.level is Level.DENY:
            return outcome
        owed = frozenset[Factor]() if account is None else account.standing.owed(now, self._cooling)
        level = max(strongest(policy, owed), unproven(outcome), key=_rank)
        return outcome._replace(level=level, lifted_by=None)

    def _with_status(
        self, tx: Transaction, decision: Decision, outcome: Outcome, account: Account | None, now: datetime
    ) -> Decision:
        if outcome.level is Level.DENY:
            return decision
        if outcome.level is Level.NONE:
            return signed(self._receipts, tx, decision, now)
        ways = self._open(outcome, outcome.level, account, now)
        if not ways:
            standing = None if account is None else account.standing
            asked = self._asked(outcome, outcome.level, standing, now)
            missing = _missing(outcome, sets_of(asked), self._usable(outcome, account, now))
            possible = self._possible_from(outcome, account, now)
            reasons = (*decision.reasons, *(reason.to_json() for reason in outcome.shut))
            return replace(
                decision,
                status=Status.NOT_POSSIBLE,
                warning=None,
                missing=missing,
                possible_from=possible,
                reasons=reasons,
            )
        at_hand = Novelty(decision.novelty) in SEEN
        sets = sorted(sets_of(ways), key=partial(seconds, at_hand=at_hand))
        captures = (capture_of(ways, each) for each in sets)
        challenge = Challenge.asking(twin(decision.id, "chl"), sets, captures)
        return replace(decision, status=Status.CHALLENGE_REQUIRED, challenge=challenge)

    def _possible_from(self, outcome: Outcome, account: Account | None, now: datetime) -> datetime | None:
        """When this could be proved at the earliest, if nothing is enrolled until then; None when that is not known."""
        if account is None:
            return None
        for at in account.changes_after(now, self._cooling):
            level = self._evaluate(outcome.policy, outcome.inputs, account, at).level
            if self._open(outcome, level, account, at):
                return at
        return None

    def _open(self, outcome: Outcome, level: Level, account: Account | None, at: datetime) -> tuple[Way, ...]:
        """The ways that this payer can take: enrolled, not locked, and judged here with the liveness that the level asks."""
        if account is None:
            return ()
        gates = outcome.policy.liveness(level)
        offered = {factor for factor, verifier in self._verifiers.items() if verifier.is_offered(gates)}

        def usable(factors: frozenset[Factor]) -> frozenset[Factor]:
            return account.unlocked(factors, at) & offered

        return self._ways(outcome, level, account.standing, at, usable)

    def _usable(self, outcome: Outcome, account: Account | None, now: datetime) -> frozenset[Factor]:
        if account is None:
            return frozenset()
        gates = outcome.policy.liveness(outcome.level)
        offered = {factor for factor, verifier in self._verifiers.items() if verifier.is_offered(gates)}
        return account.unlocked(_provable(account.standing, outcome.inputs.type, now), now) & offered

    def _ways(
        self,
        outcome: Outcome,
        level: Level,
        standing: Standing,
        at: datetime,
        usable: Callable[[frozenset[Factor]], frozenset[Factor]],
    ) -> tuple[Way, ...]:
        """The ways that are open to the payment and to what counts of this standing; account acts know no probation."""
        inputs = outcome.inputs
        strong = usable(_provable(standing, inputs.type, at))
        ways = self._asked(outcome, level, standing, at)
        if inputs.type in PROVED:
            more = has_more_than_a_code(outcome.policy, standing.owed(at, self._cooling))
            return tuple(way for way in ways if way.is_usable(strong, ()) and not (more and way.set == _CODE))
        young = usable(standing.waiting(at))
        return tuple(way for way in ways if way.is_usable(strong, _young_in(way, inputs, strong, young)))

    def _asked(
        self, outcome: Outcome, level: Level, standing: Standing | None, at: datetime
    ) -> tuple[Way, ...]:
        """The ways whose bounds admit the payment; of an act on the account with what is owed beside a key."""
        policy, ways = outcome.policy, outcome.policy.ways_for(level, outcome.inputs)
        if outcome.inputs.type not in PROVED or standing is None:
            return ways
        return beside_a_key(policy, standing.owed(at, self._cooling), ways)


def _first_status(outcome: Outcome) -> Status:
    """Of a decision before it is known whether its challenge can be answered."""
    if outcome.level is not Level.NONE:
        return Status.DENIED
    return Status.APPROVED if outcome.exemption is None else Status.EXEMPTED


def strongest(policy: Policy, owed: frozenset[Factor]) -> Level:
    """The strictest level of which a whole set is owed, whatever the phone in hand; the strictest of all where none is."""
    levels = [level for level in CHALLENGES if any(set(way.set) <= owed for way in policy.ways_for(level))]
    return levels[-1] if levels else CHALLENGES[-1]


def _young_in(
    way: Way, inputs: Inputs, strong: frozenset[Factor], young: frozenset[Factor]
) -> frozenset[Factor]:
    """What counts of what is on probation: a key only beside a face or a voice that is not."""
    beside = any(factor.is_server_side_biometric and factor in strong for factor in way.set)
    counts = beside and young_key_counts(way, inputs.novelty, inputs.type)
    return young if counts else young - set(KEYS)


def _rank(level: Level) -> int:
    return level.rank


def unproven(outcome: Outcome) -> Level:
    """The level that is asked because the backend has not proved something itself, as a password; an act does not lower it."""
    rules = outcome.policy.matching(outcome.matched)
    return max((rule.level for rule in rules if rule.proven_lacks is not None), default=Level.NONE, key=_rank)


def has_more_than_a_code(policy: Policy, owed: frozenset[Factor]) -> bool:
    """Whether the owner has something beside codes that this policy takes for a proof: then a code alone is none of an act.

    Codes go to whoever has the SIM card, and some policies have no level between one proof and a face.
    """
    known = {factor for level in CHALLENGES for way in policy.ways_for(level) for factor in way.set}
    return not owed.isdisjoint(known - {Factor.OTP})


def beside_a_key(policy: Policy, owed: frozenset[Factor], ways: tuple[Way, ...]) -> tuple[Way, ...]:
    """A key alone proves no act of somebody who has a face or a voice that this policy takes: that is shown beside it.

    Some documents have no way that names both, as the shipped ones for a voice, and a synced key comes with the cloud account.
    """
    taken = {factor for level in CHALLENGES for way in policy.ways_for(level) for factor in way.set}
    more = sorted(factor for factor in owed & taken if factor.is_server_side_biometric)
    alone = [way for way in ways if more and way.set in _KEY_ALONE]
    together = (
        Way(
            factors=(*way.factors, each), amount_at_most=way.amount_at_most, device_at_most=way.device_at_most
        )
        for way in alone
        for each in more
    )
    return (*(way for way in ways if way not in alone), *together)


def _provable(standing: Standing, kind: str, at: datetime) -> frozenset[Factor]:
    return standing.provable(at, suspended=kind in PROVED and ACTS[kind].suspended)


def _missing(outcome: Outcome, asked: tuple[FactorSet, ...], usable: frozenset[Factor]) -> tuple[str, ...]:
    sets = asked or outcome.policy.sets_for(outcome.level)
    return tuple(sorted({factor for choice in sets for factor in choice} - usable))


def _known(
    request: DecisionRequest, device: Device | None, macs: tuple[bytes, ...], now: datetime
) -> Novelty:
    """How well the stated device is known; whoever wants a suspended one back is not refused for showing it."""
    suspended = device is not None and device.state is DeviceState.SUSPENDED
    if suspended and device is not None and device.state.value in _usable_states(request.payment.type):
        return Novelty.NEW.or_worse(request.device.novelty)
    return novelty(request.device, device, macs, now)


def _usable_states(kind: str) -> tuple[str, ...]:
    return ("active", "suspended") if kind in PROVED and ACTS[kind].suspended else ("active",)


def reasons_of(outcome: Outcome) -> tuple[Json, ...]:
    """Why the level is what it is, for the backend and never for the phone."""
    reasons = tuple(reason.to_json() for reason in outcome.reasons)
    if outcome.inputs.type in PROVED and outcome.level.asks:
        act = {
            "rule": "account-change",
            "field": "transaction.type",
            "is": outcome.inputs.type,
            "bound": "payment",
        }
        return (act, *reasons)
    return reasons


def _inputs(
    request: DecisionRequest,
    account: Account | None,
    device: Device | None,
    known: Novelty,
    now: datetime,
    usual: Mapping[str, bool | int],
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
        **usual,  # type: ignore[arg-type]  # Each input has its own type.
    )


def _habit(request: DecisionRequest, payer: Payer, known: Novelty, now: datetime) -> Habit | None:
    """What the payer's habits say; an act on the account is nobody's habit."""
    payment = request.payment
    if payment.type in PROVED:
        return None
    device = request.device.id
    act = Act(
        at=now,
        kind=payment.type,
        currency=payment.currency,
        amount_minor=payment.amount_minor,
        payee=payment.payee.id,
        device=device if device is None or known in SEEN else NOT_SHOWN,
        channel=request.channel,
        place=request.place,
        recent=payer.recent + 1,
    )
    return habit_of(payer, act)


def _counts_as_frozen(account: Account, transaction_type: str) -> bool:
    """An unfreeze is the one thing that a frozen account may still prove."""
    return account.is_frozen and not is_for_the_frozen(transaction_type)
