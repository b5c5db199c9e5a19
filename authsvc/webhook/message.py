"""What stands in a webhook: the event as the pull feed shows it, under the names that Standard Webhooks recommend."""

from __future__ import annotations

from datetime import datetime

from authsvc.canonical import compact
from authsvc.clock import rfc3339
from authsvc.events import Event
from authsvc.webhook.alerts import alert_of

TEST = "webhook:test"
"""The type of a test, which is no event and is in no feed."""


def body_of(seq: int, event: Event) -> bytes:
    """An event's body: ids and reasons, never evidence; `alert` is for the payer, where there is something to tell."""
    alert = alert_of(event)
    said = {
        "type": event.tag,
        "timestamp": rfc3339(event.at),
        "seq": seq,
        "user_id": event.subject.user or None,
        "data": event.data,
        **({} if alert is None else {"alert": alert}),
    }
    return compact(said).encode()


def body_of_test(endpoint_id: str, at: datetime) -> bytes:
    return compact({"type": TEST, "timestamp": rfc3339(at), "data": {"endpoint": endpoint_id}}).encode()
