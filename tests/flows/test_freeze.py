"""A freeze is a freeze: what was released before is void, whoever comes with it, also in the very same moment."""

import threading
import time
from collections.abc import Callable
from datetime import timedelta

import pytest

from authsvc.domain import account_acts as acts
from authsvc.domain.once import Once
from authsvc.domain.store import Transaction
from authsvc.errors import ProofRequired, ReceiptMismatch, UserFrozen
from authsvc.payment import Payment
from authsvc.subject import Subject
from tests.flows.owning import Holder
from tests.support.service import CLIENT, Bench, Phone, Said, said

USER = Subject(CLIENT, "u_1")


def approved(bench: Bench, phone: Phone) -> tuple[Payment, str]:
    payment = bench.payment(100)
    return payment, _receipt(bench.decide(payment, phone.device), "approved")


def exempted(bench: Bench, phone: Phone) -> tuple[Payment, str]:
    payment = bench.payment(20_000)
    return payment, _receipt(bench.decide(payment, phone.device, risk=45), "exempted")


def authenticated(bench: Bench, phone: Phone) -> tuple[Payment, str]:
    payment = bench.payment(125_000)
    decision = bench.decide(payment, phone.device)
    bench.answer_otp(decision, phone.code(bench.clock))
    bench.complete(decision)
    return payment, _receipt(bench.again(decision), "authenticated")


def _receipt(decision: Said, status: str) -> str:
    assert decision["status"] == status
    return str(decision["receipt"])


def freeze(tx: Transaction, phone: Phone, bench: Bench) -> None:
    acts.freeze(tx, acts.existing(tx, USER), "stolen", "backend", bench.clock.now())


def remove(tx: Transaction, phone: Phone, bench: Bench) -> None:
    account = acts.existing(tx, USER)
    account, _ = acts.revoke_device(tx, account, str(phone.device.id), "backend", bench.clock.now())
    tx.accounts.save(account)


def erase(tx: Transaction, phone: Phone, bench: Bench) -> None:
    acts.erase(tx, acts.existing(tx, USER), "backend", bench.clock.now())


Release = Callable[[Bench, Phone], tuple[Payment, str]]
Stop = Callable[[Transaction, Phone, Bench], None]


def consume(bench: Bench, payment: Payment, receipt: str, once: Once | None = None) -> Said:
    return said(bench.services.receipts.consume(bench.key, once or bench.once(), receipt, payment))


def is_valid(bench: Bench, payment: Payment, receipt: str) -> bool:
    return bench.services.receipts.verify(bench.key, receipt, payment)["valid"] is True


@pytest.mark.parametrize("stop", [freeze, remove, erase])
@pytest.mark.parametrize("release", [approved, exempted, authenticated])
def test_no_receipt_is_consumed_after_it(bench: Bench, release: Release, stop: Stop):
    phone = bench.enroll()
    payment, receipt = release(bench, phone)
    assert is_valid(bench, payment, receipt)
    bench.wired.store.ledger.transact(lambda tx: stop(tx, phone, bench))
    assert not is_valid(bench, payment, receipt)
    with pytest.raises(ReceiptMismatch, match="void"):
        consume(bench, payment, receipt)


@pytest.mark.parametrize("stop", [freeze, remove, erase])
def test_a_receipt_waits_for_what_is_under_way_and_is_void_then(bench: Bench, stop: Stop):
    phone = bench.enroll()
    payment, receipt = authenticated(bench, phone)
    other = Bench(bench.settings, bench.clock)
    begun = threading.Event()

    def unit(tx: Transaction) -> None:
        stop(tx, phone, bench)
        begun.set()
        time.sleep(0.3)

    stopping = threading.Thread(target=bench.wired.store.ledger.transact, args=(unit,))
    stopping.start()
    assert begun.wait(60)
    with pytest.raises(ReceiptMismatch, match="void"):
        consume(other, payment, receipt, bench.once())
    stopping.join()
    other.close()


def test_of_a_freeze_and_a_receipt_that_race_the_feed_knows_which_was_first(bench: Bench):
    phone = bench.enroll()
    other = Bench(bench.settings, bench.clock)
    consumed = 0
    for _ in range(12):
        payment, receipt = approved(bench, phone)
        barrier = threading.Barrier(2)

        def pay(
            payment: Payment = payment, receipt: str = receipt, barrier: threading.Barrier = barrier
        ) -> bool:
            barrier.wait()
            try:
                consume(other, payment, receipt, bench.once())
            except ReceiptMismatch:
                return False
            return True

        paid: list[bool] = []
        payer = threading.Thread(target=lambda pay=pay, paid=paid: paid.append(pay()))
        payer.start()
        barrier.wait()
        bench.services.users.freeze(bench.key, "u_1", "stolen")
        payer.join()
        consumed += paid[0]
        told = [str(event["type"]) for event in bench.events()]
        since = told[len(told) - told[::-1].index("subject:frozen") :]
        assert "receipt:consumed" not in since
        bench.services.users.unfreeze(bench.key, "u_1", None, ["alice", "bob"])
        bench.clock.advance(timedelta(milliseconds=1))
    other.close()


def test_what_was_released_before_a_freeze_is_void_after_the_unfreeze_as_well(bench: Bench):
    phone = bench.enroll()
    payment, receipt = authenticated(bench, phone)
    bench.services.users.freeze(bench.key, "u_1", "stolen")
    bench.services.users.unfreeze(bench.key, "u_1", None, ["alice", "bob"])
    with pytest.raises(ReceiptMismatch, match="void"):
        consume(bench, payment, receipt)
    bench.clock.advance(timedelta(milliseconds=1))
    payment, receipt = approved(bench, phone)
    assert consume(bench, payment, receipt)["decision"]


def test_who_erases_and_enrolls_again_does_not_undo_a_freeze(bench: Bench):
    bench.enroll()
    bench.services.users.freeze(bench.key, "u_1", "stolen")
    with pytest.raises(UserFrozen):
        bench.services.users.erase(bench.key, "u_1")
    with pytest.raises(ProofRequired):
        bench.enroll()


def test_a_proof_of_another_account_act_is_void_after_a_freeze(bench: Bench):
    phone = bench.enroll()
    asked = bench.decide(bench.payment(0, type="enrollment"), phone.device)
    bench.answer_face(asked, "ann 6")
    bench.complete(asked)
    proof = str(bench.again(asked)["receipt"])
    bench.services.users.freeze(bench.key, "u_1", "stolen")
    bench.services.users.unfreeze(bench.key, "u_1", None, ["alice", "bob"])
    with pytest.raises(ProofRequired, match="not an unused proof"):
        bench.enroll(face=None, otp=False, proof=proof)


def test_an_owner_who_gets_codes_from_the_shop_unfreezes_with_one(bench: Bench):
    """Else whoever has no app had no way back without two operators; no other code is issued meanwhile."""
    owner = Holder(bench, face="ann")
    owner.enroll("otp", "device")
    owner.app = None
    paying = bench.decide(bench.payment(125_000), owner.device)
    bench.services.users.freeze(bench.key, USER.user, "stolen")
    with pytest.raises(UserFrozen):
        owner.code(paying)
    proof = owner.proof("unfreeze", "otp")
    assert bench.services.users.unfreeze(bench.key, USER.user, proof, [])["status"] == "active"
