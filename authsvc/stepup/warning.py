"""A warning comes before every proof: it is shown, it is answered once, and until then nothing of its challenge is judged."""

from __future__ import annotations

import secrets
from dataclasses import replace
from datetime import datetime

from authsvc.domain import account_acts
from authsvc.domain.account_table import PROVED
from authsvc.domain.decision import Decision, Status
from authsvc.domain.payer import SEEN
from authsvc.domain.store import Transaction
from authsvc.domain.warned import STOPPING, TO_THE_QUESTION, Answer, Warned, WarningState
from authsvc.errors import ChallengeClosed, InvalidRequest, ProofRequired, WarningUnanswered
from authsvc.events import Event
from authsvc.policy.engine import Outcome
from authsvc.stepup.closing import end, entry, must_have_account

WARNED = "warned"
"""How a payer declined who said to a warning that somebody had asked them to pay, or that they were not sure."""

FROZEN_AFTER_A_WARNING = "frozen by its owner, who was asked to pay by somebody else"


def warned_by(outcome: Outcome) -> Warned | None:
    """The warning of a payment that asks for something; an act on the account moves no money and has none."""
    rule = None if outcome.inputs.type in PROVED else outcome.warning
    if rule is None or rule.warning is None:
        return None
    return Warned(rule.warning.kind.value, rule.warning.strict, rule.id)


def warns_more(outcome: Outcome, decision: Decision) -> bool:
    """Whether a policy of now has a warning that the payer of an earlier decision has not read like this."""
    return asks_more(warned_by(outcome), decision.warning)


def asks_more(warning: Warned | None, than: Warned | None) -> bool:
    """Whether a warning asks more of its reader than another one."""
    return _emphasis(warning) > _emphasis(than)


def must_be_acknowledged(decision: Decision) -> None:
    """Raises WarningUnanswered for a decision whose warning its payer has not acknowledged."""
    warning = decision.warning
    if warning is not None and warning.state is not WarningState.ACKNOWLEDGED:
        raise WarningUnanswered("the challenge carries a warning that comes before every proof")


def show(tx: Transaction, decision: Decision, text: str, now: datetime) -> Decision:
    """The decision with its warning as it is shown; drawn, dated and recorded once, however often somebody looks."""
    warning = _open_warning(decision)
    if warning.shown_at is not None:
        return decision
    shown = warning.shown(text, _drawn() if warning.strict else (), now)
    saved = tx.decisions.save(replace(decision, warning=shown))
    tx.record(entry(saved, "payer", "warn", "shown", now))
    return saved


def answer(tx: Transaction, decision: Decision, said: Answer, now: datetime) -> Decision:
    """The decision with its answer, by the one write that lets it count; an answer that stops ends the payment in it."""
    answered = replace(decision, warning=_open_warning(decision).answered(said, now))
    if said not in STOPPING:
        saved = tx.decisions.save(answered)
        tx.record(entry(saved, "payer", "answer-warning", "acknowledged", now))
        return saved
    declined = answered.become(Status.DECLINED_BY_USER, declined=WARNED)
    tx.publish(_stopped(declined, said, now))
    return end(tx, declined, "payer", "decline", now, choice=WARNED, device_suspended=False)


def can_freeze(decision: Decision, now: datetime) -> bool:
    """Whether the payer whom a warning stopped may freeze the account from here: as with `not_me`, only after a proof.

    No factor was asked for yet, so that is the secret of the device with which the payment was asked about.
    """
    return decision.declined == WARNED and decision.novelty in SEEN and now < decision.expires_at


def freeze(tx: Transaction, decision: Decision, now: datetime) -> None:
    """Freeze the account of a payer whom a warning stopped; twice is once."""
    if decision.declined != WARNED or now >= decision.expires_at:
        raise ChallengeClosed(
            "the account is frozen from here only where a warning has just stopped a payment"
        )
    if not can_freeze(decision, now):
        raise ProofRequired("nothing has shown that this is the owner of the account")
    account = must_have_account(tx, decision)
    if not account.is_frozen:
        account_acts.freeze(tx, account, FROZEN_AFTER_A_WARNING, "payer", now)


def _stopped(decision: Decision, said: Answer, now: datetime) -> Event:
    """What the backend is told of a payment that a warning stopped."""
    kind = None if decision.warning is None else decision.warning.kind
    data = {
        "decision": decision.id,
        "transaction_id": decision.payment.transaction_id,
        "warning": kind,
        "answer": said.value,
    }
    return Event("decision:warning:stopped", decision.payment.subject, now, data)


def _drawn() -> tuple[Answer, ...]:
    """In an order that nobody can know before, so that the question has to be read."""
    order = list(TO_THE_QUESTION)
    secrets.SystemRandom().shuffle(order)
    return tuple(order)


def _open_warning(decision: Decision) -> Warned:
    decision.open_challenge()
    if decision.warning is None:
        raise InvalidRequest("this challenge carries no warning")
    return decision.warning


def _emphasis(warning: Warned | None) -> int:
    return 0 if warning is None else 1 + warning.strict
