"""Webhook endpoints: where a payment backend wants its events sent, with which secret, and what became of each delivery."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from authsvc.audit.chain import Entry, entry
from authsvc.domain.ids import new_id
from authsvc.domain.once import Answer, Once
from authsvc.domain.store import Transaction
from authsvc.errors import EndpointDisabled, InvalidRequest, NotFound
from authsvc.events import NOBODY
from authsvc.factor import Json
from authsvc.keys.access import ApiKey
from authsvc.services.base import Service
from authsvc.services.webhook_views import attempt_view, deliveries_view, delivery_view, endpoint_view
from authsvc.subject import Subject
from authsvc.webhook.delivery import Delivery
from authsvc.webhook.endpoint import MOST_ENDPOINTS, Endpoint
from authsvc.webhook.message import TEST
from authsvc.webhook.signature import new_secret, text_of


class WebhookService(Service):
    def create(self, key: ApiKey, once: Once, url: str, types: Sequence[str]) -> Answer:
        """An endpoint for what happens from now on, with its secret, which is shown this once."""
        self._parts.webhook_guard.must_be_fine(url)

        def effect(tx: Transaction, now: datetime) -> Answer:
            if len(tx.endpoints.of_client(key.client)) >= MOST_ENDPOINTS:
                raise InvalidRequest(f"a client may have {MOST_ENDPOINTS} webhook endpoints")
            endpoint = Endpoint(new_id("whk"), key.client, url, _in_order(types), now)
            secret = new_secret()
            tx.endpoints.add(endpoint, secret, tx.events.newest())
            tx.record(_act("create", endpoint, "enabled", now))
            return Answer.of({**endpoint_view(endpoint), "secret": text_of(secret)})

        return self._once(key, once, effect)

    def of_client(self, key: ApiKey) -> Json:
        found = self._ledger.read(lambda tx: tx.endpoints.of_client(key.client))
        return {"webhooks": [endpoint_view(endpoint) for endpoint in found]}

    def find(self, key: ApiKey, webhook_id: str) -> Json:
        return endpoint_view(self._ledger.read(lambda tx: _own(tx, key, webhook_id)))

    def change(
        self,
        key: ApiKey,
        webhook_id: str,
        url: str | None,
        types: Sequence[str] | None,
        enabled: bool | None,
    ) -> Json:
        """Another address, other types, on or off; what is None stays. Once enabled, what waited is sent, oldest first."""
        if url is not None:
            self._parts.webhook_guard.must_be_fine(url)
        now = self._clock.now()

        def unit(tx: Transaction) -> Endpoint:
            before = _own(tx, key, webhook_id)
            endpoint = before.changed(url, None if types is None else _in_order(types), enabled)
            if endpoint == before:
                return before
            if before.disabled and not endpoint.disabled:
                tx.deliveries.restart_pending(endpoint.id, now)
            tx.record(_act("change", endpoint, endpoint.disabled or "enabled", now))
            return tx.endpoints.save(endpoint)

        return endpoint_view(self._ledger.transact(unit))

    def rotate_secret(self, key: ApiKey, once: Once, webhook_id: str, overlap: timedelta) -> Answer:
        """A new secret, text_of this once. Until the overlap is over the former one signs beside it."""

        def effect(tx: Transaction, now: datetime) -> Answer:
            endpoint = _own(tx, key, webhook_id)
            secret = new_secret()
            tx.endpoints.rotate(endpoint.id, secret, now + overlap)
            tx.record(_act("rotate", endpoint, "rotated", now))
            return Answer.of({**endpoint_view(endpoint), "secret": text_of(secret)}, created=False)

        return self._once(key, once, effect)

    def delete(self, key: ApiKey, webhook_id: str) -> Json:
        """Nothing more is sent, and its log is gone."""
        now = self._clock.now()

        def unit(tx: Transaction) -> Endpoint:
            endpoint = _own(tx, key, webhook_id)
            tx.endpoints.remove(endpoint.id)
            tx.record(_act("delete", endpoint, "deleted", now))
            return endpoint

        return {"id": self._ledger.transact(unit).id, "deleted": True}

    def test(self, key: ApiKey, once: Once, webhook_id: str) -> Answer:
        """Send a test at once, whatever else waits; raises EndpointDisabled."""

        def effect(tx: Transaction, now: datetime) -> Answer:
            endpoint = _enabled(_own(tx, key, webhook_id))
            delivery = Delivery(new_id("dlv"), endpoint.id, TEST, None, now, now, now, in_line=False)
            tx.deliveries.add_all([delivery])
            return Answer.of(delivery_view(delivery, None))

        return self._once(key, once, effect)

    def deliveries(
        self, key: ApiKey, webhook_id: str, state: str | None, before: int | None, limit: int
    ) -> Json:
        """The log, the latest first; ask again with `next` as `before` for more."""
        return deliveries_view(
            self._ledger.read(
                lambda tx: tx.deliveries.page(_own(tx, key, webhook_id).id, state, before, limit)
            )
        )

    def delivery(self, key: ApiKey, webhook_id: str, delivery_id: str) -> Json:
        """One delivery with every attempt."""

        def query(tx: Transaction) -> Json:
            delivery = _delivery(tx, _own(tx, key, webhook_id), delivery_id)
            attempts = tx.deliveries.attempts(delivery.id)
            last = attempts[-1] if attempts else None
            return {**delivery_view(delivery, last), "log": [attempt_view(each) for each in attempts]}

        return self._ledger.read(query)

    def redeliver(self, key: ApiKey, once: Once, webhook_id: str, delivery_id: str) -> Answer:
        """Send a delivery once more at once, whatever became of it; raises EndpointDisabled."""

        def effect(tx: Transaction, now: datetime) -> Answer:
            endpoint = _enabled(_own(tx, key, webhook_id))
            delivery = _delivery(tx, endpoint, delivery_id).again(now)
            tx.deliveries.restart(delivery)
            tx.record(_act("redeliver", endpoint, delivery.id, now))
            return Answer.of(delivery_view(delivery, None), created=False)

        return self._once(key, once, effect)


def _own(tx: Transaction, key: ApiKey, webhook_id: str) -> Endpoint:
    """An endpoint of this client; another client's is not found."""
    endpoint = tx.endpoints.find(webhook_id)
    if endpoint is None or endpoint.client != key.client:
        raise NotFound("no such webhook endpoint")
    return endpoint


def _enabled(endpoint: Endpoint) -> Endpoint:
    if endpoint.disabled:
        raise EndpointDisabled("the webhook endpoint is disabled; enable it first")
    return endpoint


def _delivery(tx: Transaction, endpoint: Endpoint, delivery_id: str) -> Delivery:
    delivery = tx.deliveries.find(delivery_id)
    if delivery is None or delivery.endpoint_id != endpoint.id:
        raise NotFound("no such delivery")
    return delivery


def _in_order(types: Sequence[str]) -> tuple[str, ...]:
    return tuple(sorted(set(types)))


def _act(what: str, endpoint: Endpoint, result: str, now: datetime) -> Entry:
    about = Subject(endpoint.client, NOBODY)
    return entry("backend", f"webhook.{what}", about, endpoint.id, result, now)
