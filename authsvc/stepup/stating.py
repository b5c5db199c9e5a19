"""Where a capture came from: what it is made of, as its files come in, and the challenge of a statement about it.

The digest says of every request that was taken its nonce and its files, in their order, so that whoever made the capture can
compute it as well as we can. docs/devices.md has the form.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime
from typing import Protocol, TypeVar

from authsvc.canonical import canonical
from authsvc.errors import InvalidRequest
from authsvc.factor import Begun, Json, Stated, Step, Submission
from authsvc.subject import Subject

STATEMENT_LABEL = b"authsvc-capture-statement-v1\x00"
_MADE_OF, _STATED = "made_of", "stated"

Tx_contra = TypeVar("Tx_contra", contravariant=True)


class Statements(Protocol[Tx_contra]):
    """The device room's, wherever keys and attestations are known."""

    def begin(self, subject: Subject, challenge: bytes, now: datetime) -> Begun: ...

    def receive(
        self, subject: Subject, kept: Json, challenge: bytes, fields: Json, now: datetime
    ) -> Json: ...

    def settle(self, tx: Tx_contra, subject: Subject, stated: Json, now: datetime) -> Stated: ...


def made_of(kept: Json, begun: Json, submission: Submission) -> Json:
    """Evidence as it waits, with what it was made of so far."""
    files = [hashlib.sha256(file).hexdigest() for each in submission.files.values() for file in each]
    return {**kept, _MADE_OF: [*_made_of(begun), {"files": files, "nonce": begun.get("nonce")}]}


def capture_digest(parts: list[Json]) -> bytes:
    """SHA-256 over the canonical JSON (RFC 8785) of `{"parts": [{"files": [SHA-256 in hex …], "nonce": …} …], "v": 1}`."""
    return hashlib.sha256(canonical({"v": 1, "parts": parts}).encode()).digest()


def statement_challenge(step: Step, received: Json) -> bytes:
    """What a statement signs (32 bytes): SHA-256 over a label, the payment's binding and the capture's digest."""
    digest = capture_digest(_made_of(received))
    return hashlib.sha256(STATEMENT_LABEL + step.binding.raw() + digest).digest()


def with_statement(received: Json, stated: Json) -> Json:
    return {**received, _STATED: stated}


def settled(
    statements: Statements[Tx_contra], tx: Tx_contra, subject: Subject, received: Json, now: datetime
) -> Stated:
    """What is known of a capture; without a statement it may come from anywhere."""
    stated = received.get(_STATED)
    return statements.settle(tx, subject, stated, now) if isinstance(stated, Mapping) else Stated()


def must_be_there(received: Json | None) -> Json:
    if received is None:
        raise InvalidRequest("no capture has come in for this step")
    return received


def _made_of(kept: Json) -> list[Json]:
    found = kept.get(_MADE_OF)
    return [each for each in found if isinstance(each, Mapping)] if isinstance(found, list) else []
