"""What a recording of a walk says of a payment: an input of the policy that can only make it stricter, and no proof.

A template counts once it has waited as long as a later factor does: until then somebody else may have enrolled it. What was
recorded for one payment says nothing of another one, so a recording is remembered beside the payment that it came with.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from authsvc.biometric.words import Modality
from authsvc.domain.account import Account
from authsvc.domain.decision import Decision
from authsvc.domain.store import Transaction
from authsvc.gait import service
from authsvc.gait.words import Likeness, Walked
from authsvc.payment import Payment


def likeness(
    tx: Transaction,
    payment: Payment,
    account: Account | None,
    walked: Walked | None,
    cooling: timedelta,
    now: datetime,
) -> Likeness:
    """Where nothing counts yet, or nothing was recorded, nobody can tell."""
    if walked is None or account is None or not _counts(tx, account, cooling, now):
        return Likeness.UNKNOWN
    stored = tx.templates.find(account.subject, Modality.GAIT)
    if stored is None:
        return Likeness.UNKNOWN
    return service.likeness(walked, stored.template, _remembered(tx, payment))


def inputs(found: Likeness) -> Mapping[str, bool]:
    """As an input of a policy; what nobody can tell is left out, and reads as the riskier value."""
    return {} if found is Likeness.UNKNOWN else {"gait_unlike": found is Likeness.UNLIKE}


def remember(
    tx: Transaction, decision: Decision, account: Account | None, walked: Walked | None, now: datetime
) -> None:
    """Keep what tells the recording again, of those who agreed to it."""
    subject = decision.payment.subject
    if walked is None or account is None or tx.templates.find(subject, Modality.GAIT) is None:
        return
    lines = (walked.trace, decision.payment.transaction_id)
    tx.templates.remember_capture(subject, account.key(), Modality.GAIT, lines, now)


def _remembered(tx: Transaction, payment: Payment) -> list[str]:
    """What came with other payments, or was enrolled: the same payment may be asked about again."""
    captures = tx.templates.captures(payment.subject, Modality.GAIT).values()
    return [trace for trace, *of in captures if of != [payment.transaction_id]]


def _counts(tx: Transaction, account: Account, cooling: timedelta, now: datetime) -> bool:
    """Whether the latest consent stands, and is as old as the account or has waited."""
    given = [
        each.given_at
        for each in tx.templates.consents(account.subject)
        if each.modality is Modality.GAIT and each.withdrawn_at is None
    ]
    return bool(given) and (max(given) <= account.created_at or max(given) + cooling <= now)
