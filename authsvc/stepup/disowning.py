"""An owner says that a payment was not theirs: what can still be stopped is, and each device that proved itself in it suspended.

The payment backend vouches that the owner is signed in, so this only stops and suspends; nothing of it makes anything weaker. A
phone that the payment only named is left alone: anybody with the shop's session can name it.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from authsvc.domain.decision import RELEASING, Decision, Status
from authsvc.domain.payer import SEEN
from authsvc.domain.store import Transaction
from authsvc.events import Event
from authsvc.stepup.closing import end, entry
from authsvc.stepup.suspending import suspend_device

NOT_ME = "not_me"


def disown(tx: Transaction, decision: Decision, now: datetime) -> Decision:
    """The decision as it ends; saying it twice is saying it once."""
    if decision.declined == NOT_ME:
        return decision
    suspended = _suspend(tx, decision, now)
    tx.publish(
        Event("attack:suspected", decision.payment.subject, now, {"decision": decision.id, "alarm": NOT_ME})
    )
    said = {"declined": NOT_ME, "suspended": suspended}
    becomes = _becomes(decision.as_of(now))
    if becomes is not None:
        ended = decision.become(becomes, **said)
        return end(tx, ended, "person", "disown", now, choice=NOT_ME, device_suspended=suspended)
    saved = tx.decisions.save(replace(decision, declined=NOT_ME, suspended=suspended))
    status = saved.status.value
    tx.record(entry(saved, "person", "disown", status, now, choice=NOT_ME, device_suspended=suspended))
    return saved


def _suspend(tx: Transaction, decision: Decision, now: datetime) -> bool:
    """Whether any of them was in use: the device that showed its secret, and those whose keys answered."""
    made_it = set(decision.devices_that_spoke)
    if decision.novelty in SEEN and decision.device_id is not None:
        made_it.add(decision.device_id)
    subject = decision.payment.subject
    suspended = [suspend_device(tx, subject, each, now) for each in sorted(made_it)]
    return any(suspended)


def _becomes(decision: Decision) -> Status | None:
    """How a payment that is not over ends; None for one that is, and can only be reported."""
    if decision.status is Status.CHALLENGE_REQUIRED:
        return Status.DECLINED_BY_USER
    unused = decision.receipt is not None and decision.receipt.consumed_at is None
    return Status.CANCELLED if decision.status in RELEASING and unused else None
