"""One effect for one Idempotency-Key: its answer is stored in the same transaction, and told again to whoever asks again.

A second request with the same key waits for the first one's commit and gets its answer; there is no moment in which the
effect stands and the answer does not.
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from authsvc.canonical import compact
from authsvc.domain.store import Transaction
from authsvc.ephemeral import Box
from authsvc.errors import AuthsvcError, IdempotencyKeyReused
from authsvc.factor import Json

KEPT_FOR = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Once:
    """`fingerprint` is the SHA-256 of method, path and body: what the key stands for."""

    key: str
    fingerprint: bytes


@dataclass(frozen=True, slots=True)
class Answer:
    """`body` is JSON, serialised once; `problem` says that it is a refusal which had an effect of its own."""

    body: bytes
    created: bool = True
    problem: Json | None = None
    replayed: bool = False

    @classmethod
    def of(cls, value: Json, *, created: bool = True) -> Answer:
        return cls(compact(value).encode(), created)

    @classmethod
    def refusal(cls, error: AuthsvcError) -> Answer:
        return cls(b"", False, {"slug": error.slug, "detail": error.detail, **error.extra})


class Answers:
    """Runs effects once. `box` seals the answers, for they may hold tokens and receipts."""

    def __init__(self, box: Box) -> None:
        self._box = box

    def run(
        self,
        tx: Transaction,
        client: str,
        once: Once,
        now: datetime,
        effect: Callable[[], Answer],
        kept_for: timedelta = KEPT_FOR,
    ) -> Answer:
        """The answer of the first request with this key; raises IdempotencyKeyReused when that was another request."""
        stored = self.find(tx, client, once, now)
        if stored is not None:
            return stored
        try:
            answer = effect()
        except AuthsvcError:
            # What refuses this request may be its own first copy, which committed while this one waited for a row of it.
            tx.answers.must_be_free(client, once.key, now)
            raise
        sealed = self._box.seal(_name(client, once), _packed(answer))
        tx.answers.put(client, once.key, once.fingerprint, sealed, now, now + kept_for)
        return answer

    def find(self, tx: Transaction, client: str, once: Once, now: datetime) -> Answer | None:
        """The answer that was stored for this key, None where there is none; raises IdempotencyKeyReused like `run`."""
        stored = tx.answers.find(client, once.key, now)
        return None if stored is None else self._again(client, once, *stored)

    def _again(self, client: str, once: Once, fingerprint: bytes, sealed: bytes) -> Answer:
        if not hmac.compare_digest(fingerprint, once.fingerprint):
            raise IdempotencyKeyReused("this Idempotency-Key came with another request before")
        return replace(_unpacked(self._box.open(_name(client, once), sealed)), replayed=True)


def _name(client: str, once: Once) -> str:
    return f"{client}\x00{once.key}"


def _packed(answer: Answer) -> bytes:
    """One line of JSON for what the answer is, then its body as it stands."""
    head = {"created": answer.created, "problem": answer.problem}
    return compact(head).encode() + b"\n" + answer.body


def _unpacked(packed: bytes) -> Answer:
    head, _, body = packed.partition(b"\n")
    said = json.loads(head)
    return Answer(body, said["created"], said["problem"])
