"""What was used up for good, by user, kind and digest, or by kind and digest alone: one conditional insert."""

from __future__ import annotations

from datetime import datetime, timedelta

from authsvc.clock import to_millis
from authsvc.keys.macs import Macs
from authsvc.storage.database import Connection, Params
from authsvc.subject import Subject

NONCES_KEPT = timedelta(days=1)
"""A nonce lives for minutes; what it was made for cannot come back afterwards."""

_LABEL = "spent"
_NOBODY = {"client": "", "user": ""}

USE = """INSERT INTO spent (client, user_id, kind, digest, spent_at) VALUES (:client, :user, :kind, :digest, :now)
    ON CONFLICT (client, user_id, kind, digest) DO NOTHING"""
FORGET = "DELETE FROM spent WHERE client = :client AND user_id = :user"
FORGET_NONCES = """DELETE FROM spent WHERE (client, user_id, kind, digest) IN
    (SELECT client, user_id, kind, digest FROM spent WHERE kind = 'nonce' AND spent_at <= :before LIMIT :most)"""


class SpentStore:
    def __init__(self, connection: Connection, macs: Macs) -> None:
        self._connection = connection
        self._macs = macs

    def use(self, subject: Subject, kind: str, digest: bytes, now: datetime) -> bool:
        """Use something up. Of many callers one gets True."""
        return self._use({"client": subject.client, "user": subject.user}, kind, digest, now)

    def use_everywhere(self, kind: str, digest: bytes, now: datetime) -> bool:
        """Use something up for every account there is. Of many callers one gets True.

        Whose it was is not kept: a row holds a keyed digest, under each key that counts, so that a rotation forgets nothing.
        """
        macs = self._macs.mac_candidates(_LABEL, digest)
        first = [self._use(_NOBODY, kind, mac, now) for mac in macs]
        return all(first)

    def _use(self, owner: Params, kind: str, digest: bytes, now: datetime) -> bool:
        params = {**owner, "kind": kind, "digest": digest, "now": to_millis(now)}
        return self._connection.run(USE, params) == 1

    def forget(self, subject: Subject) -> None:
        self._connection.run(FORGET, {"client": subject.client, "user": subject.user})

    def forget_expired(self, now: datetime, most: int) -> int:
        return self._connection.run(FORGET_NONCES, {"before": to_millis(now - NONCES_KEPT), "most": most})
