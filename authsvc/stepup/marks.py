"""What counts once and never again: the nonce that evidence was made for, and the files that it came in.

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


def marked(kept: Json, begun: Json, submission: Submission, *, captures: bool) -> Json:
    """Evidence as it waits, with its marks; without those of its files where `captures` may be shown twice."""
    marks = [[NONCE, _digest(str(begun["nonce"]).encode())]] if begun.get("nonce") else []
    files = [hashlib.sha256(file).digest() for each in submission.files.values() for file in each]
    if captures and files:
        # In whatever order they came.
        marks.append([CAPTURE, _digest(b"".join(sorted(files)))])
    return {**kept, _FIELD: marks}


def use_up(tx: Transaction, subject: Subject, kept: Json, now: datetime) -> bool:
    """Whether none of these marks was used up before; they are now."""
    fresh = [tx.spent.use(subject, kind, digest, now) for kind, digest in _marks(kept)]
    return all(fresh)


def _marks(kept: Json) -> Iterable[tuple[str, bytes]]:
    found = kept.get(_FIELD)
    return (
        [(str(kind), bytes.fromhex(str(digest))) for kind, digest in found] if isinstance(found, list) else []
    )


def _digest(raw: bytes) -> str:
    return hashlib.sha256(raw).hexdigest()
