"""Who may call: API keys of payment backends, and the short-lived tokens of payers and of people who enroll.

An API key is `ak_<id>_<secret>`; only a keyed HMAC of the secret is stored, and the secret is shown once. A token is the
keyed HMAC of the object it opens, so nothing is stored for it at all and it ends with that object.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from authsvc.errors import InsufficientScope, Unauthenticated
from authsvc.keys.macs import Macs
from authsvc.text import identifier

FRESH_FOR = 0.5
"""Seconds for which a worker believes what it read of a key: a revocation shows everywhere within one second."""


class Scope(StrEnum):
    DECIDE = "decisions"
    RECEIPTS = "receipts"
    ENROLL = "enrollments"
    ACCOUNTS = "accounts"
    EVENTS = "events"
    WEBHOOKS = "webhooks"
    AUDIT = "audit"


ALL_SCOPES = frozenset(Scope)


@dataclass(frozen=True, slots=True)
class ApiKey:
    """`mac` is the keyed HMAC of the secret.

    With `certificates` (SHA-256 in hexadecimal) the key is good over a connection that showed one of them only; with
    `signing_keys` (Ed25519, raw, in hexadecimal) with requests that one of them signed.
    """

    id: str
    client: str
    mac: bytes
    scopes: frozenset[str]
    created_at: datetime
    expires_at: datetime | None = None
    revoked_at: datetime | None = None
    certificates: frozenset[str] = frozenset()
    signing_keys: frozenset[str] = frozenset()

    def signing_key(self, key_id: str) -> Ed25519PublicKey | None:
        """The public key of this name, with which requests may be signed."""
        for each in self.signing_keys:
            if name_of(each) == key_id:
                return Ed25519PublicKey.from_public_bytes(bytes.fromhex(each))
        return None

    def is_good(self, now: datetime) -> bool:
        return self.revoked_at is None and (self.expires_at is None or now < self.expires_at)

    def must_have(self, scope: Scope) -> None:
        if scope not in self.scopes:
            raise InsufficientScope(f"this key lacks the scope `{scope}`")


def name_of(signing_key: str) -> str:
    """What `keyid` calls a public key."""
    return hashlib.sha256(bytes.fromhex(signing_key)).hexdigest()[:16]


class KeyAdmission:
    """Checks API keys. `find` reads a key from the durable store."""

    def __init__(
        self,
        macs: Macs,
        find: Callable[[str], ApiKey | None],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._macs = macs
        self._find = find
        self._monotonic = monotonic
        self._seen: dict[str, tuple[float, ApiKey | None]] = {}
        self._lock = threading.Lock()

    def admit(self, presented: str, now: datetime) -> ApiKey:
        """The key that was presented; raises Unauthenticated, the same for unknown, wrong, expired and revoked."""
        key_id, secret = _split(presented)
        key = self._look_up(key_id)
        candidates = self._macs.mac_candidates("api-key", secret.encode())
        expected = key.mac if key is not None else bytes(32)
        matches = [hmac.compare_digest(expected, candidate) for candidate in candidates]
        if key is None or not any(matches) or not key.is_good(now):
            raise Unauthenticated("no good API key was presented")
        return key

    def _look_up(self, key_id: str) -> ApiKey | None:
        seen = self._seen.get(key_id)
        if seen is not None and self._monotonic() - seen[0] < FRESH_FOR:
            return seen[1]
        asked_at = self._monotonic()
        key = self._find(key_id)
        with self._lock:
            if len(self._seen) > 1000:
                self._seen.clear()
            self._seen[key_id] = (asked_at, key)
        return key


def new_api_key(
    macs: Macs, client: str, scopes: frozenset[Scope], now: datetime, lifetime: timedelta | None = None
) -> tuple[ApiKey, str]:
    """A key for the store, and its one and only showing; raises InvalidRequest for a client without a canonical name."""
    key_id = secrets.token_hex(6)
    secret = secrets.token_urlsafe(32)
    key = ApiKey(
        id=key_id,
        client=identifier(client, "client"),
        mac=macs.mac("api-key", secret.encode()),
        scopes=frozenset(scope.value for scope in scopes),
        created_at=now,
        expires_at=None if lifetime is None else now + lifetime,
    )
    return key, f"ak_{key_id}_{secret}"


def object_token(macs: Macs, prefix: str, object_id: str) -> str:
    """The token that opens one object: `ct_…` a challenge, `et_…` an enrollment, `vt_…` an overview."""
    return f"{prefix}_{_base64(macs.mac(f'token-{prefix}', object_id.encode()))}"


def must_open(macs: Macs, prefix: str, object_id: str, presented: str) -> None:
    """Raises Unauthenticated unless the token opens this object."""
    candidates = macs.mac_candidates(f"token-{prefix}", object_id.encode())
    matches = [
        hmac.compare_digest(f"{prefix}_{_base64(mac)}".encode(), presented.encode()) for mac in candidates
    ]
    if not any(matches):
        raise Unauthenticated("the token does not open this object")


def _split(presented: str) -> tuple[str, str]:
    prefix, _, rest = presented.partition("_")
    key_id, _, secret = rest.partition("_")
    if prefix != "ak" or not key_id or not secret:
        raise Unauthenticated("no good API key was presented")
    return key_id, secret


def _base64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
