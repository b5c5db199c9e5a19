"""What becomes of a payment between decision and money: changed, doubled, downgraded, split, written so that it misleads."""

from __future__ import annotations

import unicodedata
from functools import partial

from authsvc.lab.drill.drill import Unprepared, drill
from authsvc.lab.drill.people import LARGE, MEDIUM, SMALL, Person
from authsvc.lab.drill.scene import Scene, expect
from authsvc.lab.drill.service import new_name

MULE = {"id": "cn:622202-mule", "name": "张三"}
MISLEADING = "\u061c\u200b\u200e\u202e\u2028\u2066\ufeff\u00ad\u115f\x00\x85"
NO_AMOUNTS = (-1, 1.5, "2500", 2**63, True, None)
SPLIT_EUR_CENTS = 2_900
MOST_SPLIT = 5
"""Payments in a row without a proof (RTS Art. 16)."""

STRONG = frozenset({"face", "voice", "device_uv"})


@drill(
    "mule-at-night",
    "at 3 a.m. a known phone pays a payee that nobody knows, and the risk score is high",
    control="rule `high-risk`",
)
def mule_at_night(scene: Scene) -> None:
    owner = scene.person()
    scene.begins()
    for score in (80, None):
        payment = owner.payment(MEDIUM, payee=MULE)
        scene.asks_weakly(owner.asks(payment=payment, risk=score), frozenset({"face", "voice", "device_uv"}))


@drill(
    "risk-left-out", "somebody in between takes the risk score out", control="an absent score reads as 100"
)
def risk_left_out(scene: Scene) -> None:
    owner = scene.person()
    scene.begins()
    scene.pays(owner.asks(SMALL, risk=None, device={"id": new_name("dev"), "novelty": "new"}))
    scene.pays(owner.asks(SMALL, risk=None))


@drill(
    "asked-again-milder",
    "a payment that was challenged is asked about again with a lower risk",
    control="the open decision stands",
)
def asked_again_milder(scene: Scene) -> None:
    owner = scene.person(face=True)
    asked = owner.until_asked(lambda: owner.asks(payment=owner.payment(SMALL), risk=80))
    again = owner.payment(SMALL, id=asked.decision["transaction_id"])
    scene.begins()
    scene.pays(owner.asks(payment=again, risk=0))


@drill(
    "changed-amount",
    "the amount is raised after the payer has approved",
    control="a receipt is for one payment",
)
def changed_amount(scene: Scene) -> None:
    _changes(scene, amount_minor=MEDIUM * 8)


@drill(
    "changed-payee",
    "the payee is exchanged after the payer has approved",
    control="a receipt is for one payment",
)
def changed_payee(scene: Scene) -> None:
    _changes(scene, payee=MULE)


def _changes(scene: Scene, **changes: object) -> None:
    owner = scene.person()
    payment = owner.payment()
    paid = owner.released(owner.asks(payment=payment))
    scene.begins()
    scene.decisions.append(paid["id"])
    answer = owner.consumes(paid["receipt"], {**payment, **changes})
    scene.attack(answer, through=answer.is_good)


@drill(
    "same-id-more-money",
    "an approved transaction id is decided again with more money",
    control="one payment a transaction id",
)
def same_id_more_money(scene: Scene) -> None:
    owner = scene.person()
    payment = owner.payment(SMALL)
    expect(owner.asks(payment=payment), 201)
    scene.begins()
    answer = owner.asks(payment={**payment, "amount_minor": LARGE})
    scene.attack(answer, through=answer.is_good)


@drill(
    "replayed-decision",
    "a recorded request is sent again with another amount under its key",
    control="an idempotency key covers one body",
)
def replayed_decision(scene: Scene) -> None:
    owner, once = scene.person(), new_name("once")
    expect(owner.asks(SMALL, once=once), 201)
    scene.begins()
    answer = owner.asks(LARGE * 10, once=once)
    scene.attack(answer, through=answer.is_good)


@drill(
    "duplicated-payment",
    "one payment is asked about eight times in the same moment",
    control="one open decision a transaction id",
)
def duplicated_payment(scene: Scene) -> None:
    owner = scene.person()
    payment = owner.payment(SMALL)
    scene.begins()
    answers = scene.at_once([partial(owner.asks, payment=payment)] * 8)
    made: set[str] = set()
    for answer in answers:
        is_another = answer.is_good and bool(made - {answer.json["id"]})
        made |= {answer.json["id"]} if answer.is_good else set()
        scene.attack(answer, through=is_another)


