"""What was used up for good, by user, kind and digest: one conditional insert."""

from __future__ import annotations

from datetime import datetime, timedelta

from authsvc.clock import to_millis
from authsvc.storage.database import Connection
from authsvc.subject import Subject

NONCES_KEPT = timedelta(days=1)
"""A nonce lives for minutes; what it was made for cannot come back afterwards."""

USE = """INSERT INTO spent (client, user_id, kind, digest, spent_at) VALUES (:client, :user, :kind, :digest, :now)
    ON CONFLICT (client, user_id, kind, digest) DO NOTHING"""
FORGET = "DELETE FROM spent WHERE client = :client AND user_id = :user"
FORGET_NONCES = """DELETE FROM spent WHERE (client, user_id, kind, digest) IN
    (SELECT client, user_id, kind, digest FROM spent WHERE kind = 'nonce' AND spent_at <= :before LIMIT :most)"""


class SpentStore:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def use(self, subject: Subject, kind: str, digest: bytes, now: datetime) -> bool:
        """Use something up. Of many callers one gets True."""
        params = {"client": subject.client, "user": subject.user, "kind": kind, "digest": digest}
        return self._connection.run(USE, {**params, "now": to_millis(now)}) == 1

    def forget(self, subject: Subject) -> None:
        self._connection.run(FORGET, {"client": subject.client, "user": subject.user})

    def forget_expired(self, now: datetime, most: int) -> int:
        return self._connection.run(FORGET_NONCES, {"before": to_millis(now - NONCES_KEPT), "most": most})
