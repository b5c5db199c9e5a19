"""Webhooks of a running service: they arrive, verify, and outlive their sender; and their secrets stand nowhere."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.guarantees.canaries import files_under, forms_of
from tests.guarantees.people import Person, Shop, expect
from tests.support.live import LiveService
from tests.support.receiver import Received, Receiver, Told
from tests.support.waiting import eventually


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as running:
        yield running


@pytest.fixture
def open_at(shop: Shop) -> Iterator[Callable[..., Any]]:
    """Endpoints, which are removed after the test."""
    made: list[str] = []

    def opened(url: str, *types: str) -> Any:
        endpoint = expect(shop.post("/v1/webhooks", {"url": url, "types": list(types)}), 201)
        made.append(endpoint["id"])
        return endpoint

    yield opened
    for webhook_id in made:
        assert shop.live.ask("DELETE", f"/v1/webhooks/{webhook_id}", shop._bearer).status == 200


def test_a_new_phone_alerts_the_backend(shop: Shop, receiver: Receiver, open_at: Callable[..., Any]):
    """requirement 18, through a real service, over HTTP, checked with what the client library gives to backends."""
    endpoint = open_at(receiver.url, "subject:device:enrolled")
    person = Person(shop)
    [came] = receiver.wait_for(1)
    webhook = came.verified(endpoint["secret"])
    assert (webhook.payload["type"], webhook.payload["user_id"]) == ("subject:device:enrolled", person.user)
    eventually(lambda: _log(shop, endpoint)[0]["state"] == "delivered")
    assert 'authsvc_webhook_attempts_total{result="delivered"}' in shop.get("/metrics").content.decode()


def test_a_killed_sender_has_a_successor(shop: Shop, receiver: Receiver, open_at: Callable[..., Any]):
    endpoint = open_at(receiver.url, "subject:frozen")
    person = Person(shop)
    shop.live.sender_process().kill()
    expect(shop.post(f"/v1/users/{person.user}/freeze", {"reason": "a test"}), 200)
    [came] = receiver.wait_for(1, 60)
    assert came.verified(endpoint["secret"]).payload["user_id"] == person.user


def test_an_endpoint_that_hangs_holds_up_neither_payments_nor_others(
    shop: Shop, receiver: Receiver, open_at: Callable[..., Any]
):
    over = threading.Event()

    def hang(received: Received) -> Told:
        over.wait(300)
        return Told()

    with Receiver(hang) as slow:
        open_at(slow.url, "subject:frozen")
        open_at(receiver.url, "subject:frozen")
        person, other = Person(shop), Person(shop)
        expect(shop.post(f"/v1/users/{person.user}/freeze", {"reason": "a test"}), 200)
        slow.wait_for(1)
        assert shop.decide(shop.payment(other, 2_500)).status == 201
        expect(shop.post(f"/v1/users/{other.user}/freeze", {"reason": "a test"}), 200)
        users = [each.json["user_id"] for each in receiver.wait_for(2)]
        assert users == [person.user, other.user]
        # It still has nothing but the first, however often.
        assert {each.json["user_id"] for each in slow.received} == {person.user}
        over.set()


def test_no_secret_and_no_signature_is_ever_written_down(
    shop: Shop, service: LiveService, receiver: Receiver, open_at: Callable[..., Any]
):
    endpoint = open_at(receiver.url, "subject:frozen")
    rotated = expect(shop.post(f"/v1/webhooks/{endpoint['id']}/rotate"), 200)
    person = Person(shop)
    expect(shop.post(f"/v1/users/{person.user}/freeze", {"reason": "a test"}), 200)
    [came] = receiver.wait_for(1)
    needles = [each["secret"].removeprefix("whsec_") for each in (endpoint, rotated)]
    needles += [part.removeprefix("v1,") for part in came.headers["webhook-signature"].split()]
    assert len(needles) == 4
    places = [("log", service.log.read_bytes()), *files_under(service.data_dir, service.temp_dir)]
    assert any(b"authsvc" in content for _, content in places)
    for needle in needles:
        assert not [place for place, content in places for form in forms_of(needle) if form in content]


def _log(shop: Shop, endpoint: Any) -> Any:
    return expect(shop.get(f"/v1/webhooks/{endpoint['id']}/deliveries"), 200)["deliveries"]
