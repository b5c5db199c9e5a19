"""Requests to unfreeze an account: one open for a user, answered by one conditional write."""

from __future__ import annotations

from datetime import datetime

from authsvc.clock import from_millis, to_millis
from authsvc.operators.unfreezing import RequestState, UnfreezeRequest
from authsvc.storage.bound import UNFREEZE_REQUESTS, Values
from authsvc.storage.rows import Rows
from authsvc.subject import Subject

_OF_USER = "client = :client AND user_id = :user"
_WAITING = "is_open = 1 ORDER BY asked_at, id"


class UnfreezeStore:
    def __init__(self, rows: Rows) -> None:
        self._rows = rows

    def open(self, request: UnfreezeRequest) -> bool:
        """Add a request; False when the user has one that is open."""
        values = {
            "id": request.id,
            "client": request.subject.client,
            "user_id": request.subject.user,
            "reason": request.reason,
            "asked_by": request.asked_by,
            "asked_at": to_millis(request.asked_at),
            "expires_at": to_millis(request.expires_at),
            "state": RequestState.OPEN.value,
            "answered_by": None,
            "is_open": 1,
        }
        lapsed = [row for row in self._of_user(request.subject) if row["expires_at"] <= values["asked_at"]]
        self._rows.change_all(
            UNFREEZE_REQUESTS, lapsed, {"is_open": None, "state": RequestState.EXPIRED.value}
        )
        return self._rows.add(UNFREEZE_REQUESTS, values, "ON CONFLICT (client, user_id, is_open) DO NOTHING")

    def find(self, request_id: str) -> UnfreezeRequest | None:
        row = self._rows.one(UNFREEZE_REQUESTS, id=request_id)
        return None if row is None else _request(row)

    def of_user(self, subject: Subject, now: datetime) -> UnfreezeRequest | None:
        """The open request of a user."""
        rows = [row for row in self._of_user(subject) if row["expires_at"] > to_millis(now)]
        return _request(rows[0]) if rows else None

    def waiting(self, now: datetime) -> tuple[UnfreezeRequest, ...]:
        """Every open request, the oldest first."""
        rows = self._rows.read(UNFREEZE_REQUESTS, _WAITING, {})
        return tuple(_request(row) for row in rows if row["expires_at"] > to_millis(now))

    def answer(self, request_id: str, state: RequestState, by: str, now: datetime) -> bool:
        """End an open request; True once."""
        row = self._rows.one(UNFREEZE_REQUESTS, id=request_id)
        if row is None or not _is_open(row) or row["expires_at"] <= to_millis(now):
            return False
        answer = {"is_open": None, "state": state.value, "answered_by": by}
        self._rows.change(UNFREEZE_REQUESTS, row, answer)
        return True

    def _of_user(self, subject: Subject) -> list[Values]:
        """The requests of a user that were not answered."""
        asked = {"client": subject.client, "user": subject.user}
        return [row for row in self._rows.read(UNFREEZE_REQUESTS, _OF_USER, asked) if _is_open(row)]


def _is_open(row: Values) -> bool:
    return row["is_open"] is not None


def _request(row: Values) -> UnfreezeRequest:
    return UnfreezeRequest(
        id=row["id"],
        subject=Subject(row["client"], row["user_id"]),
        reason=row["reason"],
        asked_by=row["asked_by"],
        asked_at=from_millis(row["asked_at"]),
        expires_at=from_millis(row["expires_at"]),
        state=RequestState(row["state"]),
        answered_by=row["answered_by"],
    )
