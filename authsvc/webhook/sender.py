"""The sender: looks for events that must be sent, and sends them, a few endpoints at a time.

It runs in a process of its own, so that neither a payment nor another endpoint waits for one that is slow. Everything it
knows stands in the database: it may be killed at any moment, and its successor goes on.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from datetime import timedelta
from typing import Protocol

from authsvc.clock import Clock
from authsvc.errors import AuthsvcError
from authsvc.http import Trace, traced
from authsvc.webhook.delivery import Claim, Outcome
from authsvc.webhook.lease import Lease
from authsvc.webhook.post import Line, Postman

logger = logging.getLogger(__name__)

LANE = 8
"""Threads of each of the two lanes: endpoints that were slow last time have a lane of their own."""

SLOW = timedelta(seconds=2)
LONGEST_RUN = 200
"""Deliveries to one endpoint before others get the thread."""

FORGET_EVERY = timedelta(minutes=1)


class Outbox(Protocol):
    """The durable side: what waits, and the permission to send it."""

    def is_wanted(self) -> bool:
        """Whether any endpoint is enabled."""

    def spread(self) -> int:
        """Turn new events into deliveries, one for each endpoint that wants them; how many events were looked at."""

    def due(self) -> tuple[str, ...]:
        """Endpoints with something to send now, the longest waiting first."""

    def claim(self, endpoint_id: str) -> Claim | None:
        """The permission to make the next attempt; of many that ask, one gets it."""

    def settle(self, claim: Claim, outcome: Outcome, *, go_on: bool) -> Claim | None:
        """Record how an attempt went; with `go_on` also claim the next one of the same endpoint."""

    def forget(self) -> None:
        """Remove what need not be kept."""


class Sender:
    """`tick` is called again and again by one thread; `close` at the end."""

    def __init__(
        self,
        outbox: Outbox,
        lease: Lease,
        postman: Postman,
        clock: Clock,
        counted: Callable[[Outcome], None] = lambda outcome: None,
    ) -> None:
        self._outbox = outbox
        self._lease = lease
        self._postman = postman
        self._clock = clock
        self._counted = counted
        self._quick = ThreadPoolExecutor(LANE, "webhooks")
        self._slow = ThreadPoolExecutor(LANE, "webhooks-slow")
        self._under_way: dict[str, Future[None]] = {}
        self._were_slow: set[str] = set()
        self._stopping = threading.Event()
        self._forget_at = clock.now()

    def tick(self) -> None:
        """Look once, and start whatever is due and not under way; raises AuthsvcError when the database fails."""
        if not self._outbox.is_wanted():
            if self._lease.is_held():
                self._lease.release()
            return
        if not self._lease.keep():
            return
        self._outbox.spread()
        self._under_way = {name: run for name, run in self._under_way.items() if not run.done()}
        for endpoint_id in self._outbox.due():
            self._start(endpoint_id)
        if self._clock.now() >= self._forget_at:
            self._forget_at = self._clock.now() + FORGET_EVERY
            self._outbox.forget()

    def close(self, patience: float = 0.0) -> None:
        """Begin nothing more, wait up to `patience` seconds for what is under way, and let the next sender begin."""
        self._stopping.set()
        for lane in (self._quick, self._slow):
            lane.shutdown(wait=False, cancel_futures=True)
        self.rest(patience)
        self._lease.release()

    def rest(self, patience: float) -> bool:
        """Wait up to `patience` seconds for what is under way; whether it has ended."""
        return not wait(self._under_way.values(), timeout=patience).not_done

    def _start(self, endpoint_id: str) -> None:
        if endpoint_id not in self._under_way:
            lane = self._slow if endpoint_id in self._were_slow else self._quick
            self._under_way[endpoint_id] = lane.submit(self._run, endpoint_id)

    def _run(self, endpoint_id: str) -> None:
        try:
            claim = self._outbox.claim(endpoint_id) if self._may_go_on() else None
            if claim is not None:
                self._send_all(claim)
        except AuthsvcError as error:
            logger.warning("sending to `%s` was put off: %s", endpoint_id, error.detail)
        except Exception as error:  # noqa: BLE001  # One endpoint's trouble must not end the others' threads.
            logger.error("sending to `%s` broke: %s", endpoint_id, type(error).__name__)

    def _send_all(self, claim: Claim) -> None:
        """One delivery after the other, over one connection, as long as it goes well."""
        following: Claim | None = claim
        with self._postman.line(claim.url) as line:
            for number in range(1, LONGEST_RUN + 1):
                if following is None:
                    return
                with traced(following.trace):
                    outcome = self._sent(following, line)
                    go_on = outcome.is_success and number < LONGEST_RUN and self._may_go_on()
                    following = self._outbox.settle(following, outcome, go_on=go_on)

    def _sent(self, claim: Claim, line: Line) -> Outcome:
        delivery = claim.delivery
        headers = {**_on_behalf_of(claim.trace), "User-Agent": "authsvc"}
        headers |= claim.signing.headers(delivery.message_id, self._clock.now(), claim.body)
        line.lead_to(claim.url)
        outcome = line.post(headers, claim.body)
        if outcome.duration > SLOW:
            self._were_slow.add(claim.endpoint_id)
        else:
            self._were_slow.discard(claim.endpoint_id)
        self._counted(outcome)
        return outcome

    def _may_go_on(self) -> bool:
        return self._lease.is_held() and not self._stopping.is_set()


def _on_behalf_of(trace: Trace | None) -> dict[str, str]:
    return {} if trace is None else {"traceparent": trace.parent(), "X-Request-Id": trace.request}
