"""What is tried with receipts: used twice, used after the account was stopped, made up."""

from __future__ import annotations

import json
from base64 import urlsafe_b64encode
from functools import partial

from authsvc.lab.drill.authenticator import raw_of
from authsvc.lab.drill.drill import drill
from authsvc.lab.drill.people import LARGE, SMALL, Person
from authsvc.lab.drill.scene import Scene, expect
from authsvc.lab.drill.service import Json

TWO = {"operators": ["drill-one", "drill-two"]}


def _paid(scene: Scene, owner: Person, amount: int = SMALL) -> tuple[str, Json]:
    """A receipt and its payment."""
    payment = owner.payment(amount)
    decision = owner.released(owner.asks(payment=payment))
    scene.decisions.append(decision["id"])
    return decision["receipt"], payment


def _consumes(scene: Scene, owner: Person, receipt: str, payment: Json) -> None:
    answer = owner.consumes(receipt, payment)
    scene.attack(answer, through=answer.is_good)


@drill("replayed-receipt", "a receipt is consumed a second time", control="a receipt is consumed once")
def replayed_receipt(scene: Scene) -> None:
    owner = scene.person()
    receipt, payment = _paid(scene, owner)
    expect(owner.consumes(receipt, payment), 200)
    scene.begins()
    _consumes(scene, owner, receipt, payment)


@drill(
    "parallel-receipt",
    "a receipt is consumed eight times in the same moment",
    control="a receipt is consumed once",
)
def parallel_receipt(scene: Scene) -> None:
    owner = scene.person()
    receipt, payment = _paid(scene, owner)
    scene.begins()
    answers = scene.at_once([partial(owner.consumes, receipt, payment)] * 8)
    for number, answer in enumerate(sorted(answers, key=lambda each: each.status)):
        scene.attack(answer, through=number > 0 and answer.is_good)


@drill(
    "receipt-after-freeze",
    "what was released is consumed after the owner's freeze",
    control="a receipt is consumed while the account is active",
)
def receipt_after_freeze(scene: Scene) -> None:
    owner = scene.person()
    paid = [_paid(scene, owner), _paid(scene, owner, LARGE)]
    expect(owner.does("POST", "/freeze", {"reason": "drill"}), 200)
    scene.begins()
    for receipt, payment in paid:
        _consumes(scene, owner, receipt, payment)


@drill(
    "receipt-after-unfreeze",
    "what was released before a freeze is consumed after it was lifted",
    control="what was released before a freeze stays void",
)
def receipt_after_unfreeze(scene: Scene) -> None:
    owner = scene.person()
    receipt, payment = _paid(scene, owner)
    expect(owner.does("POST", "/freeze", {"reason": "drill"}), 200)
    expect(owner.does("POST", "/unfreeze", TWO), 200)
    scene.begins()
    _consumes(scene, owner, receipt, payment)


@drill(
    "receipt-of-removed-phone",
    "what was released from a phone is consumed after its removal",
    control="a receipt of a removed device is void",
)
def receipt_of_removed_phone(scene: Scene) -> None:
    owner = scene.person()
    receipt, payment = _paid(scene, owner)
    expect(owner.does("DELETE", f"/devices/{(owner.device or {})['id']}"), 200)
    scene.begins()
    _consumes(scene, owner, receipt, payment)


@drill(
    "receipt-after-erasure",
    "what was released is consumed after the account was erased",
    control="a receipt is consumed while the account is active",
)
def receipt_after_erasure(scene: Scene) -> None:
    owner = scene.person()
    receipt, payment = _paid(scene, owner)
    expect(owner.does("DELETE", ""), 200)
    scene.begins()
    _consumes(scene, owner, receipt, payment)


@drill(
    "cancelled-receipt",
    "what was released is consumed after the backend has cancelled it",
    control="a cancelled decision is closed",
)
def cancelled_receipt(scene: Scene) -> None:
    owner = scene.person()
    receipt, payment = _paid(scene, owner)
    expect(owner.service.backend("POST", f"/v1/decisions/{scene.decisions[-1]}/cancel"), 200)
    scene.begins()
    _consumes(scene, owner, receipt, payment)


@drill(
    "other-persons-receipt",
    "a receipt of one's own account pays from another",
    control="a receipt is for one payer",
)
def other_persons_receipt(scene: Scene) -> None:
    owner, thief = scene.person(), scene.person()
    receipt, payment = _paid(scene, thief)
    scene.begins()
    _consumes(scene, owner, receipt, payment)


@drill(
    "payment-receipt-as-proof",
    "the receipt of a payment opens an enrollment",
    control="a proof is for its act",
)
def payment_receipt_as_proof(scene: Scene) -> None:
    owner = scene.person()
    receipt, _ = _paid(scene, owner, LARGE)
    scene.begins()
    for answer in (
        owner.ticket(proof=receipt),
        owner.does("POST", "/unfreeze", {"proof": receipt}),
    ):
        scene.attack(answer, through=answer.is_good)


@drill(
    "forged-receipt",
    "a receipt without a signature, or with another payment under an old one",
    control="a receipt's signature",
)
def forged_receipt(scene: Scene) -> None:
    owner = scene.person()
    receipt, payment = _paid(scene, owner)
    larger = {**payment, "amount_minor": LARGE}
    head, body, signature = receipt.split(".")
    plain = json.loads(raw_of(head))
    scene.begins()
    _consumes(scene, owner, f"{_part({**plain, 'alg': 'none'})}.{body}.", payment)
    _consumes(scene, owner, f"{head}.{body}.{'A' * len(signature)}", payment)
    _consumes(
        scene, owner, f"{head}.{_part({**json.loads(raw_of(body)), 'aud': 'other'})}.{signature}", larger
    )


def _part(value: Json) -> str:
    return urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")
