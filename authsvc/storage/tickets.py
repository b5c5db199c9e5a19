"""What a payment backend hands to a person: tickets for an enrollment, and overviews of an account."""

from __future__ import annotations

import json
from datetime import datetime

from authsvc.clock import from_millis, to_millis
from authsvc.domain.overview import Overview
from authsvc.domain.ticket import Grounds, Recovery, Ticket, TicketState
from authsvc.storage.bound import ENROLLMENTS, OVERVIEWS
from authsvc.storage.database import Conflict, Connection
from authsvc.storage.rows import Rows
from authsvc.subject import Subject

_OF_USER = "client = :client AND user_id = :user"
FORGET_ENROLLMENTS = """DELETE FROM enrollments WHERE id IN
    (SELECT id FROM enrollments WHERE expires_at <= :now LIMIT :most)"""
FORGET_OVERVIEWS = """DELETE FROM overviews WHERE id IN
    (SELECT id FROM overviews WHERE expires_at <= :now LIMIT :most)"""


class EnrollmentStore:
    def __init__(self, connection: Connection, rows: Rows) -> None:
        self._connection = connection
        self._rows = rows

    def add(self, ticket: Ticket, now: datetime) -> None:
        values = {
            "id": ticket.id,
            "client": ticket.subject.client,
            "user_id": ticket.subject.user,
            "state": ticket.state.value,
            "locale": ticket.locale,
            "return_url": ticket.return_url,
            "grounds": ticket.grounds.value,
            "recovery": _recovery_json(ticket.recovery),
            "display_name": ticket.display_name,
            "expires_at": to_millis(ticket.expires_at),
            "created_at": to_millis(now),
        }
        self._rows.add(ENROLLMENTS, values)

    def find(self, enrollment_id: str) -> Ticket | None:
        row = self._rows.one(ENROLLMENTS, id=enrollment_id)
        if row is None:
            return None
        return Ticket(
            id=row["id"],
            subject=Subject(row["client"], row["user_id"]),
            state=TicketState(row["state"]),
            locale=row["locale"],
            expires_at=from_millis(row["expires_at"]),
            return_url=row["return_url"],
            grounds=Grounds(row["grounds"]),
            recovery=_recovery(row["recovery"]),
            display_name=row["display_name"],
        )

    def save_recovery(self, ticket: Ticket, recovery: Recovery) -> None:
        """The next value of an open ticket's recovery; raises Conflict when somebody else changed it in between."""
        row = self._rows.one(ENROLLMENTS, id=ticket.id)
        before = _recovery_json(ticket.recovery)
        if row is None or row["state"] != TicketState.OPEN or row["recovery"] != before:
            raise Conflict("the recovery was changed in between")
        self._rows.change(ENROLLMENTS, row, {"recovery": _recovery_json(recovery)})

    def close(self, enrollment_id: str, state: TicketState, now: datetime) -> bool:
        """End an open enrollment. Of many callers one gets True."""
        row = self._rows.one(ENROLLMENTS, id=enrollment_id)
        if row is None or row["state"] != TicketState.OPEN or row["expires_at"] <= to_millis(now):
            return False
        self._rows.change(ENROLLMENTS, row, {"state": state.value})
        return True

    def cancel_of(self, subject: Subject, grounds: Grounds | None = None) -> None:
        """End whatever enrollment of a user is under way; with `grounds`, on these grounds."""
        rows = self._rows.as_found(ENROLLMENTS, _OF_USER, {"client": subject.client, "user": subject.user})
        under_way = [
            row for row in rows if row["state"] == TicketState.OPEN and grounds in (None, row["grounds"])
        ]
        self._rows.change_all(ENROLLMENTS, under_way, {"state": TicketState.CANCELLED.value})

    def forget_expired(self, now: datetime, most: int) -> int:
        """Forget some tickets whose time is over; that they were opened, and what became of them, stands in the audit."""
        return self._connection.run(FORGET_ENROLLMENTS, {"now": to_millis(now), "most": most})


class OverviewStore:
    def __init__(self, connection: Connection, rows: Rows) -> None:
        self._connection = connection
        self._rows = rows

    def add(self, overview: Overview, now: datetime) -> None:
        values = {
            "id": overview.id,
            "client": overview.subject.client,
            "user_id": overview.subject.user,
            "locale": overview.locale,
            "return_url": overview.return_url,
            "expires_at": to_millis(overview.expires_at),
            "created_at": to_millis(now),
        }
        self._rows.add(OVERVIEWS, values)

    def find(self, overview_id: str) -> Overview | None:
        row = self._rows.one(OVERVIEWS, id=overview_id)
        if row is None:
            return None
        subject, expires_at = Subject(row["client"], row["user_id"]), from_millis(row["expires_at"])
        return Overview(row["id"], subject, row["locale"], row["return_url"], expires_at)

    def forget_expired(self, now: datetime, most: int) -> int:
        return self._connection.run(FORGET_OVERVIEWS, {"now": to_millis(now), "most": most})


def _recovery_json(recovery: Recovery | None) -> str | None:
    if recovery is None:
        return None
    code = None if recovery.code is None else recovery.code.hex()
    return json.dumps([recovery.operators, code, recovery.tries, recovery.proofs], ensure_ascii=False)


def _recovery(text: str | None) -> Recovery | None:
    if text is None:
        return None
    operators, code, tries, proofs = json.loads(text)
    return Recovery(
        tuple(operators), None if code is None else bytes.fromhex(code), int(tries), tuple(proofs)
    )
