"""What is told of webhook endpoints and deliveries. See `answers`."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from authsvc.web.response_part import Count, ResponsePart


class Webhook(ResponsePart):
    """`types` are what it is told; none means everything. Nothing is sent while it is not enabled, and nothing is lost."""

    id: str
    url: str
    types: list[str]
    enabled: bool
    disabled_reason: Literal["switched-off", "failing", "gone"] | None
    created_at: datetime


class WebhookWithSecret(Webhook):
    """The only time that the secret is shown."""

    secret: Annotated[str, Field(pattern=r"^whsec_[A-Za-z0-9+/=]+$")]


class Webhooks(ResponsePart):
    webhooks: list[Webhook]


class WebhookDeleted(ResponsePart):
    id: str
    deleted: Literal[True]


class Attempt(ResponsePart):
    """`error` says what was wrong: a `status` that is not 2xx, `unfinished` where the sender ended, or why nothing came."""

    number: Count
    at: datetime
    status: int | None
    error: (
        Literal[
            "status",
            "unfinished",
            "name-not-found",
            "address-not-allowed",
            "unreachable",
            "tls-failed",
            "too-slow",
            "no-answer",
        ]
        | None
    )
    duration_ms: Count | None


class Delivery(ResponsePart):
    """One event for one endpoint. `message_id` is the `webhook-id` of every attempt; `seq` is the event's in the feed."""

    id: str
    message_id: str
    type: str
    seq: int | None
    state: Literal["pending", "delivered", "failed"]
    attempts: Count
    created_at: datetime
    next_attempt_at: datetime | None
    ended_at: datetime | None
    last_attempt: Attempt | None


class DeliveryWithLog(Delivery):
    log: list[Attempt]


class Deliveries(ResponsePart):
    """The latest first; `next` is the `before` of the next page, null where there is none."""

    deliveries: list[Delivery]
    next: int | None
