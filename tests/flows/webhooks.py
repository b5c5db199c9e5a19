"""A payment backend with webhook endpoints, and the sender that serves them, on a clock that stands still."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from authsvc.bootstrap.opening import open_store
from authsvc.bootstrap.sending import make_sender
from authsvc.domain.once import Answer
from authsvc.domain.store import Transaction
from authsvc.events import Event
from authsvc.services.outbox import StoredBeats, StoredOutbox
from authsvc.subject import Subject
from authsvc.webhook.delivery import Claim
from authsvc.webhook.lease import Lease
from authsvc.webhook.post import Postman
from authsvc.webhook.sender import Sender
from tests.support.service import CLIENT, Bench

Said = Mapping[str, Any]


class Office:
    """The shop's endpoints, and a sender that is told when to look."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        # Like the process beside the web processes: a store of its own, and its own audit chain.
        self.store = open_store(bench.settings, bench.clock)
        self.sender = make_sender(bench.settings, self.store)
        self.outbox = StoredOutbox(self.store.ledger, bench.clock)

    def close(self) -> None:
        self.sender.close(10)
        self.store.close()

    def open(self, url: str, *types: str) -> Said:
        """A new endpoint, with its secret."""
        return said(self.bench.services.webhooks.create(self.bench.key, self.bench.once(), url, types))

    def look(self, times: int = 1) -> None:
        """The sender looks, and comes to rest."""
        for _ in range(times):
            self.sender.tick()
            assert self.sender.rest(20)

    def look_for(self, whole: timedelta, step: timedelta) -> None:
        """The sender looks again and again while time passes."""
        passed = timedelta()
        while passed < whole:
            self.look()
            self.bench.clock.advance(step)
            passed += step

    def rival(self, name: str = "another host") -> Sender:
        """A second sender that believes in a lease of its own."""
        lease = Lease(StoredBeats(self.store.ledger), name)
        postman = Postman(self.bench.wired.services.webhooks._parts.webhook_guard)
        return Sender(self.outbox, lease, postman, self.bench.clock)

    def happen(self, *users: str) -> None:
        """Something that the shop is told, for each of these users, in one batch: their accounts are frozen."""
        now = self.bench.clock.now()

        def unit(tx: Transaction) -> None:
            for user in users:
                tx.publish(Event("subject:frozen", Subject(CLIENT, user), now, {"reason": "a test"}))

        self.bench.wired.store.ledger.transact(unit)

    def claim(self, endpoint: Said) -> Claim | None:
        return self.outbox.claim(endpoint["id"])

    def log(self, endpoint: Said, state: str | None = None) -> Sequence[Said]:
        found: Said = self.bench.services.webhooks.deliveries(
            self.bench.key, endpoint["id"], state, None, 500
        )
        return list(found["deliveries"])

    def all(self) -> Sequence[Said]:
        found: Said = self.bench.services.webhooks.of_client(self.bench.key)
        return list(found["webhooks"])

    def shown(self, endpoint: Said) -> Said:
        return self.bench.services.webhooks.find(self.bench.key, endpoint["id"])

    def delivery(self, endpoint: Said, delivery_id: str) -> Said:
        return self.bench.services.webhooks.delivery(self.bench.key, endpoint["id"], delivery_id)

    def change(self, endpoint: Said, **changes: Any) -> Said:
        given = {"url": None, "types": None, "enabled": None, **changes}
        return self.bench.services.webhooks.change(self.bench.key, endpoint["id"], **given)

    def stranger(self) -> Bench:
        """The same service for another client."""
        bench: Bench = object.__new__(Bench)
        bench.__dict__.update(self.bench.__dict__)
        bench.key = self.bench.new_key("other-shop")
        return bench


def said(answer: Answer) -> Said:
    assert answer.problem is None, answer.problem
    body: Said = json.loads(answer.body)
    return body


def users_of(received: Sequence[Any]) -> list[str]:
    """Whom each webhook was about."""
    return [each.json["user_id"] for each in received]