@drill(
    "split-payments",
    "a large sum is split into payments that are exempted",
    control="the exemption's counters",
)
def split_payments(scene: Scene) -> None:
    owner = scene.person()
    scene.begins()
    free = 0
    for _ in range(MOST_SPLIT + 3):
        payment = owner.payment(SPLIT_EUR_CENTS, currency="EUR")
        answer = owner.asks(payment=payment, risk=45)
        free += answer.json.get("status") in ("approved", "exempted")
        scene.attack(answer, through=free > MOST_SPLIT)


@drill(
    "unheard-currency",
    "one unit of a currency that nobody has heard of",
    control="an unknown currency is a large amount",
)
def unheard_currency(scene: Scene) -> None:
    owner = scene.person()
    scene.begins()
    scene.pays(owner.asks(payment=owner.payment(1, currency="XTS")))


@drill("no-amount", "amounts that are no amounts", control="an amount is a whole number of its smallest unit")
def no_amount(scene: Scene) -> None:
    owner = scene.person()
    scene.begins()
    for amount in NO_AMOUNTS:
        scene.pays(owner.asks(payment={**owner.payment(), "amount_minor": amount}))


@drill(
    "misleading-payee",
    "a payee's name steers the text that the payer reads",
    control="names have no control characters",
)
def misleading_payee(scene: Scene) -> None:
    owner = scene.person()
    scene.begins()
    for character in MISLEADING:
        payee = {"id": "shop_1", "name": f"friend{character}ship"}
        answer = owner.asks(payment=owner.payment(payee=payee))
        scene.attack(answer, through=answer.is_good)


@drill(
    "unicode-twin",
    "another spelling of a user's name enrolls as somebody new",
    control="one canonical form for every identifier",
)
def unicode_twin(scene: Scene) -> None:
    owner = Person(scene.service, f"jos\u00e9_{new_name('drill')}")
    scene.people.append(owner)
    owner.enroll("otp", "key")
    scene.begins()
    for twin in (unicodedata.normalize("NFD", owner.user), f"{owner.user[:4]}\u200b{owner.user[4:]}"):
        answer = Person(scene.service, twin).ticket()
        scene.attack(answer, through=answer.is_good)


@drill(
    "downgraded-set",
    "the payer's page asks for a way that was not offered",
    control="only offered sets are chosen",
)
def downgraded_set(scene: Scene) -> None:
    owner = scene.person(face=True)
    asked = owner.until_asked(lambda: owner.asks(LARGE, device=None))
    scene.begins()
    for factors in (["otp"], ["device_key"], ["device_uv"]):
        answer = asked.send("POST", "/switch", {"factors": factors})
        scene.attack(answer, through=answer.is_good)


@drill(
    "half-a-set",
    "one factor of two is shown and the challenge completed",
    control="a set is proven by all of it",
)
def half_a_set(scene: Scene) -> None:
    owner = scene.person(face=True)
    asked = owner.until_asked(lambda: owner.asks(LARGE, device=None))
    for way in asked.sets:
        if "otp" in way:
            expect(asked.send("POST", "/switch", {"factors": sorted(way)}), 200)
            break
    scene.begins()
    asked.begin("otp")
    asked.put("otp", {"code": owner.app_code()})
    if owner.key is not None and frozenset({"device_uv"}) not in asked.sets:
        scene.proves(asked, asked.complete())
    else:
        raise Unprepared("the key alone is a way here")


@drill(
    "other-challenge",
    "the token of one's own challenge opens another person's",
    control="a token opens its own challenge",
)
def other_challenge(scene: Scene) -> None:
    owner, thief = scene.person(), scene.person()
    asked, own = owner.challenged(owner.asks()), thief.challenged(thief.asks())
    scene.begins()
    for method, path in (
        ("GET", ""),
        ("POST", "/steps/otp/begin"),
        ("POST", "/complete"),
        ("POST", "/decline"),
    ):
        body = {"choice": "cancel"} if path == "/decline" else None
        answer = scene.service.call(method, f"{asked.path}{path}", own.authorization, body)
        scene.attack(answer, through=answer.is_good)
