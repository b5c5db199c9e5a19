"""What waits to be sent, over the durable store: events become deliveries, a delivery is claimed, sent and settled.

For the sender (`webhook/sender.py`). Each step is one unit of work whose conditional write is the permission: a cursor that
moves once, a claim that one of many senders gets. A sender that dies between claiming and settling has made an attempt
whose outcome nobody knows; the delivery is due again when the claim runs out, and so is told at least once.
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from authsvc.audit.chain import entry
from authsvc.clock import Clock
from authsvc.domain.ids import new_id
from authsvc.domain.store import Ledger, Transaction
from authsvc.errors import Tampered
from authsvc.events import NOBODY, Event
from authsvc.http import Trace
from authsvc.subject import Subject
from authsvc.webhook.delivery import Claim, Delivery, DeliveryState, Outcome
from authsvc.webhook.endpoint import Disabled, Endpoint
from authsvc.webhook.lease import Beat
from authsvc.webhook.message import body_of, body_of_test

logger = logging.getLogger(__name__)

CLAIM_LIFE = timedelta(seconds=60)
"""Longer than an attempt can take, resolver included."""

PAGE = 500
"""Events that an endpoint is given at a time."""

MOST_PENDING = 200
"""When so many deliveries wait for one endpoint it is given no more: they wait in the feed, where they cost nothing."""

KEPT_FOR = timedelta(days=14)
"""How long the log lists a delivery that has ended; the feed keeps its event."""

FORGOTTEN_AT_ONCE = 500
MOST_ROUNDS = 100


class StoredOutbox:
    """Implements the sender's `Outbox`."""

    def __init__(self, ledger: Ledger, clock: Clock) -> None:
        self._ledger = ledger
        self._clock = clock

    def is_wanted(self) -> bool:
        return self._ledger.read(lambda tx: tx.endpoints.any_enabled())

    def spread(self) -> int:
        waiting = self._ledger.read(lambda tx: tx.endpoints.behind(MOST_PENDING))
        return sum(self._spread_to(endpoint_id) for endpoint_id in waiting)

    def due(self) -> tuple[str, ...]:
        now = self._clock.now()
        return self._ledger.read(lambda tx: tx.deliveries.due(now))

    def claim(self, endpoint_id: str) -> Claim | None:
        now = self._clock.now()
        return self._ledger.transact(lambda tx: _claim(tx, endpoint_id, now))

    def settle(self, claim: Claim, outcome: Outcome, *, go_on: bool) -> Claim | None:
        now = self._clock.now()

        def unit(tx: Transaction) -> Claim | None:
            _settle(tx, claim.delivery, outcome, now)
            return _claim(tx, claim.endpoint_id, now) if go_on else None

        return self._ledger.transact(unit)

    def forget(self) -> None:
        """What ended long ago, and what belonged to an endpoint that is no more; a little at a time."""
        before = self._clock.now() - KEPT_FOR
        for _ in range(MOST_ROUNDS):
            if not self._ledger.transact(lambda tx: tx.deliveries.forget(before, FORGOTTEN_AT_ONCE)):
                return

    def _spread_to(self, endpoint_id: str) -> int:
        now = self._clock.now()

        def unit(tx: Transaction) -> int:
            endpoint = tx.endpoints.find(endpoint_id)
            if endpoint is None or endpoint.disabled:
                return 0
            cursor = tx.endpoints.cursor(endpoint_id)
            events = tx.events.after(endpoint.client, cursor, PAGE)
            if events and tx.endpoints.move_cursor(endpoint_id, cursor, events[-1][0]):
                tx.deliveries.add_all(_wanted(endpoint, events, now))
            return len(events)

        return self._ledger.transact(unit)


class StoredBeats:
    """The sender's lease as a row of the durable store."""

    NAME = "webhooks"

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def read(self) -> Beat | None:
        return self._ledger.read(lambda tx: tx.leases.read(self.NAME))

    def write(self, holder: str, seen: Beat | None) -> bool:
        return self._ledger.transact(lambda tx: tx.leases.write(self.NAME, holder, seen))


def disable(tx: Transaction, endpoint: Endpoint, why: Disabled, now: datetime) -> None:
    """Send nothing more until its owner enables it, and tell the owner in the feed and at the other endpoints."""
    about = Subject(endpoint.client, NOBODY)
    tx.endpoints.save(endpoint.stopped(why))
    tx.record(entry("service", "webhook.disable", about, endpoint.id, why.value, now))
    tx.publish(Event("webhook:endpoint:disabled", about, now, {"endpoint": endpoint.id, "reason": why.value}))
    logger.warning("webhook endpoint `%s` was disabled: %s", endpoint.id, why.value)


def _wanted(endpoint: Endpoint, events: tuple[tuple[int, Event], ...], now: datetime) -> tuple[Delivery, ...]:
    return tuple(
        Delivery(new_id("dlv"), endpoint.id, event.tag, seq, now, now, now)
        for seq, event in events
        if endpoint.wants(event.tag)
    )


def _claim(tx: Transaction, endpoint_id: str, now: datetime) -> Claim | None:
    """The next attempt at this endpoint, if there is one to make and nobody else makes it."""
    endpoint = tx.endpoints.find(endpoint_id)
    if endpoint is None or endpoint.disabled:
        return None
    delivery = tx.deliveries.next_due(endpoint_id, now)
    if delivery is None:
        return None
    # Counted before it is made, so that no crash makes an attempt that never was.
    claimed = tx.deliveries.claim(delivery, now, now + CLAIM_LIFE)
    if claimed is None:
        return None
    body, trace = _content(tx, claimed)
    return Claim(claimed, endpoint.url, body, tx.endpoints.signing(endpoint_id, now), trace)


def _content(tx: Transaction, delivery: Delivery) -> tuple[bytes, Trace | None]:
    """The body, and the request in which what it says happened."""
    if delivery.seq is None:
        return body_of_test(delivery.endpoint_id, delivery.created_at), None
    event = tx.events.find(delivery.seq)
    if event is None:
        raise Tampered(f"event {delivery.seq} is missing from the feed")
    return body_of(delivery.seq, event), event.trace


def _settle(tx: Transaction, delivery: Delivery, outcome: Outcome, now: datetime) -> None:
    following = delivery.after(outcome, now)
    endpoint = tx.endpoints.find(delivery.endpoint_id)
    if endpoint is None:
        return
    why = _why_to_stop(tx, following, outcome)
    if why is not None:
        following = delivery.until_enabled(now)
        if endpoint.disabled is None:
            disable(tx, endpoint, why, now)
    tx.deliveries.settle(following, outcome)


def _why_to_stop(tx: Transaction, following: Delivery, outcome: Outcome) -> Disabled | None:
    if outcome.is_gone:
        return Disabled.GONE
    if following.state is not DeliveryState.FAILED:
        return None
    # An endpoint that took other events meanwhile is alive; then it is this one that it cannot take.
    if tx.deliveries.any_delivered(following.endpoint_id, following.began_at):
        return None
    return Disabled.FAILING
