"""The service's own keys: which is current, which earlier ones still count, and what is derived from them.

Four purposes, each with versions. A new version is published before it is used (`active_from`), so that every worker
and every receipt checker knows it by then; earlier ones stay until they are discarded. Everything on the path of a
decision is derived once and kept.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ec import (
    ECDSA,
    EllipticCurvePrivateKey,
    EllipticCurvePublicKey,
)
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.hmac import HMAC
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from authsvc.clock import Clock, SystemClock
from authsvc.errors import ConfigurationError, Tampered
from authsvc.keys.jwk import to_jwk
from authsvc.keys.keyfile import Stamp, read_private, sole_writer, stamp, write_private
from authsvc.keys.token import HeldAuditKey, HeldReceiptKey, Token
from authsvc.keys.versions import (
    CURVES,
    FORMAT,
    KEY_SIZE,
    Purpose,
    Version,
    Versions,
    audit_key_of,
    new_version,
    parsed,
    receipt_key_of,
    written,
)

__all__ = ["KeyRing", "Purpose"]

TRIED = b"authsvc-tried-v1\x00"
"""Nothing else that is signed begins so."""


class KeyRing:
    """All versions of all keys, oldest first, and the file they rest in (or none, for a ring that lives in memory)."""

    def __init__(
        self,
        versions: Versions,
        clock: Clock,
        path: Path | None = None,
        seen: Stamp | None = None,
        *,
        all_bound: bool = True,
        token: Token | None = None,
    ) -> None:
        self._token = token
        self._clock = clock
        self._path = path
        # By version id and label, neither of which ever changes its meaning, so nothing here goes stale.
        self._derived: dict[tuple[str, str], bytes] = {}
        self._prepared: dict[tuple[str, str], HMAC] = {}
        self._adopt(versions, all_bound, seen)

    @classmethod
    def create(
        cls, path: Path | None = None, clock: Clock | None = None, token: Token | None = None
    ) -> KeyRing:
        """A new ring with one key of each purpose; raises ConfigurationError where the file exists already.

        With a token, keys that sign are made there, and the ring holds their public half alone.
        """
        clock = SystemClock() if clock is None else clock
        if path is not None and path.exists():  # Looked at before a token makes keys, which stay in it.
            raise ConfigurationError(f"`{path}` exists already and is not overwritten")
        versions = {purpose: (new_version(purpose, clock.now(), token),) for purpose in Purpose}
        seen = None if path is None else write_private(path, written(versions, all_bound=True), replace=False)
        return cls(versions, clock, path, seen, token=token)

    @classmethod
    def load(cls, path: Path, clock: Clock | None = None, token: Token | None = None) -> KeyRing:
        """The ring of a file; raises ConfigurationError when that is damaged or anybody else may read it."""
        versions, all_bound, seen = _read(path)
        clock = SystemClock() if clock is None else clock
        return cls(versions, clock, path, seen, all_bound=all_bound, token=token)

    @property
    def needs_token(self) -> bool:
        """Whether a token keeps a key of this ring that signs now."""
        return any(self._current(purpose).held_as for purpose in CURVES)

    @property
    def all_bound(self) -> bool:
        """Whether every row that carries authority was bound by a key of this ring, so that one without a MAC is broken.

        So it is from the start for a new ring. This is kept here, and not where whoever writes in the database could change it.
        """
        return self._all_bound

    def mark_all_bound(self) -> None:
        """No row is left without a MAC."""
        with self._alone():
            self._store(self._versions, all_bound=True)

    def rotate(self, purpose: Purpose, active_from: datetime | None = None, *, in_file: bool = False) -> str:
        """Add a version and return its id; it becomes current at `active_from`, at once when none is given.

        With a token a key that signs is made there, unless it is to be `in_file`.

        Where several workers run, give it an instant some minutes ahead: each has read the file again by then.
        """
        now = self._clock.now()
        begins = now if active_from is None else max(active_from, now)
        version = new_version(purpose, begins, None if in_file else self._token)
        with self._alone():
            self._store({**self._versions, purpose: (*self._versions[purpose], version)})
        return version.id

    def discard(self, purpose: Purpose, version_id: str) -> None:
        """Forget an earlier version, and with it all that still depends on it; the current one is refused."""
        with self._alone():
            if version_id == self.current_id(purpose):
                raise ConfigurationError(f"`{version_id}` is the current {purpose} key; rotate first")
            remaining = tuple(each for each in self._versions[purpose] if each.id != version_id)
            self._store({**self._versions, purpose: remaining})

    def refresh(self) -> bool:
        """Read the file again if another process changed it; says whether it did. Costs one `lstat` otherwise."""
        if self._path is None or stamp(self._path) == self._seen:
            return False
        self._adopt(*_read(self._path))
        return True

    def try_signing(self) -> None:
        """Sign something that means nothing with each key that signs; raises where a token keeps one and is away."""
        self.receipt_signing_key()[1].sign(TRIED, ECDSA(SHA256()))
        self.audit_signing_key()[1].sign(TRIED)

    def current_id(self, purpose: Purpose) -> str:
        return self._current(purpose).id

    def versions(self, purpose: Purpose) -> tuple[tuple[str, datetime], ...]:
        """Ids and first instants, oldest first, for an operator's listing."""
        return tuple((version.id, version.active_from) for version in self._versions[purpose])

    def mac(self, label: str, data: bytes) -> bytes:
        """HMAC-SHA-256 (32 bytes) under the current key for this label; no two labels share a key."""
        return self._mac(self._current(Purpose.HMAC), label, data)

    def mac_candidates(self, label: str, data: bytes) -> tuple[bytes, ...]:
        """The same under every version, newest first: what a stored MAC may be equal to."""
        versions = reversed(self._versions[Purpose.HMAC])
        return tuple([self._mac(version, label, data) for version in versions])

    def named_mac(self, label: str, data: bytes) -> tuple[str, bytes]:
        """The id of the current key, and the MAC under it."""
        version = self._current(Purpose.HMAC)
        return version.id, self._mac(version, label, data)

    def mac_under(self, key_id: str, label: str, data: bytes) -> bytes | None:
        """The MAC under the key of this id, None where the ring holds no such key."""
        version = self._hmac_keys.get(key_id)
        if version is None and self.refresh():
            version = self._hmac_keys.get(key_id)
        if version is None:
            return None
        return self._mac(version, label, data)

    def sealing_key(self, label: str) -> tuple[str, bytes]:
        """Id and 32-byte key to seal with now, for this label."""
        version = self._current(Purpose.SEALING)
        return version.id, self._derive(version, label)

    def sealing_key_named(self, version_id: str, label: str) -> bytes:
        """The key that something was sealed with; raises Tampered when the ring holds no such version."""
        version = self._named(Purpose.SEALING, version_id)
        if version is None and self.refresh():
            version = self._named(Purpose.SEALING, version_id)
        if version is None:
            raise Tampered(f"sealed under key `{version_id}`, which is not in the key ring")
        return self._derive(version, label)

    def receipt_signing_key(self) -> tuple[str, EllipticCurvePrivateKey | HeldReceiptKey]:
        """`kid` and P-256 key for ES256."""
        version_id = self.current_id(Purpose.RECEIPT)
        return version_id, self._receipt_keys[version_id]

    def jwks(self) -> dict[str, list[dict[str, str]]]:
        """The public receipt keys as a JWK set: coming, current and earlier ones, newest first."""
        return {"keys": [to_jwk(key.public_key()) for key in reversed(self._receipt_keys.values())]}

    def receipt_public_keys(self) -> dict[str, EllipticCurvePublicKey]:
        """The same by `kid`, for checking what comes back."""
        return {version_id: key.public_key() for version_id, key in self._receipt_keys.items()}

    def audit_signing_key(self) -> tuple[str, Ed25519PrivateKey | HeldAuditKey]:
        """`kid` and Ed25519 key for audit heads and checkpoints."""
        version_id = self.current_id(Purpose.AUDIT)
        return version_id, self._audit_keys[version_id]

    def audit_public_keys(self) -> dict[str, Ed25519PublicKey]:
        """The public audit keys by `kid`, earlier ones included."""
        return {version_id: key.public_key() for version_id, key in self._audit_keys.items()}

    def _current(self, purpose: Purpose) -> Version:
        versions = self._versions[purpose]
        if len(versions) == 1:
            return versions[0]
        now = self._clock.now()
        # A clock set back before every version must not leave the service without a key.
        return next((version for version in reversed(versions) if version.active_from <= now), versions[0])

    def _named(self, purpose: Purpose, version_id: str) -> Version | None:
        for version in self._versions[purpose]:
            if version.id == version_id:
                return version
        return None

    def _derive(self, version: Version, label: str) -> bytes:
        """A key for this label alone, by HKDF-SHA-256 (RFC 5869)."""
        key = self._derived.get((version.id, label))
        if key is None:
            info = f"{FORMAT}\x00{label}".encode()
            key = HKDF(algorithm=SHA256(), length=KEY_SIZE, salt=None, info=info).derive(version.key)
            self._derived[version.id, label] = key
        return key

    def _mac(self, version: Version, label: str, data: bytes) -> bytes:
        # Every row that is read comes by here: the key is derived and worked in once, and a copy costs half of a new one.
        prepared = self._prepared.get((version.id, label))
        if prepared is None:
            prepared = self._prepared[version.id, label] = HMAC(self._derive(version, label), SHA256())
        mac = prepared.copy()
        mac.update(data)
        return mac.finalize()

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Change the newest state of the file, with no other process changing it meanwhile."""
        if self._path is None:
            yield
            return
        with sole_writer(self._path):
            self.refresh()
            yield

    def _store(self, versions: Versions, *, all_bound: bool | None = None) -> None:
        bound = self._all_bound if all_bound is None else all_bound
        content = written(versions, all_bound=bound)
        seen = None if self._path is None else write_private(self._path, content, replace=True)
        self._adopt(versions, bound, seen)

    def _adopt(self, versions: Versions, all_bound: bool, seen: Stamp | None) -> None:
        # The signing keys come first, so that another thread never sees a version whose key is not there yet.
        self._receipt_keys = {
            each.id: receipt_key_of(each, self._token) for each in versions[Purpose.RECEIPT]
        }
        self._hmac_keys = {each.id: each for each in versions[Purpose.HMAC]}
        self._audit_keys = {each.id: audit_key_of(each, self._token) for each in versions[Purpose.AUDIT]}
        self._versions = versions
        self._all_bound = all_bound
        self._seen = seen


def _read(path: Path) -> tuple[Versions, bool, Stamp]:
    content, seen = read_private(path)
    try:
        return *parsed(content), seen
    except ValueError as error:
        raise ConfigurationError(f"`{path}` is not a key ring: {error}") from None
