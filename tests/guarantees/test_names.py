"""One form of every name, and odd input answered in words, whatever keeps it: SQLite takes text that PostgreSQL refuses."""

from __future__ import annotations

import json
import secrets
import unicodedata
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

from tests.guarantees.people import Person, Shop, expect

LARGE = (2**53, 2**63, 2**64, -1, 1.5, "1", True, None)


def _spelt(user: str) -> Iterator[str]:
    yield unicodedata.normalize("NFD", user)
    yield from (f"{user} ", f"\u200b{user}", f"{user}\u0000", f"{user}\u2028")


def test_a_freeze_holds_under_every_spelling_of_a_name(shop: Shop) -> None:
    user = f"jos\u00e9_{secrets.token_hex(4)}"
    person = Person(shop, user=user)
    for other in _spelt(user):
        assert shop.post(f"/v1/users/{quote(other, safe='')}/freeze", {"reason": "stolen"}).status == 400
        assert shop.post("/v1/enrollments", {"user_id": other}).status == 400
    assert expect(shop.get(f"/v1/users/{quote(user)}/status"), 200)["status"] == "active"
    expect(shop.post(f"/v1/users/{quote(user)}/freeze", {"reason": "stolen"}), 200)
    assert expect(shop.decide(shop.payment(person)), 201)["status"] == "denied"
    for other in _spelt(user):
        assert shop.decide(shop.payment(other)).status == 400


def _odd(shop: Shop, person: Person) -> Iterator[tuple[str, str, Any]]:
    """Method, path and body of what a careless or hostile backend sends."""
    texts = (
        "\u0000",
        "a\u0000b",
        "\ud800",
        "\U0001f600",
        "\U0010ffff",
        "'; --",
        "%00",
        "x" * 5000,
        "\\u0000",
    )
    at = f"/v1/users/{person.user}"
    for text in texts:
        payment = shop.payment(person)
        transaction = payment["transaction"]
        yield "POST", "/v1/decisions", {**payment, "user_id": text}
        yield "POST", "/v1/decisions", {**payment, "device": {"id": text, "secret": text}}
        yield "POST", "/v1/decisions", {**payment, "risk": {"score": 5, "reasons": [text]}}
        yield "POST", "/v1/decisions", {**payment, "context": {"locale": text}}
        for field in ("id", "type", "currency"):
            yield "POST", "/v1/decisions", {**payment, "transaction": {**transaction, field: text}}
        for field in ("id", "name"):
            payee = {**transaction["payee"], field: text}
            yield "POST", "/v1/decisions", {**payment, "transaction": {**transaction, "payee": payee}}
        yield "POST", "/v1/enrollments", {"user_id": f"u_{secrets.token_hex(4)}", "display_name": text}
        yield "POST", f"{at}/freeze", {"reason": text}
        yield "POST", f"{at}/unfreeze", {"operators": [text, "bob"]}
        yield "PATCH", f"{at}/devices/{person.device['id']}", {"name": text}
        yield "POST", "/v1/receipts/verify", {"receipt": text, "transaction": transaction}
        yield "POST", "/v1/webhooks", {"url": text}
        yield "GET", f"/v1/events?after={quote(text[:90], errors='replace')}", None
        yield "GET", f"/v1/audit/events?after={quote(text[:90], errors='replace')}", None
    for number in LARGE:
        payment = shop.payment(person)
        yield (
            "POST",
            "/v1/decisions",
            {**payment, "transaction": {**payment["transaction"], "amount_minor": number}},
        )
        yield "POST", "/v1/decisions", {**payment, "risk": {"score": number}}
        yield "GET", f"/v1/events?after={number}", None


def test_odd_input_is_kept_or_refused_and_breaks_nothing(shop: Shop) -> None:
    person = Person(shop)
    for method, path, body in _odd(shop, person):
        answer = shop.send(method, path, body)
        assert answer.status < 500, (method, path, json.dumps(body)[:300], answer.content[:300])
    shop.post(f"/v1/users/{person.user}/unfreeze", {"operators": ["alice", "bob"]})
    assert expect(shop.decide(shop.payment(person)), 201)["status"] == "challenge_required"
