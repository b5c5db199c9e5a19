"""Issues eight-digit codes, for one payment or one recovery each; the payment backend sends them, over a channel of its own."""

from __future__ import annotations

import secrets
from datetime import datetime

from authsvc.clock import rfc3339
from authsvc.domain.account_acts import existing
from authsvc.domain.store import Transaction
from authsvc.errors import Locked, RateLimited
from authsvc.factor import Factor, Json
from authsvc.otp import ISSUED, ISSUED_LIFE, ISSUED_TIMES, ISSUED_TRIES, SECRET_BYTES, issued_code, time_step
from authsvc.payment import Binding
from authsvc.subject import Subject


def issue(
    tx: Transaction, subject: Subject, about: str, binding: Binding, now: datetime, *, frozen: bool = False
) -> str:
    """A code for the decision or enrollment `about`, derived from its binding; an earlier one becomes void.

    `frozen` says that it proves what a frozen account may still prove. Raises Locked while the user may not try codes,
    RateLimited past the codes of one payment, UserFrozen and NotFound.
    """
    account = existing(tx, subject)
    if not frozen:
        account.must_be_active()
    if not account.attempts.admits((Factor.OTP,), now):
        raise Locked("too many failures", retry_after=1800)
    secret = tx.codes.secret(subject, ISSUED)
    if secret is None:
        secret = secrets.token_bytes(SECRET_BYTES)
        tx.codes.put_secret(subject, account.key(), ISSUED, secret, 0, now)
    if not tx.codes.issue(about, subject, time_step(now), ISSUED_TRIES, ISSUED_TIMES, now + ISSUED_LIFE):
        raise RateLimited("this payment has had all the codes it may have", retry_after=300)
    step = tx.codes.issued_step(about, now)
    if step is None:
        raise LookupError("a code was issued in this very transaction")
    return issued_code(secret, step, binding)


def issued_view(code: str, text: str, now: datetime) -> Json:
    """What the backend gets: the code, the sentence to send, and how long and how often it may be tried."""
    return {"code": code, "text": text, "expires_at": rfc3339(now + ISSUED_LIFE), "tries": ISSUED_TRIES}
