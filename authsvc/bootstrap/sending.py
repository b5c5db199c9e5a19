"""The process that sends webhooks. It runs beside the web processes; of all those on all hosts, one works at a time."""

from __future__ import annotations

import logging
import os
import signal
import threading
from collections.abc import Callable
from functools import partial

from authsvc.bootstrap.opening import Store, open_store
from authsvc.bootstrap.running import attempt
from authsvc.clock import Clock
from authsvc.config import Settings, read_settings
from authsvc.services.outbox import StoredBeats, StoredOutbox
from authsvc.web.metrics import Metrics
from authsvc.webhook.delivery import Outcome
from authsvc.webhook.guard import Guard, networks_of
from authsvc.webhook.lease import Lease
from authsvc.webhook.post import Postman
from authsvc.webhook.sender import Sender

LOOK_EVERY = 0.5
"""Seconds from an event to its delivery, at most, while nothing else waits."""

LAST_WORDS = 2.0
"""Seconds for what is under way when the service ends. What is cut off is sent again."""


def send_webhooks(settings: Settings, clock: Clock | None = None) -> None:
    """Send until SIGTERM, which ends the process."""
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    metrics = Metrics(settings.counting_dir)
    store = open_store(settings, clock, tally=metrics)
    sender = make_sender(settings, store, counted=partial(_count, metrics))
    while not stop.wait(LOOK_EVERY):
        attempt("refreshing keys", store.ring.refresh)
        attempt("sending webhooks", sender.tick)
    attempt("letting go of the webhooks", partial(sender.close, LAST_WORDS))
    store.close()
    # A thread that waits for a slow receiver must not hold up the end of everything.
    os._exit(0)


def make_sender(
    settings: Settings,
    store: Store,
    *,
    postman: Postman | None = None,
    counted: Callable[[Outcome], None] = lambda outcome: None,
) -> Sender:
    """A sender over an open store."""
    # The slot's name is held by one living process: whoever finds it in the lease is its successor, and begins at once.
    lease = Lease(StoredBeats(store.ledger), store.slot.name)
    postman = postman or Postman(Guard(networks_of(settings.webhook_networks)))
    return Sender(StoredOutbox(store.ledger, store.clock), lease, postman, store.clock, counted)


def _count(metrics: Metrics, outcome: Outcome) -> None:
    metrics.webhook_sent("delivered" if outcome.is_success else outcome.trouble or "status")


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    send_webhooks(read_settings())
