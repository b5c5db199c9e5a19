"""What belongs to no single user: API keys, idempotent answers, events, policies in use."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime

from authsvc.clock import from_millis, to_millis
from authsvc.events import Event
from authsvc.http import Trace
from authsvc.keys.access import ApiKey
from authsvc.storage.bound import API_KEYS, Values
from authsvc.storage.database import Conflict, Connection, Query, Row
from authsvc.storage.revision import CURRENT
from authsvc.storage.rows import Rows
from authsvc.subject import Subject

CLIENTS = "SELECT DISTINCT client FROM api_keys ORDER BY client"

FIND_ANSWER = (
    "SELECT fingerprint, answer FROM idempotency WHERE client = :client AND key = :key AND expires_at > :now"
)
ANSWERED = "SELECT 1 FROM idempotency WHERE client = :client AND key = :key AND expires_at > :now"
PUT_ANSWER = """INSERT INTO idempotency (client, key, fingerprint, answer, expires_at)
    VALUES (:client, :key, :fingerprint, :answer, :expires_at) ON CONFLICT (client, key) DO UPDATE
    SET fingerprint = excluded.fingerprint, answer = excluded.answer, expires_at = excluded.expires_at
    WHERE idempotency.expires_at <= :now"""
FORGET_ANSWERS = """DELETE FROM idempotency WHERE (client, key) IN
    (SELECT client, key FROM idempotency WHERE expires_at <= :now LIMIT :most)"""

ADD_EVENT = """INSERT INTO events (client, user_id, tag, data, at, request, trace)
    VALUES (:client, :user, :tag, :data, :at, :request, :trace)"""
EVENTS = """SELECT seq, client, user_id, tag, data, at, request, trace FROM events
    WHERE client = :client AND seq > :after ORDER BY seq LIMIT :limit"""
EVENT = "SELECT seq, client, user_id, tag, data, at, request, trace FROM events WHERE seq = :seq"
NEWEST_EVENT = "SELECT COALESCE(MAX(seq), 0) FROM events"

PUT_POLICY = """INSERT INTO policies (digest, id, version, document, first_used_at)
    VALUES (:digest, :id, :version, :document, :now) ON CONFLICT (digest) DO NOTHING"""
POLICY = "SELECT document FROM policies WHERE digest = :digest"

# By their numbers, which have an index and rise with time. The last one stays: SQLite would give its number again.
FORGET_EVENTS = """DELETE FROM events WHERE seq IN (SELECT seq FROM
    (SELECT seq, at FROM events ORDER BY seq LIMIT :most) AS oldest
    WHERE at < :before AND seq < (SELECT MAX(seq) FROM events))"""
CLOCK = "SELECT CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT)"
SAY_READY = """INSERT INTO readiness (name, at) VALUES (:name, :now)
    ON CONFLICT (name) DO UPDATE SET at = excluded.at"""


class ApiKeyStore:
    def __init__(self, connection: Connection, rows: Rows) -> None:
        self._connection = connection
        self._rows = rows

    def add(self, key: ApiKey) -> None:
        values = {
            "id": key.id,
            "client": key.client,
            "mac": key.mac,
            "scopes": " ".join(sorted(key.scopes)),
            "created_at": to_millis(key.created_at),
            "expires_at": None if key.expires_at is None else to_millis(key.expires_at),
            "revoked_at": None,
            "bindings": _bindings(key),
        }
        self._rows.add(API_KEYS, values)

    def clients(self) -> tuple[str, ...]:
        """Every payment backend that ever had a key."""
        return tuple(client for (client,) in self._connection.all(CLIENTS, {}))

    def find(self, key_id: str) -> ApiKey | None:
        row = self._rows.one(API_KEYS, id=key_id)
        return None if row is None else _api_key(row)

    def all(self) -> tuple[ApiKey, ...]:
        return tuple(_api_key(row) for row in self._rows.read(API_KEYS, "1 = 1 ORDER BY created_at", {}))

    def end(self, key_id: str, at: datetime) -> bool:
        """Let a key run out at `at`: the overlap of a rotation."""
        row, end = self._rows.one(API_KEYS, id=key_id), to_millis(at)
        if row is None or row["revoked_at"] is not None:
            return False
        if row["expires_at"] is not None and row["expires_at"] <= end:
            return False
        self._rows.change(API_KEYS, row, {"expires_at": end})
        return True

    def bind(self, key: ApiKey) -> bool:
        """Write what a key is bound to from now on."""
        row = self._rows.one(API_KEYS, id=key.id)
        if row is None:
            return False
        self._rows.change(API_KEYS, row, {"bindings": _bindings(key)})
        return True

    def revoke(self, key_id: str, now: datetime) -> bool:
        row = self._rows.one(API_KEYS, id=key_id)
        if row is None or row["revoked_at"] is not None:
            return False
        self._rows.change(API_KEYS, row, {"revoked_at": to_millis(now)})
        return True


class IdempotencyStore:
    """Answers by Idempotency-Key; `answer` is sealed by the caller."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def find(self, client: str, key: str, now: datetime) -> tuple[bytes, bytes] | None:
        """Fingerprint and sealed answer, while they are kept."""
        rows = self._connection.all(*find_answer(client, key, now))
        return (bytes(rows[0][0]), bytes(rows[0][1])) if rows else None

    def must_be_free(self, client: str, key: str, now: datetime) -> None:
        """Raises Conflict when a request with this key has been answered since `find`."""
        if self._connection.all(ANSWERED, {"client": client, "key": key, "now": to_millis(now)}):
            raise Conflict("the key was answered in between")

    def put(
        self, client: str, key: str, fingerprint: bytes, answer: bytes, now: datetime, expires_at: datetime
    ) -> None:
        """Keep an answer; raises Conflict when another request with this key was answered in between."""
        params = {
            "client": client,
            "key": key,
            "fingerprint": fingerprint,
            "answer": answer,
            "now": to_millis(now),
            "expires_at": to_millis(expires_at),
        }
        if not self._connection.expect(PUT_ANSWER, params):
            raise Conflict("the key was answered in between")

    def forget_expired(self, now: datetime, most: int) -> int:
        return self._connection.run(FORGET_ANSWERS, {"now": to_millis(now), "most": most})


