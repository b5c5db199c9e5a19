"""What a request holds: fields out of bounds are named, and nothing is repeated."""

import pytest

from tests.web.support import (
    DECISION,
    TRANSACTION,
    Api,
    FakeServices,
    slug,
)


def changed(**changes: object) -> dict[str, object]:
    return {**DECISION, **changes}


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (changed(risk={"score": "73"}), "risk.score"),
        (changed(risk={"score": True}), "risk.score"),
        (changed(risk={"score": 73.0}), "risk.score"),
        (changed(risk={"score": 101}), "risk.score"),
        (changed(risk={"score": -1}), "risk.score"),
        (changed(risk={"score": None}), "risk.score"),
        (changed(risk={"score": 1, "reasons": ["r"] * 33}), "risk.reasons"),
        (changed(device={"novelty": "fine"}), "device.novelty"),
        (changed(device={"secret": "s" * 257}), "device.secret"),
        (changed(proven=["inherence"]), "proven.0"),
        (changed(proven=["knowledge", "knowledge"]), "proven"),
        (changed(context={"ip": "203.0.113.700"}), "context.ip"),
        (changed(context={"locale": "zh_CN"}), "context.locale"),
        (changed(context={"channel": "App"}), "context.channel"),
        (changed(return_url="http://shop.example/back"), "return_url"),
        (changed(return_url="https://user@shop.example/"), "return_url"),
        (changed(return_url="javascript:alert(1)"), "return_url"),
        (changed(return_url="http://localhost.evil.example/"), "return_url"),
        (changed(user_id="u" * 129), "user_id"),
        (changed(user_id=""), "user_id"),
        (changed(user_id="a/b"), "user_id"),
        (changed(user_id=".."), "user_id"),
        (changed(user_id="u\x00"), "user_id"),
        (changed(user_id=42), "user_id"),
        (changed(transaction={**TRANSACTION, "type": "Transfer"}), "transaction.type"),
        (changed(transaction={**TRANSACTION, "currency": "cny"}), "transaction.currency"),
        (changed(transaction={**TRANSACTION, "currency": "CNY\n"}), "transaction.currency"),
        (changed(transaction={**TRANSACTION, "amount_minor": 2**53}), "transaction.amount_minor"),
        (changed(transaction={**TRANSACTION, "amount_minor": -1}), "transaction.amount_minor"),
        (changed(transaction={**TRANSACTION, "amount_minor": 12.5}), "transaction.amount_minor"),
        (
            changed(transaction={**TRANSACTION, "payee": {"id": "p", "name": "a\u202eb"}}),
            "transaction.payee.name",
        ),
        (
            changed(transaction={**TRANSACTION, "payee": {"id": "p", "name": "n" * 257}}),
            "transaction.payee.name",
        ),
        (changed(amount=1), "amount"),
        ({"user_id": "u_42"}, "transaction"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_field_out_of_bounds_is_named(api: Api, fake: FakeServices, body: object, field: str):
    answer = api.decide(body)
    assert slug(answer) == "invalid-request"
    assert [error["field"] for error in answer.get_json()["errors"]] == [field]
    assert not fake.calls_of("decisions.decide")


def test_a_refusal_never_repeats_what_was_sent(api: Api):
    answer = api.decide(changed(device={"id": "dev_1", "secret": "hush\tpassword"}))
    assert slug(answer) == "invalid-request"
    assert b"hush" not in answer.data


@pytest.mark.parametrize(
    "url", ["https://shop.example/back?x=1", "http://localhost:3000/back", "http://localhost"]
)
def test_a_return_url_is_https_or_this_machine(api: Api, fake: FakeServices, url: str):
    assert api.decide(changed(return_url=url)).status_code == 201
    ((_, _, request),) = fake.calls_of("decisions.decide")
    assert request.passed.return_url == url
