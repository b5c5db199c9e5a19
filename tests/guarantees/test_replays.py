"""An answer that was given once is given again for a day, whatever has happened to its object in between."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from authsvc.domain.once import Once
from authsvc.errors import ReceiptMismatch
from tests.support.service import Bench, embedded


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    made = Bench(embedded(tmp_path / "data"))
    yield made
    made.close()


def test_a_consumption_is_told_again_after_its_receipt_has_expired(bench: Bench) -> None:
    phone, payment = bench.enroll(), bench.payment()
    receipt = str(bench.decide(payment, phone.device)["receipt"])
    once = Once("consume-1", hashlib.sha256(b"body").digest())
    first = bench.services.receipts.consume(bench.key, once, receipt, payment)
    bench.clock.advance(timedelta(hours=23))
    again = bench.services.receipts.consume(bench.key, once, receipt, payment)
    assert (again.body, again.replayed) == (first.body, True)
    with pytest.raises(ReceiptMismatch):
        bench.services.receipts.consume(bench.key, bench.once(), receipt, payment)


def test_an_expired_receipt_that_nobody_used_stays_unused(bench: Bench) -> None:
    phone, payment = bench.enroll(), bench.payment()
    receipt = str(bench.decide(payment, phone.device)["receipt"])
    bench.clock.advance(timedelta(minutes=3))
    once = Once("consume-1", hashlib.sha256(b"body").digest())
    for _ in range(2):
        with pytest.raises(ReceiptMismatch):
            bench.services.receipts.consume(bench.key, once, receipt, payment)


def test_a_decision_is_told_again_after_its_challenge_has_expired(bench: Bench) -> None:
    bench.enroll()
    payment, once = bench.payment(125_000), bench.once()
    first = bench.ask(payment, once=once)
    bench.clock.advance(timedelta(hours=23))
    bench.services.housekeeping.sweep()
    again = bench.ask(payment, once=once)
    assert (again.body, again.replayed) == (first.body, True)