class EventStore:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add_all(self, events: Sequence[Event]) -> None:
        self._connection.many(
            ADD_EVENT,
            [
                {
                    "client": event.subject.client,
                    "user": event.subject.user,
                    "tag": event.tag,
                    "data": json.dumps(event.data, ensure_ascii=False),
                    "at": to_millis(event.at),
                    "request": None if event.trace is None else event.trace.request,
                    "trace": None
                    if event.trace is None
                    else f"{event.trace.id}-{event.trace.flags}-{event.trace.span}",
                }
                for event in events
            ],
        )

    def after(self, client: str, cursor: int, limit: int) -> tuple[tuple[int, Event], ...]:
        """A client's events with a number above `cursor`, oldest first."""
        params = {"client": client, "after": cursor, "limit": limit}
        return tuple((row[0], _event(row)) for row in self._connection.all(EVENTS, params))

    def find(self, seq: int) -> Event | None:
        rows = self._connection.all(EVENT, {"seq": seq})
        return _event(rows[0]) if rows else None

    def forget(self, before: datetime, most: int) -> int:
        return self._connection.run(FORGET_EVENTS, {"before": to_millis(before), "most": most})

    def newest(self) -> int:
        return int(self._connection.all(NEWEST_EVENT, {})[0][0])


class PolicyStore:
    """Every policy document that ever decided, by digest: what an evidence bundle quotes."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def remember(self, digest: str, policy_id: str, version: int, document: str, now: datetime) -> None:
        params = {
            "digest": digest,
            "id": policy_id,
            "version": version,
            "document": document,
            "now": to_millis(now),
        }
        self._connection.run(PUT_POLICY, params)

    def document(self, digest: str) -> str | None:
        rows = self._connection.all(POLICY, {"digest": digest})
        return str(rows[0][0]) if rows else None


def find_answer(client: str, key: str, now: datetime) -> Query:
    return FIND_ANSWER, {"client": client, "key": key, "now": to_millis(now)}


def _event(row: Row) -> Event:
    _, client, user, tag, data, at, request, trace = row
    found = None if trace is None else Trace(request, *trace.split("-"))
    return Event(tag, Subject(client, user), from_millis(at), json.loads(data), found)


def _api_key(row: Values) -> ApiKey:
    expires_at, revoked_at = row["expires_at"], row["revoked_at"]
    return ApiKey(
        row["id"],
        row["client"],
        row["mac"],
        frozenset(row["scopes"].split()),
        from_millis(row["created_at"]),
        None if expires_at is None else from_millis(expires_at),
        None if revoked_at is None else from_millis(revoked_at),
        **_bound_to(row["bindings"]),
    )


def _bindings(key: ApiKey) -> str | None:
    """NULL for a key that is bound to nothing, as a program of before writes it and reads it."""
    stated = {"certificates": sorted(key.certificates), "signing_keys": sorted(key.signing_keys)}
    return json.dumps(stated, sort_keys=True) if key.certificates or key.signing_keys else None


def _bound_to(text: str | None) -> dict[str, frozenset[str]]:
    return {} if text is None else {name: frozenset(each) for name, each in json.loads(text).items()}


class ReadinessStore:
    """A row for each process that is asked whether it is ready, so that saying yes takes a write."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def schema(self) -> str:
        """The schema that the database has."""
        return str(self._connection.all(CURRENT, {})[0][0])

    def clock(self) -> datetime:
        """PostgreSQL's time; an embedded database has none of its own."""
        return from_millis(int(self._connection.all(CLOCK, {})[0][0]))

    def write(self, name: str, now: datetime) -> None:
        self._connection.run(SAY_READY, {"name": name, "now": to_millis(now)})
