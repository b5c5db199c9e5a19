"""The audit chain: each entry carries the hash of the one before, and each batch ends in a signed head.

For whoever must prove later what happened. One writer process writes one chain, so nobody waits for a global last row.
A link's hash is SHA-256 over a label, its sequence number, the hash before, the digest of its body, and the chain's name;
because it is over the body's *digest*, a chain can be checked where some bodies are withheld: see evidence.py.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Protocol

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from authsvc.canonical import canonical
from authsvc.clock import rfc3339, to_millis
from authsvc.factor import Json
from authsvc.subject import Subject

LINK_LABEL = b"authsvc-audit-link-v1\x00"
HEAD_LABEL = b"authsvc-audit-head-v1\x00"
NOTHING = "0" * 64
"""The hash before the first link."""

ROWS_WRITTEN = "rows.written"
"""What a line does that says which rows a transaction brought and took: there is one to nearly every other."""


class Signs(Protocol):
    """An Ed25519 key, wherever it is."""

    def sign(self, data: bytes, /) -> bytes: ...


SigningKey = tuple[str, Signs]
"""A key and its id, as `KeyRing.audit_signing_key` gives them."""

PublicKeys = Mapping[str, Ed25519PublicKey]

_SECRETS = (
    "secret",
    "code",
    "token",
    "template",
    "vector",
    "frame",
    "password",
    "passphrase",
    "embedding",
    "private_key",
    "privatekey",
)
# `otp_code`, `deviceSecret` and `frames` are refused, `barcode` is not, nor what is merely about a secret (`template_digest`,
# `token_id`).
_SECRET_KEY = re.compile(
    rf"(?:(?<![A-Za-z])(?i:{'|'.join(_SECRETS)})|{'|'.join(word.title() for word in _SECRETS)})s?\Z"
)
# In compact JSON `":` ends a key and nothing else, so keys are found at any depth without walking.
_KEY = re.compile(r'(?<=")([^"]*)":')


@dataclass(frozen=True, slots=True)
class Entry:
    """Who did what to what, about whom, when, and how it ended.

    `details` may say where from, and which policy, threshold and model version applied; never a secret.
    """

    at: datetime
    actor: str
    action: str
    subject: Subject | None
    object: str
    result: str
    details: Json = field(default_factory=dict)

    def body(self) -> str:
        """The canonical JSON that is stored and hashed; raises ValueError where a key names a secret."""
        subject = self.subject
        body = canonical(
            {
                "action": self.action,
                "actor": self.actor,
                "at": rfc3339(self.at),
                "details": self.details,
                "object": self.object,
                "result": self.result,
                "subject": None if subject is None else {"client": subject.client, "user": subject.user},
            }
        )
        refuse_secrets(body)
        return body


def entry(
    actor: str,
    action: str,
    subject: Subject | None,
    about: str,
    result: str,
    now: datetime,
    **details: object,
) -> Entry:
    """The audit line of one act. A detail that is None was not given, and is left out."""
    given = {name: value for name, value in details.items() if value is not None}
    return Entry(now, actor, action, subject, about, result, given)


@dataclass(frozen=True, slots=True)
class Link:
    """An entry in its place. `previous` and `hash` are 64 hexadecimal digits; `seq` counts from 1."""

    chain: str
    seq: int
    previous: str
    body: str
    hash: str

    def adds_up(self) -> bool:
        """Whether the hash is that of the rest."""
        try:
            return self.hash == link_hash(self.chain, self.seq, self.previous, body_digest(self.body))
        except (ValueError, OverflowError):
            return False

    def head(self) -> Head:
        return Head(self.chain, self.seq, self.hash)


@dataclass(frozen=True, slots=True)
class Head:
    """Where a chain ends: sequence number and hash of its last link; 0 and NOTHING before the first."""

    chain: str
    seq: int = 0
    hash: str = NOTHING


@dataclass(frozen=True, slots=True)
class SignedHead:
    """A head, signed with the audit key (Ed25519, 64 bytes): no link up to it can go missing unnoticed."""

    head: Head
    at: datetime
    key_id: str
    signature: bytes

    def is_signed_by(self, keys: PublicKeys) -> bool:
        """Whether one of these keys made the signature, over exactly this head and time."""
        try:
            return is_signed(_head_message(self.head, self.at), self.signature, self.key_id, keys)
        except (ValueError, OverflowError):
            return False


def extend(head: Head, entry: Entry) -> Link:
    """The next link of a chain; raises ValueError where the entry names a secret or has no canonical form."""
    body, seq = entry.body(), head.seq + 1
    return Link(head.chain, seq, head.hash, body, link_hash(head.chain, seq, head.hash, body_digest(body)))


def sign_head(head: Head, at: datetime, key: SigningKey) -> SignedHead:
    """The head, signed; once for each batch that is committed. The time is signed in whole milliseconds."""
    key_id, private = key
    return SignedHead(head, at, key_id, private.sign(_head_message(head, at)))


def link_hash(chain: str, seq: int, previous: str, digest: bytes) -> str:
    """The hash of a link from the 32-byte digest of its body; raises ValueError for what cannot be a link."""
    # Everything but the chain's name has a fixed length, so no two links read the same.
    message = LINK_LABEL + seq.to_bytes(8, "big") + _raw(previous) + digest + chain.encode()
    return hashlib.sha256(message).hexdigest()


def body_digest(body: str) -> bytes:
    return hashlib.sha256(body.encode()).digest()


def is_signed(message: bytes, signature: bytes, key_id: str, keys: PublicKeys) -> bool:
    """Whether the key of that id is known and made the signature."""
    key = keys.get(key_id)
    if key is None:
        return False
    try:
        key.verify(signature, message)
    except InvalidSignature:
        return False
    return True


def refuse_secrets(text: str) -> None:
    """Raises ValueError where a key of this compact JSON names a secret: code, token, template, password and the like."""
    for secret in map(_secret_in, set(_KEY.findall(text))):
        if secret is not None:
            raise ValueError(f"the key `…{secret}` names a secret, which has no place in the audit log")


@lru_cache(maxsize=4096)
def _secret_in(key: str) -> str | None:
    """The secret that a key names; the same few keys are asked about at every line."""
    found = _SECRET_KEY.search(key)
    return None if found is None else found[0]


def _head_message(head: Head, at: datetime) -> bytes:
    numbers = to_millis(at).to_bytes(8, "big") + head.seq.to_bytes(8, "big")
    return HEAD_LABEL + numbers + _raw(head.hash) + head.chain.encode()


def _raw(digest: str) -> bytes:
    raw = bytes.fromhex(digest)
    if len(raw) != 32:
        raise ValueError("a hash is not 64 hexadecimal digits")
    return raw
