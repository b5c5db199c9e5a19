"""Habits, sealed to their user, and the settled payments that wait to be learned or were learned."""

from __future__ import annotations

from datetime import datetime, timedelta

from authsvc.clock import to_millis
from authsvc.domain.account import Account
from authsvc.errors import Tampered
from authsvc.habit.fading import HALF_LIFE
from authsvc.habit.form import Packed, packed, unpacked
from authsvc.habit.habits import Habits
from authsvc.storage.database import Connection
from authsvc.storage.rows import Rows
from authsvc.storage.sealing import Place, Sealer
from authsvc.subject import Subject

KEPT: timedelta = 6 * HALF_LIFE
"""How long a payment that was learned can be taken back: by then it weighs a sixty-fourth."""

_OF_USER = "client = :client AND user_id = :user"
FIND = f"SELECT sealed FROM habits WHERE {_OF_USER}"
PUT = """INSERT INTO habits (client, user_id, sealed, changed_at) VALUES (:client, :user, :sealed, :now)
    ON CONFLICT (client, user_id) DO UPDATE SET sealed = excluded.sealed, changed_at = excluded.changed_at"""
FORGET = f"DELETE FROM habits WHERE {_OF_USER}"
EXPECT = """INSERT INTO lessons (decision_id, client, user_id, due_at, settled_at)
    VALUES (:id, :client, :user, :due, :now) ON CONFLICT (decision_id) DO NOTHING"""
DUE = """SELECT decision_id, client, user_id FROM lessons WHERE due_at <= :now ORDER BY due_at, decision_id
    LIMIT :most"""
LEARN = "UPDATE lessons SET due_at = NULL WHERE decision_id = :id AND due_at IS NOT NULL"
DROP = "DELETE FROM lessons WHERE decision_id = :id RETURNING due_at"
FORGET_LESSONS = f"DELETE FROM lessons WHERE {_OF_USER}"
FORGET_EXPIRED = """DELETE FROM lessons WHERE decision_id IN
    (SELECT decision_id FROM lessons WHERE settled_at <= :before AND due_at IS NULL LIMIT :most)"""


class HabitStore:
    def __init__(self, connection: Connection, rows: Rows, sealer: Sealer) -> None:
        self._connection = connection
        self._rows = rows
        self._sealer = sealer

    def find(self, account: Account) -> Habits | None:
        """Those of a user, None before the first; whoever cannot be read begins anew, which is the riskier value."""
        rows = self._connection.all(FIND, _of(account.subject))
        data = opened(self._sealer, self._rows, account, rows[0][0] if rows else None)
        return None if data is None else unpacked(data)

    def learn(self, account: Account, habits: Habits | None, now: datetime) -> None:
        """Write the next value; None and what nothing is left of is forgotten. The caller holds the account."""
        if habits is None or not any(habits.hours):
            self._connection.run(FORGET, _of(account.subject))
            return
        sealed = self._sealer.seal(account.key(), _place(account.subject), packed(habits))
        params = {**_of(account.subject), "sealed": sealed, "now": to_millis(now)}
        self._connection.run(PUT, params)

    def expect(self, decision_id: str, subject: Subject, due: datetime, now: datetime) -> bool:
        """Remember to learn from a payment; True once."""
        params = {"id": decision_id, **_of(subject), "due": to_millis(due), "now": to_millis(now)}
        return self._connection.run(EXPECT, params) == 1

    def due(self, now: datetime, most: int) -> tuple[tuple[str, Subject], ...]:
        """The payments to learn from by now, the longest due first."""
        found = self._connection.all(DUE, {"now": to_millis(now), "most": most})
        return tuple((decision_id, Subject(client, user)) for decision_id, client, user in found)

    def take(self, decision_id: str) -> bool:
        """Take a payment for learned. Of many callers one gets True."""
        return self._connection.run(LEARN, {"id": decision_id}) == 1

    def drop(self, decision_id: str) -> bool:
        """Forget to learn from a payment; True where it was learned, and is to be taken back."""
        rows = self._connection.all(DROP, {"id": decision_id})
        return bool(rows) and rows[0][0] is None

    def forget(self, subject: Subject) -> None:
        self._connection.run(FORGET, _of(subject))
        self._connection.run(FORGET_LESSONS, _of(subject))

    def forget_expired(self, now: datetime, most: int) -> int:
        return self._connection.run(FORGET_EXPIRED, {"before": to_millis(now - KEPT), "most": most})


def opened(sealer: Sealer, rows: Rows, account: Account, sealed: bytes | None) -> bytes | None:
    """Habits in bytes. Sealed ones that do not open are noticed, and nothing is known of the payer."""
    if sealed is None or account.sealing_key is None:
        return None
    try:
        data = sealer.open(account.sealing_key, _place(account.subject), bytes(sealed))
        Packed(data)
    except Tampered:
        rows.notice("habits", account.subject, "sealed")
        return None
    return data


def _place(subject: Subject) -> Place:
    return Place("habits", "sealed", subject.user, subject)


def _of(subject: Subject) -> dict[str, object]:
    return {"client": subject.client, "user": subject.user}
