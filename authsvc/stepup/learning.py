"""How habits are learned: from payments that were let go, were settled, and then stood for a while undisputed.

A settled payment is remembered and learned once its time has come, off the decision's path. Any other ending takes it back, also
what was learned already: whoever pays with somebody else's phone must stay unnoticed for that long to become usual.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from authsvc.domain.account import Account, AccountStatus
from authsvc.domain.account_table import PROVED
from authsvc.domain.decision import RELEASING, Decision
from authsvc.domain.payer import act_of
from authsvc.domain.store import Transaction
from authsvc.errors import RecordBroken
from authsvc.habit.habits import NONE

SETTLED = "settled"


def note(tx: Transaction, decision: Decision, outcome: str, now: datetime, wait: timedelta) -> None:
    """Take in how a payment ended."""
    if outcome != SETTLED:
        _take_back(tx, decision, now)
    elif _teaches(tx, decision):
        tx.habits.expect(decision.id, decision.payment.subject, now + wait, now)


def learn_due(tx: Transaction, now: datetime, most: int) -> int:
    """Learn from payments whose time has come; returns how many there were."""
    due = tx.habits.due(now, most)
    for decision_id, subject in due:
        tx.accounts.hold(subject)
        account, decision = tx.accounts.find(subject), _sound(tx, decision_id)
        if decision is None or account is None or not _has_stood(tx, decision, account):
            tx.habits.drop(decision_id)
        elif tx.habits.take(decision_id):
            before = tx.habits.find(account)
            after = (NONE if before is None else before).learned(act_of(decision))
            tx.habits.learn(account, after, now)
    return len(due)


def _take_back(tx: Transaction, decision: Decision, now: datetime) -> None:
    subject = decision.payment.subject
    if not tx.habits.drop(decision.id):
        return
    tx.accounts.hold(subject)
    account = tx.accounts.find(subject)
    habits = None if account is None else tx.habits.find(account)
    if account is not None and habits is not None:
        tx.habits.learn(account, habits.unlearned(act_of(decision)), now)


def _teaches(tx: Transaction, decision: Decision) -> bool:
    account = tx.accounts.find(decision.payment.subject)
    return account is not None and account.knew(decision.created_at) and _is_undisputed(tx, decision)


def _has_stood(tx: Transaction, decision: Decision, account: Account) -> bool:
    """A frozen account is in doubt just when its payment should have stood the time: that teaches nothing.

    The payment itself is judged once more, since who writes in the database could have added it to what waits.
    """
    is_theirs = account.status is AccountStatus.ACTIVE and account.knew(decision.created_at)
    return is_theirs and _is_undisputed(tx, decision)


def _is_undisputed(tx: Transaction, decision: Decision) -> bool:
    """Whether a payment was let go, is one, and has no other ending than that it was settled."""
    if decision.status not in RELEASING or decision.payment.type in PROVED:
        return False
    return {outcome for outcome, _ in tx.decisions.outcomes(decision.id)} == {SETTLED}


def _sound(tx: Transaction, decision_id: str) -> Decision | None:
    """A broken record teaches nothing, and keeps nobody else waiting."""
    try:
        return tx.decisions.find(decision_id)
    except RecordBroken:
        return None
