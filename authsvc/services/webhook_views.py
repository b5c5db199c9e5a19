"""Webhook endpoints and deliveries as their owner sees them: never a secret, a body, or what a receiver said."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from authsvc.clock import rfc3339
from authsvc.events import NOBODY, Event
from authsvc.factor import Json
from authsvc.subject import Subject
from authsvc.webhook.alerts import alert_of
from authsvc.webhook.delivery import Attempt, Delivery
from authsvc.webhook.endpoint import Endpoint


def endpoint_view(endpoint: Endpoint) -> Json:
    return {
        "id": endpoint.id,
        "url": endpoint.url,
        "types": list(endpoint.types),
        "enabled": endpoint.disabled is None,
        "disabled_reason": endpoint.disabled,
        "created_at": rfc3339(endpoint.created_at),
    }


def delivery_view(delivery: Delivery, last: Attempt | None) -> Json:
    return {
        "id": delivery.id,
        "message_id": delivery.message_id,
        "type": delivery.type,
        "seq": delivery.seq,
        "state": delivery.state,
        "attempts": delivery.attempts,
        "created_at": rfc3339(delivery.created_at),
        "next_attempt_at": _shown(delivery.next_at),
        "ended_at": _shown(delivery.ended_at),
        "last_attempt": None if last is None else attempt_view(last),
    }


def deliveries_view(found: Sequence[tuple[Delivery, Attempt | None]]) -> Json:
    """A page; `next` is None at its end."""
    return {
        "deliveries": [delivery_view(delivery, last) for delivery, last in found],
        "next": found[-1][0].number if found else None,
    }


def alert_view(tag: str, data: Json) -> Json | None:
    """What a payer is told of an event of this type, whoever it is about."""
    return alert_of(Event(tag, Subject(NOBODY, NOBODY), datetime.fromtimestamp(0, UTC), data))


def attempt_view(attempt: Attempt) -> Json:
    """`error` is `unfinished` where nobody recorded how it went."""
    outcome = attempt.outcome
    said: Json
    if outcome is None:
        said = {"status": None, "error": "unfinished", "duration_ms": None}
    else:
        error = outcome.trouble or (None if outcome.is_success else "status")
        duration = round(outcome.duration / timedelta(milliseconds=1))
        said = {"status": outcome.status, "error": error, "duration_ms": duration}
    return {"number": attempt.number, "at": rfc3339(attempt.at), **said}


def _shown(at: datetime | None) -> str | None:
    return None if at is None else rfc3339(at)
