"""Webhook endpoints over HTTP: what is answered, what is refused, and that no answer but the first shows a secret."""

from typing import Any

import pytest

from authsvc.http import trace_of
from authsvc.keys.access import Scope
from authsvc.services.outbox import StoredOutbox
from tests.web.conftest import Shop
from tests.web.people import Person, challenged, once, open_webhook
from tests.web.support import slug

URL = "https://shop.example/hook"


def send(shop: Shop, method: str, path: str, body: Any = None, key: str | None = None) -> Any:
    headers = shop.bearer if key is None else once(shop, key)
    given = {} if body is None else {"json": body}
    return shop.api.send(method, f"/v1/webhooks{path}", headers=headers, **given)


def test_an_endpoint_from_its_making_to_its_end(shop: Shop):
    made = send(shop, "POST", "", {"url": URL, "types": ["receipt:consumed"]}, "webhook-whole")
    assert made.status_code == 201
    endpoint = made.get_json()
    secret = endpoint.pop("secret")
    path = f"/{endpoint['id']}"
    assert send(shop, "GET", path).get_json() == endpoint
    assert endpoint in send(shop, "GET", "").get_json()["webhooks"]
    changed = send(shop, "PATCH", path, {"enabled": False}).get_json()
    assert (changed["enabled"], changed["disabled_reason"]) == (False, "switched-off")
    assert slug(send(shop, "POST", f"{path}/test", key="webhook-off")) == "endpoint-disabled"
    assert send(shop, "PATCH", path, {"enabled": True, "types": []}).get_json()["types"] == []
    rotated = send(shop, "POST", f"{path}/rotate", {"overlap_hours": 1}, "webhook-rotate").get_json()
    assert rotated["secret"] != secret
    tested = send(shop, "POST", f"{path}/test", key="webhook-test")
    assert tested.status_code == 201
    delivery = f"{path}/deliveries/{tested.get_json()['id']}"
    assert send(shop, "GET", delivery).get_json()["log"] == []
    assert (
        send(shop, "POST", f"{delivery}/redeliver", key="webhook-redeliver").get_json()["state"] == "pending"
    )
    [listed] = send(shop, "GET", f"{path}/deliveries?state=pending&limit=5").get_json()["deliveries"]
    assert listed["type"] == "webhook:test"
    assert send(shop, "DELETE", path).get_json() == {"id": endpoint["id"], "deleted": True}
    assert slug(send(shop, "GET", path)) == "not-found"


def test_the_same_request_again_is_answered_as_before(shop: Shop):
    first, again = (send(shop, "POST", "", {"url": URL}, "webhook-twice") for _ in range(2))
    assert first.get_json() == again.get_json()
    assert again.headers["Idempotent-Replayed"] == "true"
    other = send(shop, "POST", "", {"url": f"{URL}/other"}, "webhook-twice")
    assert slug(other) == "idempotency-key-reused"


def test_what_is_sent_belongs_to_the_request_and_the_trace_in_which_it_happened(shop: Shop, user: str):
    endpoint = send(
        shop, "POST", "", {"url": URL, "types": ["decision:challenge:cancelled"]}, "webhook-trace"
    ).get_json()
    came = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    _, decided = challenged(shop, Person(shop, user))
    cancel = f"/v1/decisions/{decided['id']}/cancel"
    cancelled = shop.api.send("POST", cancel, headers={**shop.bearer, "traceparent": came}, json={})
    assert cancelled.status_code == 200, cancelled.text
    outbox = StoredOutbox(shop.wired.store.ledger, shop.wired.store.clock)
    outbox.spread()
    claim = outbox.claim(endpoint["id"])
    assert claim is not None
    assert claim.trace == trace_of(cancelled.headers["X-Request-Id"], came)


@pytest.mark.parametrize("call", ["", "/whk_x/rotate", "/whk_x/test", "/whk_x/deliveries/dlv_x/redeliver"])
def test_what_creates_needs_an_idempotency_key(shop: Shop, call: str):
    body = {"url": URL} if call == "" else {}
    assert slug(send(shop, "POST", call, body)) == "idempotency-key-missing"


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"url": "http://shop.example/hook"},
        {"url": "https://10.0.0.1/hook"},
        {"url": "https://[::1]/hook"},
        {"url": "http://127.0.0.1:8000/v1/decisions"},
        {"url": "https://user:word@shop.example/"},
        {"url": "https://shop.example/#there"},
        {"url": "https://shop.example/ there"},
        {"url": "https://" + "x" * 3000},
        {"url": URL, "types": ["receipt:eaten"]},
        {"url": URL, "types": "receipt:consumed"},
        {"url": URL, "secret": "whsec_mine"},
    ],
    ids=str,
)
def test_an_endpoint_that_cannot_be_is_refused(shop: Shop, body: dict[str, Any]):
    assert slug(send(shop, "POST", "", body, f"webhook-{hash(str(body))}")) == "invalid-request"


def test_a_key_without_the_scope_may_not(shop: Shop):
    webhook, _ = open_webhook(shop)
    key = shop.key_with(Scope.EVENTS)
    for method, path in (("GET", ""), ("GET", f"/{webhook}"), ("DELETE", f"/{webhook}")):
        answer = shop.api.send(method, f"/v1/webhooks{path}", headers=key)
        assert slug(answer) == "insufficient-scope"
