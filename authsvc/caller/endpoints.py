"""`auth.webhooks`: where the service sends what happens, and what became of it. The key needs the scope `webhooks`."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime

from authsvc.caller.given import in_path, key_or_new, text, texts, whole, yes_or_no
from authsvc.caller.results import Json, understood
from authsvc.caller.wire import Body, Wire


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One address that is told. `types` empty is told everything; `secret` is there where it was just made, and never again."""

    id: str
    url: str
    types: tuple[str, ...]
    enabled: bool
    disabled_reason: str | None
    secret: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try to deliver. `error` is None where the receiver took it."""

    number: int
    at: datetime
    status: int | None
    error: str | None


@dataclass(frozen=True, slots=True)
class Delivery:
    """One event for one endpoint: `pending`, `delivered` or `failed`. `attempts` are listed where one delivery is asked for."""

    id: str
    message_id: str
    type: str
    seq: int | None
    state: str
    attempts: tuple[Attempt, ...]
    last_attempt: Attempt | None


@dataclass(frozen=True, slots=True)
class DeliveryPage:
    """The latest first; `next` is the `before` of the next page, None where there is none."""

    deliveries: tuple[Delivery, ...]
    next: int | None


class Endpoints:
    """The webhook endpoints of one payment backend."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    def create(
        self, url: str, *, types: Collection[str] = (), idempotency_key: str | None = None
    ) -> Endpoint:
        """A new endpoint; keep its `secret`, which verifies what arrives there. Without `types` it is told everything."""
        body = Body.of({"url": text("url", url), "types": texts("types", types)})
        reply = self._wire.send("POST", _ALL, body, idempotency_key=key_or_new(idempotency_key))
        return understood(_endpoint, reply.value)

    def list(self) -> tuple[Endpoint, ...]:
        return understood(lambda said: tuple(map(_endpoint, said["webhooks"])), self._wire.get(_ALL).value)

    def get(self, webhook_id: str) -> Endpoint:
        return understood(_endpoint, self._wire.get(_one(webhook_id)).value)

    def change(
        self,
        webhook_id: str,
        *,
        url: str | None = None,
        types: Collection[str] | None = None,
        enabled: bool | None = None,
    ) -> Endpoint:
        """What is left out stays as it is. Enabled again, an endpoint is sent what has waited, oldest first."""
        said: dict[str, object] = {}
        if url is not None:
            said["url"] = text("url", url)
        if types is not None:
            said["types"] = texts("types", types)
        if enabled is not None:
            said["enabled"] = yes_or_no("enabled", enabled)
        reply = self._wire.send("PATCH", _one(webhook_id), Body.of(said), safe_to_repeat=True)
        return understood(_endpoint, reply.value)

    def delete(self, webhook_id: str) -> None:
        """Nothing more is sent there, and what waited is dropped."""
        self._wire.send("DELETE", _one(webhook_id))

    def rotate(
        self, webhook_id: str, *, overlap_hours: int | None = None, idempotency_key: str | None = None
    ) -> Endpoint:
        """A new `secret`; the former one signs beside it for `overlap_hours`, 24 where nothing is said."""
        said = {} if overlap_hours is None else {"overlap_hours": whole("overlap_hours", overlap_hours)}
        return understood(_endpoint, self._post(webhook_id, "rotate", said, idempotency_key))

    def test(self, webhook_id: str, *, idempotency_key: str | None = None) -> Delivery:
        """Send one of type `webhook:test` at once."""
        return understood(_delivery, self._post(webhook_id, "test", {}, idempotency_key))

    def deliveries(
        self, webhook_id: str, *, state: str | None = None, before: int | None = None, limit: int = 100
    ) -> DeliveryPage:
        """What was sent, the latest first."""
        asked = [f"limit={whole('limit', limit)}"]
        asked += [] if before is None else [f"before={whole('before', before)}"]
        asked += [] if state is None else [f"state={in_path(state)}"]
        reply = self._wire.get(f"{_one(webhook_id)}/deliveries?{'&'.join(asked)}")
        return understood(
            lambda said: DeliveryPage(tuple(map(_delivery, said["deliveries"])), said["next"]), reply.value
        )

    def delivery(self, webhook_id: str, delivery_id: str) -> Delivery:
        """One delivery with every attempt."""
        path = f"{_one(webhook_id)}/deliveries/{in_path(delivery_id)}"
        return understood(_delivery, self._wire.get(path).value)

    def redeliver(self, webhook_id: str, delivery_id: str, *, idempotency_key: str | None = None) -> Delivery:
        """Have it sent again, under the same `message_id`."""
        step = f"deliveries/{in_path(delivery_id)}/redeliver"
        return understood(_delivery, self._post(webhook_id, step, {}, idempotency_key))

    def _post(self, webhook_id: str, step: str, said: dict[str, int], idempotency_key: str | None) -> Json:
        path = f"{_one(webhook_id)}/{step}"
        reply = self._wire.send("POST", path, Body.of(said), idempotency_key=key_or_new(idempotency_key))
        return reply.value


_ALL = "/v1/webhooks"


def _one(webhook_id: str) -> str:
    return f"{_ALL}/{in_path(webhook_id)}"


def _endpoint(said: Json) -> Endpoint:
    return Endpoint(
        said["id"],
        said["url"],
        tuple(said["types"]),
        said["enabled"],
        said["disabled_reason"],
        said.get("secret"),
    )


def _attempt(said: Json) -> Attempt:
    return Attempt(said["number"], datetime.fromisoformat(said["at"]), said["status"], said["error"])


def _delivery(said: Json) -> Delivery:
    last = said["last_attempt"]
    return Delivery(
        said["id"],
        said["message_id"],
        said["type"],
        said["seq"],
        said["state"],
        tuple(map(_attempt, said.get("log", ()))),
        None if last is None else _attempt(last),
    )
