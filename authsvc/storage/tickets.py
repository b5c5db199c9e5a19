"""What a payment backend hands to a person: tickets for an enrollment, and overviews of an account."""

from __future__ import annotations

import json
from datetime import datetime

from authsvc.clock import from_millis, to_millis
from authsvc.domain.overview import Overview
from authsvc.domain.ticket import Grounds, Recovery, Ticket, TicketState
from authsvc.storage.database import Conflict, Connection
from authsvc.subject import Subject

ADD_ENROLLMENT = """INSERT INTO enrollments (id, client, user_id, state, locale, return_url, grounds, recovery,
    display_name, expires_at, created_at) VALUES (:id, :client, :user, :state, :locale, :return_url, :grounds, :recovery,
    :display_name, :expires_at, :now)"""
FIND_ENROLLMENT = """SELECT id, client, user_id, state, locale, expires_at, return_url, grounds, recovery, display_name
    FROM enrollments WHERE id = :id"""
SAVE_RECOVERY = """UPDATE enrollments SET recovery = :recovery
    WHERE id = :id AND state = 'open' AND recovery = :before"""
CLOSE_ENROLLMENT = (
    "UPDATE enrollments SET state = :state WHERE id = :id AND state = 'open' AND expires_at > :now"
)
CANCEL_ENROLLMENTS = """UPDATE enrollments SET state = 'cancelled'
    WHERE client = :client AND user_id = :user AND state = 'open'"""
FORGET_ENROLLMENTS = """DELETE FROM enrollments WHERE id IN
    (SELECT id FROM enrollments WHERE expires_at <= :now LIMIT :most)"""

ADD_OVERVIEW = """INSERT INTO overviews (id, client, user_id, locale, return_url, expires_at, created_at)
    VALUES (:id, :client, :user, :locale, :return_url, :expires_at, :now)"""
FIND_OVERVIEW = "SELECT id, client, user_id, locale, return_url, expires_at FROM overviews WHERE id = :id"
FORGET_OVERVIEWS = """DELETE FROM overviews WHERE id IN
    (SELECT id FROM overviews WHERE expires_at <= :now LIMIT :most)"""


class EnrollmentStore:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, ticket: Ticket, now: datetime) -> None:
        self._connection.run(
            ADD_ENROLLMENT,
            {
                "id": ticket.id,
                "client": ticket.subject.client,
                "user": ticket.subject.user,
                "state": ticket.state.value,
                "locale": ticket.locale,
                "return_url": ticket.return_url,
                "grounds": ticket.grounds.value,
                "recovery": _recovery_json(ticket.recovery),
                "display_name": ticket.display_name,
                "expires_at": to_millis(ticket.expires_at),
                "now": to_millis(now),
            },
        )

    def find(self, enrollment_id: str) -> Ticket | None:
        rows = self._connection.all(FIND_ENROLLMENT, {"id": enrollment_id})
        if not rows:
            return None
        found_id, client, user, state, locale, expires_at, return_url, grounds, recovery, name = rows[0]
        return Ticket(
            id=found_id,
            subject=Subject(client, user),
            state=TicketState(state),
            locale=locale,
            expires_at=from_millis(expires_at),
            return_url=return_url,
            grounds=Grounds(grounds),
            recovery=_recovery(recovery),
            display_name=name,
        )

    def save_recovery(self, ticket: Ticket, recovery: Recovery) -> None:
        """The next value of an open ticket's recovery; raises Conflict when somebody else changed it in between."""
        params = {
            "id": ticket.id,
            "before": _recovery_json(ticket.recovery),
            "recovery": _recovery_json(recovery),
        }
        if self._connection.run(SAVE_RECOVERY, params) != 1:
            raise Conflict("the recovery was changed in between")

    def close(self, enrollment_id: str, state: TicketState, now: datetime) -> bool:
        """End an open enrollment. Of many callers one gets True."""
        params = {"id": enrollment_id, "state": state.value, "now": to_millis(now)}
        return self._connection.run(CLOSE_ENROLLMENT, params) == 1

    def cancel_of(self, subject: Subject) -> None:
        """End whatever enrollment of a user is under way."""
        self._connection.run(CANCEL_ENROLLMENTS, {"client": subject.client, "user": subject.user})

    def forget_expired(self, now: datetime, most: int) -> int:
        """Forget some tickets whose time is over; that they were opened, and what became of them, stands in the audit."""
        return self._connection.run(FORGET_ENROLLMENTS, {"now": to_millis(now), "most": most})


class OverviewStore:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, overview: Overview, now: datetime) -> None:
        self._connection.run(
            ADD_OVERVIEW,
            {
                "id": overview.id,
                "client": overview.subject.client,
                "user": overview.subject.user,
                "locale": overview.locale,
                "return_url": overview.return_url,
                "expires_at": to_millis(overview.expires_at),
                "now": to_millis(now),
            },
        )

    def find(self, overview_id: str) -> Overview | None:
        rows = self._connection.all(FIND_OVERVIEW, {"id": overview_id})
        if not rows:
            return None
        found_id, client, user, locale, return_url, expires_at = rows[0]
        return Overview(found_id, Subject(client, user), locale, return_url, from_millis(expires_at))

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
