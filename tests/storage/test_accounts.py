"""What the decision path reads of a payer in one look, on both stores."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest

from authsvc.domain.account import Account
from authsvc.domain.decision import Decision, Status
from authsvc.domain.ids import new_id
from authsvc.domain.standing import Standing
from authsvc.payment import Payment
from authsvc.storage.accounts import MOST_RECENT
from authsvc.subject import Subject
from tests.domain.test_decision import decision
from tests.support.service import NOON, Bench, on_store

HOUR = timedelta(hours=1)


@pytest.fixture(scope="module", params=["embedded", "servers"])
def bench(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    made = Bench(on_store(request, tmp_path_factory.mktemp("payers")))
    yield made
    made.close()


def _asked(bench: Bench, payment: Payment, *ages: timedelta) -> None:
    """Decisions about a payment, of which none is open."""
    closed = replace(decision(Status.CANCELLED), payment=payment, challenge=None)
    for age in ages:
        _opened(bench, replace(closed, id=new_id("dec"), created_at=NOON - age))


def _opened(bench: Bench, asked: Decision) -> None:
    bench.wired.store.ledger.transact(lambda tx: tx.decisions.open(asked))


def _recent(bench: Bench, payment: Payment) -> int:
    return bench.wired.store.ledger.transact(
        lambda tx: tx.accounts.find_payer(payment, None, NOON - HOUR)
    ).recent


def _payment(bench: Bench, subject: Subject, name: str) -> Payment:
    return replace(decision().payment, subject=subject, transaction_id=name)


def test_recent_are_the_hour_s_other_payments_of_this_payer(bench: Bench):
    payer = Subject("shop", new_id("usr"))
    bench.wired.store.ledger.transact(lambda tx: tx.accounts.add(Account(payer, NOON, standing=Standing())))
    this, moment = _payment(bench, payer, new_id("pay")), timedelta(milliseconds=1)
    assert _recent(bench, this) == 0
    _asked(bench, this, moment, moment)
    assert _recent(bench, this) == 0, "what was asked about the payment itself is none of them"
    _asked(bench, replace(this, transaction_id=new_id("pay")), moment, HOUR, HOUR - moment, 2 * HOUR)
    assert _recent(bench, this) == 2, "the hour is over after an hour"
    _asked(bench, replace(this, subject=Subject("shop", new_id("usr"))), moment)
    _asked(bench, replace(this, subject=replace(payer, client="other")), moment)
    assert _recent(bench, this) == 2, "another payer's of the same name take nothing away"
    _asked(bench, this, *[moment * 2] * (MOST_RECENT - 3))
    assert _recent(bench, this) == 2, "however often it was asked about"
    _asked(bench, replace(this, transaction_id=new_id("pay")), *[moment] * MOST_RECENT)
    assert _recent(bench, this) == MOST_RECENT
