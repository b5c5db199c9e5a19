"""Did this webhook come from the service? Standard Webhooks, signature scheme `v1`, for the payment backend."""

from __future__ import annotations

import base64
import binascii
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from authsvc.errors import Unauthenticated

TOLERANCE = timedelta(minutes=5)
SECRET_PREFIX = "whsec_"  # noqa: S105  # What a secret begins with, and no secret.


class WebhookRefused(Unauthenticated):
    """The webhook is not, or no longer, one that may be acted on. `reason` is a stable word."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail, reason=reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Webhook:
    """A webhook that may be acted on. A delivery is repeated until it is answered: act on each `id` once."""

    id: str
    sent_at: datetime
    payload: Mapping[str, Any]  # Any: the event's own form, told by its `type`.


def verify_webhook(headers: Mapping[str, str], body: bytes, secret: str, now: datetime) -> Webhook:
    """The webhook with these headers and this very body, byte by byte as it came; raises WebhookRefused.

    `secret` is `whsec_…` as it was shown when the endpoint was made. Several signatures stand side by side while a secret is
    being rotated; one good one is enough.
    """
    given = {name.lower(): value for name, value in headers.items()}
    try:
        message_id, timestamp, signatures = (
            given[f"webhook-{name}"] for name in ("id", "timestamp", "signature")
        )
    except KeyError as missing:
        raise WebhookRefused("incomplete", f"the header {missing} is missing") from None
    sent_at = _instant(timestamp)
    if abs(now - sent_at) > TOLERANCE:
        raise WebhookRefused("stale", "the webhook was sent too long ago, or this machine's clock is wrong")
    expected = hmac.digest(_key(secret), f"{message_id}.{timestamp}.".encode() + body, "sha256")
    shown = [_signature(each) for each in signatures.split()]
    if not any(hmac.compare_digest(expected, each) for each in shown):
        raise WebhookRefused("signature", "no signature of the webhook verifies")
    return Webhook(message_id, sent_at, _payload(body))


def _instant(timestamp: str) -> datetime:
    if not (timestamp.isascii() and timestamp.isdecimal() and len(timestamp) <= 11):
        raise WebhookRefused("incomplete", "`webhook-timestamp` must be seconds since 1970")
    return datetime.fromtimestamp(int(timestamp), UTC)


def _signature(text: str) -> bytes:
    version, _, encoded = text.partition(",")
    try:
        return base64.b64decode(encoded, validate=True) if version == "v1" else b""
    except (binascii.Error, ValueError):
        return b""


def _key(secret: str) -> bytes:
    try:
        key = base64.b64decode(secret.removeprefix(SECRET_PREFIX), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    # An empty key is one that anybody can sign with.
    if not key:
        raise ValueError(f"a webhook secret is `{SECRET_PREFIX}` and base64")
    return key


def _payload(body: bytes) -> Mapping[str, Any]:
    try:
        payload = json.loads(body)
    except ValueError:
        payload = None
    if not isinstance(payload, dict):
        raise WebhookRefused("malformed", "the webhook's body is not a JSON object")
    return payload
