"""What counts once and never again: the nonce that evidence was made for, and the files that it came in, whoever's they are.

Evidence may wait in two challenges at once, or be handed in again a month later. Whoever lets it count uses these marks up by
conditional writes in that very transaction, at enrollment as at payment.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import datetime

from authsvc.domain.store import Transaction
from authsvc.factor import Json, Submission
from authsvc.subject import Subject

NONCE, CAPTURE = "nonce", "capture"
_FIELD = "marks"
_Mark = tuple[str, str]


def marked(kept: Json, begun: Json, submission: Submission, *, captures: bool) -> Json:
    """Evidence as it waits, with its marks and those of the parts before; its files have none where `captures` may come twice."""
    marks = [(NONCE, _digest(str(begun["nonce"]).encode()))] if begun.get("nonce") else []
    files = [hashlib.sha256(file).digest() for each in submission.files.values() for file in each]
    if captures and files:
        # In whatever order they came.
        marks.append((CAPTURE, _digest(b"".join(sorted(files)))))
    return {**kept, _FIELD: _once([*_found(begun), *marks])}


def carrying(kept: Json, *earlier: Json) -> Json:
    """What is kept, with the marks of evidence that becomes part of it."""
    return {**kept, _FIELD: _once([*_found(kept), *(mark for each in earlier for mark in _found(each))])}


def use_up(tx: Transaction, subject: Subject, kept: Json, now: datetime) -> bool:
    """Whether none of these marks was used up before; they are now."""
    marks = _once(_found(kept))
    fresh = [_use(tx, subject, kind, bytes.fromhex(digest), now) for kind, digest in marks]
    return all(fresh)


def _use(tx: Transaction, subject: Subject, kind: str, digest: bytes, now: datetime) -> bool:
    """A capture counts in one account, and there once; the account's own memory of it outlives every key."""
    first_here = tx.spent.use(subject, kind, digest, now)
    return (kind != CAPTURE or tx.spent.use_everywhere(kind, digest, now)) and first_here


def _found(kept: Json) -> Iterable[_Mark]:
    found = kept.get(_FIELD)
    return [(str(kind), str(digest)) for kind, digest in found] if isinstance(found, list) else []


def _once(marks: Iterable[_Mark]) -> list[_Mark]:
    """One capture may show the same files twice, as where a part is sent again."""
    return list(dict.fromkeys(marks))


def _digest(raw: bytes) -> str:
    return hashlib.sha256(raw).hexdigest()
