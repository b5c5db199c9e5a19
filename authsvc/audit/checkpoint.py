"""Checkpoints: now and then the heads of all chains are signed together, each checkpoint over the one before.

Whoever keeps one outside the service can later show that nothing up to it was changed or cut off, in any chain.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from authsvc.audit.chain import NOTHING, Head, PublicKeys, SigningKey, is_signed
from authsvc.canonical import canonical
from authsvc.clock import rfc3339
from authsvc.errors import Tampered

CHECKPOINT_LABEL = b"authsvc-audit-checkpoint-v1\x00"


@dataclass(frozen=True, slots=True)
class Statement:
    """What a checkpoint says: the heads at an instant, and the hash of the checkpoint before."""

    seq: int
    at: datetime
    previous: str
    heads: tuple[Head, ...]


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A signed statement. `body` is its canonical JSON, kept as signed; `seq` counts from 1 and stands in it too."""

    seq: int
    body: str
    key_id: str
    signature: bytes

    @property
    def hash(self) -> str:
        """What the next checkpoint carries: SHA-256 (hexadecimal) over a label and the body."""
        return hashlib.sha256(_message(self.body)).hexdigest()

    def is_signed_by(self, keys: PublicKeys) -> bool:
        return is_signed(_message(self.body), self.signature, self.key_id, keys)

    def statement(self) -> Statement:
        """What the body says; raises Tampered when it is no statement, or one of another sequence number."""
        try:
            return _parsed(self)
        except (ValueError, KeyError, TypeError):
            raise Tampered(f"checkpoint {self.seq} cannot be read") from None


def take_checkpoint(
    previous: Checkpoint | None, heads: Iterable[Head], at: datetime, key: SigningKey
) -> Checkpoint:
    """Sign the heads of all chains, after the checkpoint before (None for the first)."""
    key_id, private = key
    seq = 1 if previous is None else previous.seq + 1
    body = canonical(
        {
            "at": rfc3339(at),
            "heads": [
                {"chain": head.chain, "hash": head.hash, "seq": head.seq}
                for head in sorted(heads, key=lambda head: head.chain)
            ],
            "previous": NOTHING if previous is None else previous.hash,
            "seq": seq,
        }
    )
    return Checkpoint(seq, body, key_id, private.sign(_message(body)))


def _message(body: str) -> bytes:
    # Lone surrogates are never signed, but a spoiled body must have a hash to be found out by.
    return CHECKPOINT_LABEL + body.encode(errors="surrogatepass")


def _parsed(checkpoint: Checkpoint) -> Statement:
    said = json.loads(checkpoint.body)
    if said["seq"] != checkpoint.seq:
        raise ValueError
    heads = tuple(Head(str(head["chain"]), int(head["seq"]), str(head["hash"])) for head in said["heads"])
    return Statement(said["seq"], datetime.fromisoformat(said["at"]), str(said["previous"]), heads)
