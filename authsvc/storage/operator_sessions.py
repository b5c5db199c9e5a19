"""Operators' sessions, read afresh at every request, and the counters of failed sign-ins."""

from __future__ import annotations

import json
from datetime import datetime

from authsvc.clock import from_millis, to_millis
from authsvc.domain.attempts import Counter
from authsvc.domain.operator import Operator
from authsvc.operators.account import OperatorAccount, OperatorState
from authsvc.operators.session import TOUCH_EVERY, Means, Session, SessionKind
from authsvc.storage.bound import OPERATOR_ATTEMPTS, OPERATOR_SESSIONS, OPERATORS, Values
from authsvc.storage.database import Conflict, Connection
from authsvc.storage.operators import operator_account
from authsvc.storage.rows import Rows

WITH_OPERATOR = f"""SELECT {OPERATOR_SESSIONS.listed("s")}, {OPERATORS.listed("o")}
    FROM operator_sessions s LEFT JOIN operators o ON o.id = s.operator_id WHERE s.id = :id"""
FORGET = "DELETE FROM operator_sessions WHERE expires_at <= :now"
FORGET_COUNTERS = "DELETE FROM operator_attempts WHERE substr(scope, 1, :length) = :prefix"

_WIDTH = len(OPERATOR_SESSIONS.columns) + 1
_UNLESS_COUNTED = "ON CONFLICT (scope) DO NOTHING"

_NOTHING = Counter()


class OperatorSessionStore:
    def __init__(self, connection: Connection, rows: Rows) -> None:
        self._connection = connection
        self._rows = rows

    def add(self, session: Session) -> None:
        values = {
            "id": session.id,
            "operator_id": session.operator.id,
            "kind": session.kind.value,
            "means": session.means.value,
            "mac": session.mac,
            "created_at": to_millis(session.created_at),
            "seen_at": to_millis(session.seen_at),
            "expires_at": to_millis(session.expires_at),
            "ended_at": None,
        }
        self._rows.add(OPERATOR_SESSIONS, values)

    def find(self, session_id: str) -> Session | None:
        """The session with its operator's name and roles of this moment; None for one who is not active."""
        found = self._connection.all(WITH_OPERATOR, {"id": session_id})
        if not found:
            return None
        session = self._rows.checked(OPERATOR_SESSIONS, found[0][:_WIDTH])
        if found[0][_WIDTH] is None:
            raise self._rows.gone(OPERATORS, {**session, "id": session["operator_id"]})
        operator = operator_account(self._rows.checked(OPERATORS, found[0][_WIDTH:]))
        return _session(session, operator) if operator.state is OperatorState.ACTIVE else None

    def touch(self, session_id: str, now: datetime) -> None:
        """Write down that a session is in use; one write for many requests of one moment."""
        row = self._row(session_id)
        if row is not None and row["ended_at"] is None and row["seen_at"] < to_millis(now - TOUCH_EVERY):
            self._rows.change(OPERATOR_SESSIONS, row, {"seen_at": to_millis(now)})

    def end(self, session_id: str, now: datetime) -> bool:
        row = self._row(session_id)
        if row is None or row["ended_at"] is not None:
            return False
        self._rows.change(OPERATOR_SESSIONS, row, {"ended_at": to_millis(now)})
        return True

    def end_all(self, operator_id: str, now: datetime) -> int:
        """End every session of an operator; returns how many there were."""
        rows = self._rows.as_found(OPERATOR_SESSIONS, "operator_id = :operator", {"operator": operator_id})
        running = [row for row in rows if row["ended_at"] is None]
        return self._rows.change_all(OPERATOR_SESSIONS, running, {"ended_at": to_millis(now)})

    def forget_over(self, now: datetime) -> int:
        """Remove what has run out; an ended one stays until then, and is as little use."""
        return self._connection.run(FORGET, {"now": to_millis(now)})

    def counter(self, scope: str) -> Counter:
        row = self._rows.one(OPERATOR_ATTEMPTS, scope=scope)
        return _NOTHING if row is None else _counter(row["counter"])

    def save_counter(self, scope: str, before: Counter, after: Counter) -> None:
        """Write the next value; raises Conflict when another attempt was counted in between."""
        row, next_one = self._rows.one(OPERATOR_ATTEMPTS, scope=scope), {"counter": _text(after)}
        if row is not None and row["counter"] == _text(before):
            self._rows.change(OPERATOR_ATTEMPTS, row, next_one)
            return
        first = {"scope": scope, **next_one}
        if before != _NOTHING or not self._rows.add(OPERATOR_ATTEMPTS, first, _UNLESS_COUNTED):
            raise Conflict("another attempt was counted in between")

    def forget_counters(self, operator_id: str) -> None:
        """Remove every counter of an operator."""
        prefix = f"{operator_id}:"
        self._connection.run(FORGET_COUNTERS, {"prefix": prefix, "length": len(prefix)})

    def _row(self, session_id: str) -> Values | None:
        return self._rows.one(OPERATOR_SESSIONS, id=session_id)


def _session(row: Values, operator: OperatorAccount) -> Session:
    return Session(
        id=row["id"],
        kind=SessionKind(row["kind"]),
        operator=Operator(operator.id, operator.name, operator.roles),
        means=Means(row["means"]),
        mac=row["mac"],
        created_at=from_millis(row["created_at"]),
        seen_at=from_millis(row["seen_at"]),
        expires_at=from_millis(row["expires_at"]),
        ended_at=None if row["ended_at"] is None else from_millis(row["ended_at"]),
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
