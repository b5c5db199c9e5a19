"""Operators' sessions, read afresh at every request, and the counters of failed sign-ins."""

from __future__ import annotations

import json
from datetime import datetime

from authsvc.clock import from_millis, to_millis
from authsvc.domain.attempts import Counter
from authsvc.domain.operator import Operator, Role
from authsvc.operators.session import TOUCH_EVERY, Means, Session, SessionKind
from authsvc.storage.database import Conflict, Connection, Row

ADD = """INSERT INTO operator_sessions (id, operator_id, kind, means, mac, created_at, seen_at, expires_at, ended_at)
    VALUES (:id, :operator, :kind, :means, :mac, :created_at, :seen_at, :expires_at, NULL)"""
FIND = """SELECT s.id, s.kind, s.means, s.mac, s.created_at, s.seen_at, s.expires_at, s.ended_at, o.id, o.name, o.roles
    FROM operator_sessions s JOIN operators o ON o.id = s.operator_id WHERE s.id = :id AND o.state = 'active'"""
TOUCH = (
    "UPDATE operator_sessions SET seen_at = :now WHERE id = :id AND ended_at IS NULL AND seen_at < :before"
)
END = "UPDATE operator_sessions SET ended_at = :now WHERE id = :id AND ended_at IS NULL"
END_ALL = "UPDATE operator_sessions SET ended_at = :now WHERE operator_id = :operator AND ended_at IS NULL"
FORGET = "DELETE FROM operator_sessions WHERE expires_at <= :now"

COUNTER = "SELECT counter FROM operator_attempts WHERE scope = :scope"
ADD_COUNTER = (
    "INSERT INTO operator_attempts (scope, counter) VALUES (:scope, :after) ON CONFLICT (scope) DO NOTHING"
)
SAVE_COUNTER = "UPDATE operator_attempts SET counter = :after WHERE scope = :scope AND counter = :before"
FORGET_COUNTERS = "DELETE FROM operator_attempts WHERE substr(scope, 1, :length) = :prefix"

_NOTHING = Counter()


class OperatorSessionStore:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, session: Session) -> None:
        self._connection.run(
            ADD,
            {
                "id": session.id,
                "operator": session.operator.id,
                "kind": session.kind.value,
                "means": session.means.value,
                "mac": session.mac,
                "created_at": to_millis(session.created_at),
                "seen_at": to_millis(session.seen_at),
                "expires_at": to_millis(session.expires_at),
            },
        )

    def find(self, session_id: str) -> Session | None:
        """The session with its operator's name and roles of this moment; None for one who is not active."""
        rows = self._connection.all(FIND, {"id": session_id})
        return _session(rows[0]) if rows else None

    def touch(self, session_id: str, now: datetime) -> None:
        """Write down that a session is in use; one write for many requests of one moment."""
        params = {"id": session_id, "now": to_millis(now), "before": to_millis(now - TOUCH_EVERY)}
        self._connection.run(TOUCH, params)

    def end(self, session_id: str, now: datetime) -> bool:
        return self._connection.run(END, {"id": session_id, "now": to_millis(now)}) == 1

    def end_all(self, operator_id: str, now: datetime) -> int:
        """End every session of an operator; returns how many there were."""
        return self._connection.run(END_ALL, {"operator": operator_id, "now": to_millis(now)})

    def forget_over(self, now: datetime) -> int:
        """Remove what has run out; an ended one stays until then, and is as little use."""
        return self._connection.run(FORGET, {"now": to_millis(now)})

    def counter(self, scope: str) -> Counter:
        rows = self._connection.all(COUNTER, {"scope": scope})
        return _counter(rows[0][0]) if rows else _NOTHING

    def save_counter(self, scope: str, before: Counter, after: Counter) -> None:
        """Write the next value; raises Conflict when another attempt was counted in between."""
        params = {"scope": scope, "before": _text(before), "after": _text(after)}
        if self._connection.run(SAVE_COUNTER, params) == 1:
            return
        if before != _NOTHING or self._connection.run(ADD_COUNTER, params) != 1:
            raise Conflict("another attempt was counted in between")

    def forget_counters(self, operator_id: str) -> None:
        """Remove every counter of an operator."""
        prefix = f"{operator_id}:"
        self._connection.run(FORGET_COUNTERS, {"prefix": prefix, "length": len(prefix)})


def _session(row: Row) -> Session:
    session_id, kind, means, mac, created_at, seen_at, expires_at, ended_at, operator_id, name, roles = row
    return Session(
        id=session_id,
        kind=SessionKind(kind),
        operator=Operator(operator_id, name, frozenset(Role(role) for role in roles.split())),
        means=Means(means),
        mac=bytes(mac),
        created_at=from_millis(created_at),
        seen_at=from_millis(seen_at),
        expires_at=from_millis(expires_at),
        ended_at=None if ended_at is None else from_millis(ended_at),
    )


def _counter(text: str) -> Counter:
    consecutive, locked_until, recent = json.loads(text)
    return Counter(
        consecutive,
        None if locked_until is None else from_millis(locked_until),
        tuple(from_millis(at) for at in recent),
    )


def _text(counter: Counter) -> str:
    locked_until = None if counter.locked_until is None else to_millis(counter.locked_until)
    return json.dumps([counter.consecutive, locked_until, [to_millis(at) for at in counter.recent]])
