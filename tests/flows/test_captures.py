"""What earlier captures are recognised by: the enrollment's as long as its template stands, and the last twenty besides."""

from datetime import timedelta
from typing import Any

import pytest

from authsvc.biometric.words import Modality, Template
from authsvc.storage.factors import CAPTURES_KEPT
from authsvc.subject import Subject
from tests.support.service import NOON, Bench

PAYER = Subject("shop", "u_1")
VOICE = Template(Modality.VOICE, "sha256:ab", bytes(8), 5)


@pytest.fixture
def enrolled(bench: Bench) -> Bench:
    bench.enroll()
    _enrolls(bench, 0, "row")
    return bench


def _enrolls(bench: Bench, minute: int, name: str) -> None:
    def unit(tx: Any) -> None:  # Any: a transaction, used as the enrollment does
        account = tx.accounts.find(PAYER)
        now = NOON + timedelta(minutes=minute)
        tx.templates.put(PAYER, account.key(), f"tpl_{name}", VOICE, now)
        rows = [f"{name} {number}" for number in range(5)]
        tx.templates.remember_capture(PAYER, account.key(), Modality.VOICE, rows, now)

    bench.wired.store.ledger.transact(unit)


def _pays(bench: Bench, minute: int) -> None:
    def unit(tx: Any) -> None:  # Any: as above
        key, now = tx.accounts.find(PAYER).key(), NOON + timedelta(minutes=minute)
        tx.templates.remember_capture(PAYER, key, Modality.VOICE, [f"payment {minute}"], now)

    bench.wired.store.ledger.transact(unit)


def _remembered(bench: Bench) -> tuple[str, ...]:
    return bench.wired.store.ledger.read(lambda tx: tx.templates.fingerprints(PAYER, Modality.VOICE))


def test_payments_never_push_the_enrollment_out_of_memory(enrolled: Bench):
    for minute in range(1, 2 * CAPTURES_KEPT):
        _pays(enrolled, minute)
    remembered = _remembered(enrolled)
    assert {f"row {number}" for number in range(5)} <= set(remembered)
    newest = range(CAPTURES_KEPT + 1, 2 * CAPTURES_KEPT)
    assert {f"payment {minute}" for minute in newest} <= set(remembered)
    assert len(remembered) == 5 + CAPTURES_KEPT - 1


def test_an_earlier_enrollment_is_a_capture_like_others_once_it_is_replaced(enrolled: Bench):
    _enrolls(enrolled, 1, "anew")
    assert {"row 0", "anew 0"} <= set(_remembered(enrolled))
    for minute in range(2, 2 * CAPTURES_KEPT):
        _pays(enrolled, minute)
    assert "anew 0" in _remembered(enrolled)
    assert "row 0" not in _remembered(enrolled)


def test_what_is_remembered_goes_with_the_template(enrolled: Bench):
    enrolled.wired.store.ledger.transact(lambda tx: tx.templates.forget(PAYER, Modality.VOICE))
    assert _remembered(enrolled) == ()
