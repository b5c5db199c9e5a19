"""Webhook endpoints with their sealed secrets, and the cursor up to which each was given its client's events."""

from __future__ import annotations

import json
from datetime import datetime

from authsvc.clock import from_millis, to_millis
from authsvc.errors import NotFound
from authsvc.storage.database import Conflict, Connection, Row
from authsvc.storage.sealing import Place, Sealer
from authsvc.webhook.endpoint import Disabled, Endpoint
from authsvc.webhook.lease import Beat
from authsvc.webhook.signature import Signing

COLUMNS = "id, client, url, types, created_at, disabled, version"

ADD = """INSERT INTO webhook_endpoints
    (id, client, url, types, created_at, disabled, version, secret, former_secret, former_until, cursor)
    VALUES (:id, :client, :url, :types, :created_at, :disabled, 0, :secret, NULL, NULL, :cursor)"""
FIND = f"SELECT {COLUMNS} FROM webhook_endpoints WHERE id = :id"
OF_CLIENT = f"SELECT {COLUMNS} FROM webhook_endpoints WHERE client = :client ORDER BY created_at, id"
SAVE = """UPDATE webhook_endpoints SET url = :url, types = :types, disabled = :disabled, version = :version + 1
    WHERE id = :id AND version = :version"""
REMOVE = "DELETE FROM webhook_endpoints WHERE id = :id"
REMEMBER_REMOVED = (
    "INSERT INTO webhook_removed (endpoint_id) VALUES (:id) ON CONFLICT (endpoint_id) DO NOTHING"
)
ANY_ENABLED = "SELECT 1 FROM webhook_endpoints WHERE disabled IS NULL LIMIT 1"
SECRETS = "SELECT secret, former_secret, former_until FROM webhook_endpoints WHERE id = :id"
ROTATE = """UPDATE webhook_endpoints SET former_secret = secret, former_until = :until, secret = :secret
    WHERE id = :id"""
BEHIND = """SELECT e.id FROM webhook_endpoints e WHERE e.disabled IS NULL
    AND EXISTS (SELECT 1 FROM events v WHERE v.client = e.client AND v.seq > e.cursor)
    AND (SELECT COUNT(*) FROM webhook_deliveries d WHERE d.endpoint_id = e.id AND d.state = 'pending') < :most
    ORDER BY e.id"""
CURSOR = "SELECT cursor FROM webhook_endpoints WHERE id = :id"
MOVE_CURSOR = "UPDATE webhook_endpoints SET cursor = :to WHERE id = :id AND cursor = :seen"

READ_BEAT = "SELECT holder, beat FROM leases WHERE name = :name"
FIRST_BEAT = (
    "INSERT INTO leases (name, holder, beat) VALUES (:name, :holder, 1) ON CONFLICT (name) DO NOTHING"
)
NEXT_BEAT = "UPDATE leases SET holder = :holder, beat = beat + 1 WHERE name = :name AND beat = :seen"


class EndpointStore:
    def __init__(self, connection: Connection, sealer: Sealer) -> None:
        self._connection = connection
        self._sealer = sealer

    def add(self, endpoint: Endpoint, secret: bytes, cursor: int) -> None:
        sealed = self._sealer.seal_service(_place(endpoint.id), secret)
        created = {"created_at": to_millis(endpoint.created_at), "client": endpoint.client}
        self._connection.run(ADD, {**_params(endpoint), **created, "secret": sealed, "cursor": cursor})

    def find(self, endpoint_id: str) -> Endpoint | None:
        rows = self._connection.all(FIND, {"id": endpoint_id})
        return _endpoint(rows[0]) if rows else None

    def of_client(self, client: str) -> tuple[Endpoint, ...]:
        return tuple(_endpoint(row) for row in self._connection.all(OF_CLIENT, {"client": client}))

    def save(self, endpoint: Endpoint) -> Endpoint:
        """Raises Conflict when somebody else changed it in between."""
        if self._connection.run(SAVE, {**_params(endpoint), "version": endpoint.version}) != 1:
            raise Conflict("the endpoint was changed in between")
        return endpoint.saved()

    def remove(self, endpoint_id: str) -> None:
        self._connection.run(REMOVE, {"id": endpoint_id})
        self._connection.run(REMEMBER_REMOVED, {"id": endpoint_id})

    def any_enabled(self) -> bool:
        return bool(self._connection.all(ANY_ENABLED, {}))

    def signing(self, endpoint_id: str, now: datetime) -> Signing:
        rows = self._connection.all(SECRETS, {"id": endpoint_id})
        if not rows:
            raise NotFound("no such webhook endpoint")
        secret, former, until = rows[0]
        overlaps = former is not None and until > to_millis(now)
        sealed = (secret, former) if overlaps else (secret,)
        place = _place(endpoint_id)
        return Signing(tuple(self._sealer.open_service(place, bytes(each)) for each in sealed))

    def rotate(self, endpoint_id: str, secret: bytes, former_until: datetime) -> None:
        sealed = self._sealer.seal_service(_place(endpoint_id), secret)
        params = {"id": endpoint_id, "secret": sealed, "until": to_millis(former_until)}
        self._connection.run(ROTATE, params)

    def behind(self, most_pending: int) -> tuple[str, ...]:
        return tuple(row[0] for row in self._connection.all(BEHIND, {"most": most_pending}))

    def cursor(self, endpoint_id: str) -> int:
        return int(self._connection.all(CURSOR, {"id": endpoint_id})[0][0])

    def move_cursor(self, endpoint_id: str, seen: int, to: int) -> bool:
        return self._connection.run(MOVE_CURSOR, {"id": endpoint_id, "seen": seen, "to": to}) == 1


class LeaseStore:
    """Who works, one row a kind of work; the beat's number is what a conditional write names."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def read(self, name: str) -> Beat | None:
        rows = self._connection.all(READ_BEAT, {"name": name})
        return Beat(*rows[0]) if rows else None

    def write(self, name: str, holder: str, seen: Beat | None) -> bool:
        if seen is None:
            return self._connection.run(FIRST_BEAT, {"name": name, "holder": holder}) == 1
        return self._connection.run(NEXT_BEAT, {"name": name, "holder": holder, "seen": seen.number}) == 1


def _params(endpoint: Endpoint) -> dict[str, object]:
    return {
        "id": endpoint.id,
        "url": endpoint.url,
        "types": json.dumps(endpoint.types),
        "disabled": None if endpoint.disabled is None else endpoint.disabled.value,
    }


def _endpoint(row: Row) -> Endpoint:
    endpoint_id, client, url, types, created_at, disabled, version = row
    return Endpoint(
        endpoint_id,
        client,
        url,
        tuple(json.loads(types)),
        from_millis(created_at),
        None if disabled is None else Disabled(disabled),
        version,
    )


def _place(endpoint_id: str) -> Place:
    return Place("webhook_endpoints", "secret", endpoint_id, None)
