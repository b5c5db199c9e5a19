"""Webhook deliveries and every attempt at them: what waits, what is claimed, and the log."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from authsvc.clock import from_millis, to_millis
from authsvc.storage.database import Connection, Row
from authsvc.webhook.delivery import Attempt, Delivery, DeliveryState, Outcome, Trouble

COLUMNS = """d.id, d.endpoint_id, d.type, d.seq, d.created_at, d.began_at, d.next_at, d.in_line, d.state, d.tries, d.attempts,
    d.ended_at, d.number"""
WIDTH = 13
LAST = "a.number, a.at, a.status, a.trouble, a.duration_ms"
MOST_DUE = 1000

ADD = """INSERT INTO webhook_deliveries
    (id, endpoint_id, type, seq, created_at, began_at, next_at, in_line, state, tries, attempts, ended_at)
    VALUES (:id, :endpoint, :type, :seq, :created_at, :began_at, :next_at, :in_line, :state, 0, 0, NULL)"""
FIND = f"SELECT {COLUMNS} FROM webhook_deliveries d WHERE d.id = :id"
PAGE = f"""SELECT {COLUMNS}, {LAST} FROM webhook_deliveries d
    LEFT JOIN webhook_attempts a ON a.delivery_id = d.id AND a.number = d.attempts
    WHERE d.endpoint_id = :endpoint AND d.number < :before AND (:state = '' OR d.state = :state)
    ORDER BY d.number DESC LIMIT :limit"""
ATTEMPTS = f"SELECT {LAST} FROM webhook_attempts a WHERE a.delivery_id = :id ORDER BY a.number"
# In line: nothing earlier of the same endpoint still holds its place.
IS_DUE = """d.state = 'pending' AND d.next_at <= :now AND (d.in_line = 0 OR NOT EXISTS (
    SELECT 1 FROM webhook_deliveries f WHERE f.endpoint_id = d.endpoint_id AND f.state = 'pending' AND f.in_line = 1
    AND f.number < d.number))"""
WAITING = "SELECT COUNT(*), MIN(next_at) FROM webhook_deliveries WHERE state = 'pending' AND next_at <= :now"
DUE = f"""SELECT d.endpoint_id, MIN(d.next_at) AS since FROM webhook_deliveries d
    JOIN webhook_endpoints e ON e.id = d.endpoint_id
    WHERE e.disabled IS NULL AND {IS_DUE} GROUP BY d.endpoint_id ORDER BY since LIMIT {MOST_DUE}"""
NEXT_DUE = f"""SELECT {COLUMNS} FROM webhook_deliveries d WHERE d.endpoint_id = :endpoint AND {IS_DUE}
    ORDER BY d.next_at, d.number LIMIT 1"""
CLAIM = """UPDATE webhook_deliveries SET attempts = attempts + 1, next_at = :until
    WHERE id = :id AND state = 'pending' AND attempts = :attempts AND next_at = :next_at"""
BEGIN_ATTEMPT = """INSERT INTO webhook_attempts (delivery_id, number, at, status, trouble, duration_ms)
    VALUES (:id, :number, :at, NULL, NULL, NULL)"""
END_ATTEMPT = """UPDATE webhook_attempts SET status = :status, trouble = :trouble, duration_ms = :duration
    WHERE delivery_id = :id AND number = :number"""
SETTLE = """UPDATE webhook_deliveries
    SET state = :state, tries = :tries, began_at = :began_at, next_at = :next_at, in_line = :in_line, ended_at = :ended_at
    WHERE id = :id AND state = 'pending' AND (attempts = :attempts OR :state = 'delivered')"""
RESTART = """UPDATE webhook_deliveries SET state = 'pending', tries = 0, began_at = :began_at, next_at = :next_at,
    in_line = 0, ended_at = NULL WHERE id = :id"""
RESTART_PENDING = """UPDATE webhook_deliveries SET tries = 0, began_at = :now, next_at = :now
    WHERE endpoint_id = :endpoint AND state = 'pending'"""
ANY_DELIVERED = """SELECT 1 FROM webhook_deliveries
    WHERE endpoint_id = :endpoint AND state = 'delivered' AND ended_at >= :since LIMIT 1"""
ENDED = "SELECT d.id FROM webhook_deliveries d WHERE d.ended_at < :before LIMIT :limit"
ORPHANED = """SELECT d.id FROM webhook_deliveries d
    WHERE d.endpoint_id IN (SELECT endpoint_id FROM webhook_removed) LIMIT :limit"""
FORGET_REMOVED = """DELETE FROM webhook_removed
    WHERE NOT EXISTS (SELECT 1 FROM webhook_deliveries d WHERE d.endpoint_id = webhook_removed.endpoint_id)"""
FORGET_ATTEMPTS = "DELETE FROM webhook_attempts WHERE delivery_id = :id"
FORGET = "DELETE FROM webhook_deliveries WHERE id = :id"

BEYOND_ALL = 2**62


class DeliveryStore:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add_all(self, deliveries: Sequence[Delivery]) -> None:
        if deliveries:
            self._connection.many(ADD, [_params(each) for each in deliveries])

    def find(self, delivery_id: str) -> Delivery | None:
        rows = self._connection.all(FIND, {"id": delivery_id})
        return _delivery(rows[0]) if rows else None

    def page(
        self, endpoint_id: str, state: str | None, before: int | None, limit: int
    ) -> tuple[tuple[Delivery, Attempt | None], ...]:
        params = {
            "endpoint": endpoint_id,
            "state": state or "",
            "before": BEYOND_ALL if before is None else before,
            "limit": limit,
        }
        rows = self._connection.all(PAGE, params)
        return tuple(
            (_delivery(row[:WIDTH]), None if row[WIDTH] is None else _attempt(row[WIDTH:])) for row in rows
        )

    def attempts(self, delivery_id: str) -> tuple[Attempt, ...]:
        return tuple(_attempt(row) for row in self._connection.all(ATTEMPTS, {"id": delivery_id}))

    def due(self, now: datetime) -> tuple[str, ...]:
        return tuple(row[0] for row in self._connection.all(DUE, {"now": to_millis(now)}))

    def waiting(self, now: datetime) -> tuple[int, datetime | None]:
        """How many deliveries' time has come, and since when the one that is longest overdue waits."""
        ((count, since),) = self._connection.all(WAITING, {"now": to_millis(now)})
        return count, None if since is None else from_millis(since)

    def next_due(self, endpoint_id: str, now: datetime) -> Delivery | None:
        rows = self._connection.all(NEXT_DUE, {"endpoint": endpoint_id, "now": to_millis(now)})
        return _delivery(rows[0]) if rows else None

    def claim(self, delivery: Delivery, now: datetime, until: datetime) -> Delivery | None:
        claimed = replace(delivery, attempts=delivery.attempts + 1, next_at=until)
        params = {
            "id": delivery.id,
            "attempts": delivery.attempts,
            "next_at": _millis(delivery.next_at),
            "until": to_millis(until),
        }
        if self._connection.run(CLAIM, params) != 1:
            return None
        begun = {"id": delivery.id, "number": claimed.attempts, "at": to_millis(now)}
        self._connection.run(BEGIN_ATTEMPT, begun)
        return claimed

    def settle(self, delivery: Delivery, outcome: Outcome) -> None:
        ended = {
            "id": delivery.id,
            "number": delivery.attempts,
            "status": outcome.status,
            "trouble": None if outcome.trouble is None else outcome.trouble.value,
            "duration": round(outcome.duration / timedelta(milliseconds=1)),
        }
        self._connection.run(END_ATTEMPT, ended)
        params = {
            "id": delivery.id,
            "state": delivery.state.value,
            "tries": delivery.tries,
            "began_at": to_millis(delivery.began_at),
            "next_at": _millis(delivery.next_at),
            "in_line": int(delivery.in_line),
            "ended_at": _millis(delivery.ended_at),
            "attempts": delivery.attempts,
        }
        self._connection.run(SETTLE, params)

    def restart(self, delivery: Delivery) -> None:
        begun = {"began_at": to_millis(delivery.began_at), "next_at": _millis(delivery.next_at)}
        self._connection.run(RESTART, {"id": delivery.id, **begun})

    def restart_pending(self, endpoint_id: str, now: datetime) -> None:
        self._connection.run(RESTART_PENDING, {"endpoint": endpoint_id, "now": to_millis(now)})

    def any_delivered(self, endpoint_id: str, since: datetime) -> bool:
        params = {"endpoint": endpoint_id, "since": to_millis(since)}
        return bool(self._connection.all(ANY_DELIVERED, params))

    def forget(self, before: datetime, limit: int) -> int:
        """Some of what ended before, and of what belonged to a removed endpoint; how many, 0 once nothing is left."""
        ended = self._connection.all(ENDED, {"before": to_millis(before), "limit": limit})
        rows = ended + self._connection.all(ORPHANED, {"limit": limit})
        ids = [{"id": delivery_id} for (delivery_id,) in dict.fromkeys(tuple(row) for row in rows)]
        if ids:
            self._connection.many(FORGET_ATTEMPTS, ids)
            self._connection.many(FORGET, ids)
        self._connection.run(FORGET_REMOVED, {})
        return len(ids)


