"""Links, signed heads and checkpoints as JSON, as exports and evidence bundles carry them.

What comes back was written by somebody else and is parsed strictly: a number is a number, a signature is base64.
"""

from __future__ import annotations

import base64
from dataclasses import asdict, dataclass

from pydantic import AwareDatetime, Base64Bytes, TypeAdapter

from authsvc.audit.chain import Head, Link, SignedHead
from authsvc.audit.checkpoint import Checkpoint
from authsvc.clock import rfc3339


@dataclass(frozen=True, slots=True)
class HeadForm:
    """The JSON form of a signed head."""

    chain: str
    seq: int
    hash: str
    at: AwareDatetime
    key_id: str
    signature: Base64Bytes

    def value(self) -> SignedHead:
        return SignedHead(Head(self.chain, self.seq, self.hash), self.at, self.key_id, self.signature)


@dataclass(frozen=True, slots=True)
class CheckpointForm:
    """The JSON form of a checkpoint."""

    seq: int
    body: str
    key_id: str
    signature: Base64Bytes

    def value(self) -> Checkpoint:
        return Checkpoint(self.seq, self.body, self.key_id, self.signature)


_LINK = TypeAdapter(Link)
_HEAD = TypeAdapter(HeadForm)
_CHECKPOINT = TypeAdapter(CheckpointForm)


def link_to_json(link: Link) -> dict[str, object]:
    return asdict(link)


def link_from_json(text: bytes) -> Link:
    """A link; raises ValueError for anything else."""
    return _LINK.validate_json(text, strict=True)


def head_to_json(signed: SignedHead) -> dict[str, object]:
    return {
        **asdict(signed.head),
        "at": rfc3339(signed.at),
        "key_id": signed.key_id,
        "signature": base64.b64encode(signed.signature).decode(),
    }


def head_from_json(text: bytes) -> SignedHead:
    """A signed head; raises ValueError for anything else."""
    return _HEAD.validate_json(text, strict=True).value()


def checkpoint_to_json(checkpoint: Checkpoint) -> dict[str, object]:
    return {
        "seq": checkpoint.seq,
        "body": checkpoint.body,
        "key_id": checkpoint.key_id,
        "signature": base64.b64encode(checkpoint.signature).decode(),
    }


def checkpoint_from_json(text: bytes) -> Checkpoint:
    """A checkpoint; raises ValueError for anything else."""
    return _CHECKPOINT.validate_json(text, strict=True).value()
