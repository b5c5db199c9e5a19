"""Requests to unfreeze an account: one open for a user, answered by one conditional write."""

from __future__ import annotations

from datetime import datetime

from authsvc.clock import from_millis, to_millis
from authsvc.operators.unfreezing import RequestState, UnfreezeRequest
from authsvc.storage.database import Connection, Row
from authsvc.subject import Subject

_COLUMNS = "id, client, user_id, reason, asked_by, asked_at, expires_at, state, answered_by"

LAPSE = """UPDATE unfreeze_requests SET is_open = NULL, state = 'expired'
    WHERE client = :client AND user_id = :user AND is_open = 1 AND expires_at <= :asked_at"""
OPEN = f"""INSERT INTO unfreeze_requests ({_COLUMNS}, is_open)
    VALUES (:id, :client, :user, :reason, :asked_by, :asked_at, :expires_at, 'open', NULL, 1)
    ON CONFLICT (client, user_id, is_open) DO NOTHING"""
FIND = f"SELECT {_COLUMNS} FROM unfreeze_requests WHERE id = :id"
OF_USER = f"""SELECT {_COLUMNS} FROM unfreeze_requests
    WHERE client = :client AND user_id = :user AND is_open = 1 AND expires_at > :now"""
WAITING = (
    f"SELECT {_COLUMNS} FROM unfreeze_requests WHERE is_open = 1 AND expires_at > :now ORDER BY asked_at"
)
ANSWER = """UPDATE unfreeze_requests SET is_open = NULL, state = :state, answered_by = :by
    WHERE id = :id AND is_open = 1 AND expires_at > :now"""


class UnfreezeStore:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def open(self, request: UnfreezeRequest) -> bool:
        """Add a request; False when the user has one that is open."""
        params = {
            "id": request.id,
            "client": request.subject.client,
            "user": request.subject.user,
            "reason": request.reason,
            "asked_by": request.asked_by,
            "asked_at": to_millis(request.asked_at),
            "expires_at": to_millis(request.expires_at),
        }
        self._connection.run(LAPSE, params)
        return self._connection.run(OPEN, params) == 1

    def find(self, request_id: str) -> UnfreezeRequest | None:
        rows = self._connection.all(FIND, {"id": request_id})
        return _request(rows[0]) if rows else None

    def of_user(self, subject: Subject, now: datetime) -> UnfreezeRequest | None:
        """The open request of a user."""
        params = {"client": subject.client, "user": subject.user, "now": to_millis(now)}
        rows = self._connection.all(OF_USER, params)
        return _request(rows[0]) if rows else None

    def waiting(self, now: datetime) -> tuple[UnfreezeRequest, ...]:
        """Every open request, the oldest first."""
        return tuple(_request(row) for row in self._connection.all(WAITING, {"now": to_millis(now)}))

    def answer(self, request_id: str, state: RequestState, by: str, now: datetime) -> bool:
        """End an open request; True once."""
        params = {"id": request_id, "state": state.value, "by": by, "now": to_millis(now)}
        return self._connection.run(ANSWER, params) == 1


def _request(row: Row) -> UnfreezeRequest:
    request_id, client, user, reason, asked_by, asked_at, expires_at, state, answered_by = row
    return UnfreezeRequest(
        id=request_id,
        subject=Subject(client, user),
        reason=reason,
        asked_by=asked_by,
        asked_at=from_millis(asked_at),
        expires_at=from_millis(expires_at),
        state=RequestState(state),
        answered_by=answered_by,
    )
