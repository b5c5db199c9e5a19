"""Once means once: fifty who come at the same moment get one effect between them, whichever worker each one meets."""

from __future__ import annotations

import secrets
from collections import Counter

from tests.guarantees.people import Person, Shop, expect, race

CROWD = 50


def test_fifty_copies_of_one_request_are_one_decision_and_fifty_equal_answers(shop: Shop) -> None:
    payment, key = shop.payment(Person(shop)), secrets.token_hex(8)
    answers = race(CROWD, lambda _: shop.decide(payment, key))
    assert {answer.status for answer in answers} == {201}
    assert len({answer.content for answer in answers}) == 1
    assert sum("idempotent-replayed" not in answer.headers for answer in answers) == 1
    lines = shop.audit_lines([answers[0].json["id"]])
    assert [line["action"] for line in lines] == ["decision.decide"]


def test_fifty_requests_about_one_transaction_are_one_decision(shop: Shop) -> None:
    payment = shop.payment(Person(shop))
    answers = race(CROWD, lambda _: shop.decide(payment))
    assert Counter(answer.status for answer in answers) == {201: 1, 200: CROWD - 1}
    assert len({answer.json["id"] for answer in answers}) == 1
    assert len({answer.json["challenge"]["token"] for answer in answers}) == 1


def test_one_code_on_fifty_challenges_succeeds_once(shop: Shop) -> None:
    person = Person(shop)
    challenges = [shop.challenge(shop.payment(person)) for _ in range(CROWD)]
    code = person.code()
    for challenge in challenges:
        challenge.give_code(code)
    answers = race(CROWD, lambda number: challenges[number].complete())
    assert Counter(answer.status for answer in answers) == {200: 1, 401: CROWD - 1}
    found = Counter(shop.decision(challenge.decision_id)["status"] for challenge in challenges)
    assert found == {"authenticated": 1, "challenge_required": CROWD - 1}


def test_one_challenge_completed_fifty_times_succeeds_once(shop: Shop) -> None:
    person = Person(shop)
    challenge = shop.challenge(shop.payment(person))
    challenge.give_code(person.code())
    answers = race(CROWD, lambda _: challenge.complete())
    assert [answer.status for answer in answers].count(200) == 1
    assert {answer.slug for answer in answers} <= {None, "invalid-request", "challenge-closed"}
    lines = shop.audit_lines([challenge.decision_id])
    assert [line["result"] for line in lines] == ["challenge_required", "authenticated"]


def test_an_issued_code_succeeds_once_however_often_it_is_handed_in(shop: Shop) -> None:
    challenge = shop.challenge(shop.payment(Person(shop)))
    code = shop.issued_code(challenge.decision_id)
    challenge.begin("otp")
    taken = race(CROWD, lambda _: challenge.put("otp", {"code": code}))
    # One ceremony, one submission; the step may be begun again, and the limit on steps bounds how often.
    assert [answer.status for answer in taken].count(200) == 1
    answers = race(CROWD, lambda _: challenge.complete())
    assert [answer.status for answer in answers].count(200) == 1


def test_fifty_who_consume_one_receipt_are_one_that_may_pay(shop: Shop) -> None:
    payment = shop.payment(Person(shop), amount=2_500)
    decision = expect(shop.decide(payment), 201)
    answers = race(CROWD, lambda _: shop.consume(decision["receipt"], payment))
    assert Counter(answer.status for answer in answers) == {200: 1, 409: CROWD - 1}
    assert {answer.slug for answer in answers} == {None, "receipt-consumed"}
    lines = [line["action"] for line in shop.audit_lines([decision["id"]])]
    assert sorted(lines) == ["decision.decide", "receipt.consume"]


def test_fifty_copies_of_one_consumption_are_one_that_may_pay_and_fifty_equal_answers(shop: Shop) -> None:
    payment, key = shop.payment(Person(shop), amount=2_500), secrets.token_hex(8)
    receipt = expect(shop.decide(payment), 201)["receipt"]
    answers = race(CROWD, lambda _: shop.consume(receipt, payment, key))
    assert {answer.status for answer in answers} == {200}
    assert len({answer.content for answer in answers}) == 1
    assert sum("idempotent-replayed" not in answer.headers for answer in answers) == 1