def _params(delivery: Delivery) -> dict[str, object]:
    return {
        "id": delivery.id,
        "endpoint": delivery.endpoint_id,
        "type": delivery.type,
        "seq": delivery.seq,
        "created_at": to_millis(delivery.created_at),
        "began_at": to_millis(delivery.began_at),
        "next_at": _millis(delivery.next_at),
        "in_line": int(delivery.in_line),
        "state": delivery.state.value,
    }


def _delivery(row: Row) -> Delivery:
    (
        delivery_id,
        endpoint_id,
        kind,
        seq,
        created,
        began,
        following,
        in_line,
        state,
        tries,
        attempts,
        ended,
        number,
    ) = row
    return Delivery(
        id=delivery_id,
        endpoint_id=endpoint_id,
        type=kind,
        seq=seq,
        created_at=from_millis(created),
        began_at=from_millis(began),
        next_at=_instant(following),
        in_line=bool(in_line),
        state=DeliveryState(state),
        tries=tries,
        attempts=attempts,
        ended_at=_instant(ended),
        number=number,
    )


def _attempt(row: Row) -> Attempt:
    number, at, status, trouble, duration = row
    if duration is None:
        return Attempt(number, from_millis(at), None)
    found = None if trouble is None else Trouble(trouble)
    return Attempt(number, from_millis(at), Outcome(status, found, timedelta(milliseconds=duration)))


def _millis(at: datetime | None) -> int | None:
    return None if at is None else to_millis(at)


def _instant(millis: int | None) -> datetime | None:
    return None if millis is None else from_millis(millis)
