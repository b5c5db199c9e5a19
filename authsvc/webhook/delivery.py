"""One event on its way to one endpoint: how often it was tried, how that went, when it is tried next."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from authsvc.http import Trace
from authsvc.webhook.schedule import HOLDING_TRIES, LONGEST_WISH, pause_after
from authsvc.webhook.signature import Signing


class DeliveryState(StrEnum):
    """PENDING until it is DELIVERED, or FAILED after the last try; a redelivery begins anew from any of them."""

    PENDING = "pending"
    DELIVERED = "delivered"
    FAILED = "failed"


class Trouble(StrEnum):
    """Why there was no answer to speak of; what the receiver said is never kept."""

    NAME_NOT_FOUND = "name-not-found"
    ADDRESS_NOT_ALLOWED = "address-not-allowed"
    UNREACHABLE = "unreachable"
    TLS_FAILED = "tls-failed"
    TOO_SLOW = "too-slow"
    NO_ANSWER = "no-answer"


@dataclass(frozen=True, slots=True)
class Outcome:
    """How an attempt went: the receiver's `status`, or the `trouble` that kept it from answering."""

    status: int | None
    trouble: Trouble | None
    duration: timedelta
    retry_after: timedelta | None = None

    @property
    def is_success(self) -> bool:
        return self.status is not None and 200 <= self.status < 300

    @property
    def is_gone(self) -> bool:
        """The receiver wants nothing more, ever."""
        return self.status == 410

    @property
    def is_refusal(self) -> bool:
        """The receiver is there and has looked at this very event: others need not wait for it."""
        return self.status is not None and 400 <= self.status < 500 and self.status not in (408, 425, 429)


@dataclass(frozen=True, slots=True)
class Attempt:
    """One request that was made, or was about to be when its sender ended: then there is no outcome."""

    number: int
    at: datetime
    outcome: Outcome | None


@dataclass(frozen=True, slots=True)
class Delivery:
    """`seq` is the event's number in the feed, None for a test.

    A round of tries began at `began_at`; `tries` counts its failures and chooses the next pause, `attempts` all requests
    ever made. While it is `in_line`, later events of the same endpoint wait for it.
    """

    id: str
    endpoint_id: str
    type: str
    seq: int | None
    created_at: datetime
    began_at: datetime
    next_at: datetime | None
    in_line: bool = True
    state: DeliveryState = DeliveryState.PENDING
    tries: int = 0
    attempts: int = 0
    ended_at: datetime | None = None
    number: int = 0

    @property
    def message_id(self) -> str:
        """What the receiver knows it by: the same for every try, and for every endpoint."""
        return f"test_{self.id}" if self.seq is None else f"evt_{self.seq}"

    def after(
        self, outcome: Outcome, now: datetime, pause: Callable[[int], timedelta | None] = pause_after
    ) -> Delivery:
        """The next value, once a request has ended this way."""
        if outcome.is_success:
            return replace(self, state=DeliveryState.DELIVERED, next_at=None, ended_at=now)
        tries = self.tries + 1
        wait = pause(tries)
        if wait is None:
            return replace(self, tries=tries, state=DeliveryState.FAILED, next_at=None, ended_at=now)
        wished = min(outcome.retry_after or timedelta(), LONGEST_WISH)
        stays = self.in_line and tries < HOLDING_TRIES and not outcome.is_refusal
        return replace(self, tries=tries, next_at=now + max(wait, wished), in_line=stays)

    def again(self, now: datetime) -> Delivery:
        """A new round, at once, and without anybody waiting for it."""
        return replace(self.until_enabled(now), in_line=False)

    def until_enabled(self, now: datetime) -> Delivery:
        """A new round in its old place, as soon as its endpoint is enabled again."""
        return replace(self, state=DeliveryState.PENDING, tries=0, began_at=now, next_at=now, ended_at=None)


@dataclass(frozen=True, slots=True)
class Claim:
    """The permission to make one attempt, and everything that it needs. Shown to nobody: `signing` are the secrets.

    `trace` is of the request in which the event happened.
    """

    delivery: Delivery
    url: str
    body: bytes
    signing: Signing
    trace: Trace | None = None

    @property
    def endpoint_id(self) -> str:
        return self.delivery.endpoint_id
