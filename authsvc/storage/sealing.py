"""Sealing: what is stored is unreadable, and only opens in the place it was sealed for.

An envelope of two AES-256-GCM layers. Each subject has a data key, stored wrapped by the key ring; destroying the
wrapped key erases everything sealed under it. Unwrapped keys are never kept: unwrapping costs about two microseconds,
and so erasure and withdrawal hold from the next request on without any cache to clear.

    wrapped key    version 1 · key id 8 · nonce 12 · ciphertext 32 · tag 16
    subject row    version 1 · nonce 12 · ciphertext n · tag 16
    service row    version 1 · key id 8 · salt 16 · nonce 12 · ciphertext n · tag 16
"""

from __future__ import annotations

import hmac
import secrets
from dataclasses import dataclass
from functools import lru_cache
from struct import Struct

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from authsvc.errors import Tampered
from authsvc.keys.keyring import KeyRing
from authsvc.subject import Subject

VERSION = b"\x01"
KEY_ID_SIZE = 8
NONCE_SIZE = 12
SALT_SIZE = 16
TAG_SIZE = 16
KEY_SIZE = 32

_LENGTH = Struct(">I").pack
_WRAPPING = "wrap-subject-keys"
_SERVICE = "seal-service-rows"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a sealed value belongs; it opens nowhere else. `subject` is None for rows that belong to nobody.

    `row` is the row's key (several parts where the key has several columns); `model` names a template's model version.
    """

    table: str
    column: str
    row: str | tuple[str, ...]
    subject: Subject | None
    model: str = ""

    def associated_data(self, label: bytes) -> bytes:
        """Label and parts, each with its length before it, so that no two places read the same."""
        row, subject = (self.row,) if isinstance(self.row, str) else self.row, self.subject
        if subject is None:
            return _fixed(label, self.table, self.column, self.model, "service") + _unambiguous(*row)
        fixed = _fixed(label, self.table, self.column, self.model, "subject")
        return fixed + _unambiguous(subject.client, subject.user, *row)


class Sealer:
    """Seals and opens with the keys of one ring; keeps nothing between calls and may be shared by threads."""

    def __init__(self, ring: KeyRing) -> None:
        self._ring = ring

    def new_subject_key(self, subject: Subject) -> bytes:
        """A fresh data key, wrapped (69 bytes): store it, and delete it to erase the subject."""
        return self._wrap(secrets.token_bytes(KEY_SIZE), subject)

    def rewrap(self, wrapped: bytes, subject: Subject) -> bytes | None:
        """The same data key under the current ring key, or None when it is already; raises Tampered."""
        if _key_id(wrapped) == self._ring.sealing_key(_WRAPPING)[0]:
            return None
        return self._wrap(self._unwrap(wrapped, subject), subject)

    def seal(self, wrapped: bytes, place: Place, plaintext: bytes) -> bytes:
        """Seal under a subject's key, for one place; raises Tampered when the wrapped key is not that subject's."""
        cipher = AESGCM(self._unwrap(wrapped, _owned(place)))
        nonce = secrets.token_bytes(NONCE_SIZE)
        return VERSION + nonce + cipher.encrypt(nonce, plaintext, place.associated_data(b"subject-row\x00"))

    def open(self, wrapped: bytes, place: Place, sealed: bytes) -> bytes:
        """What was sealed for this place; raises Tampered for anything else."""
        _expect(sealed, 1 + NONCE_SIZE + TAG_SIZE)
        key = self._unwrap(wrapped, _owned(place))
        return _decrypt(AESGCM(key), sealed[1:], place.associated_data(b"subject-row\x00"))

    def seal_service(self, place: Place, plaintext: bytes) -> bytes:
        """Seal a row that belongs to nobody, such as an idempotent answer, under the service's own key."""
        key_id, key = self._ring.sealing_key(_SERVICE)
        drawn = secrets.token_bytes(SALT_SIZE + NONCE_SIZE)
        salt, nonce = drawn[:SALT_SIZE], drawn[SALT_SIZE:]
        header = VERSION + bytes.fromhex(key_id) + salt
        cipher = AESGCM(_row_key(key, salt))
        return header + nonce + cipher.encrypt(nonce, plaintext, place.associated_data(b"service-row\x00"))

    def open_service(self, place: Place, sealed: bytes) -> bytes:
        """What was sealed for this place under any version of the service's key; raises Tampered for anything else."""
        start = 1 + KEY_ID_SIZE + SALT_SIZE
        _expect(sealed, start + NONCE_SIZE + TAG_SIZE)
        key = self._ring.sealing_key_named(_key_id(sealed), _SERVICE)
        row_key = _row_key(key, sealed[1 + KEY_ID_SIZE : start])
        return _decrypt(AESGCM(row_key), sealed[start:], place.associated_data(b"service-row\x00"))

    def _wrap(self, data_key: bytes, subject: Subject) -> bytes:
        key_id, key = self._ring.sealing_key(_WRAPPING)
        header, nonce = VERSION + bytes.fromhex(key_id), secrets.token_bytes(NONCE_SIZE)
        return header + nonce + _cipher(key).encrypt(nonce, data_key, _wrapping_data(subject))

    def _unwrap(self, wrapped: bytes, subject: Subject) -> bytes:
        _expect(wrapped, 1 + KEY_ID_SIZE + NONCE_SIZE + KEY_SIZE + TAG_SIZE)
        key = self._ring.sealing_key_named(_key_id(wrapped), _WRAPPING)
        return _decrypt(_cipher(key), wrapped[1 + KEY_ID_SIZE :], _wrapping_data(subject))


@lru_cache(maxsize=16)
def _cipher(key: bytes) -> AESGCM:
    """Of a key of the ring, which is in memory anyway; those of subjects and rows are made for one use."""
    return AESGCM(key)


def _row_key(key: bytes, salt: bytes) -> bytes:
    """A key for one row. Random 96-bit nonces carry one key only through 2**32 messages (SP 800-38D §8.3), which a busy
    service would reach within months."""
    return hmac.digest(key, salt, "sha256")


def _decrypt(cipher: AESGCM, nonce_and_ciphertext: bytes, associated_data: bytes) -> bytes:
    nonce, ciphertext = nonce_and_ciphertext[:NONCE_SIZE], nonce_and_ciphertext[NONCE_SIZE:]
    try:
        return cipher.decrypt(nonce, ciphertext, associated_data)
    except InvalidTag:
        raise Tampered("a sealed value does not open in this place") from None


def _expect(sealed: bytes, smallest: int) -> None:
    if len(sealed) < smallest or sealed[:1] != VERSION:
        raise Tampered("a sealed value is cut off or of an unknown version")


def _key_id(sealed: bytes) -> str:
    return sealed[1 : 1 + KEY_ID_SIZE].hex()


def _wrapping_data(subject: Subject) -> bytes:
    return b"subject-key\x00" + _unambiguous(subject.client, subject.user)


def _owned(place: Place) -> Subject:
    if place.subject is None:
        raise ValueError("a row under a subject's key needs a place with that subject")
    return place.subject


@lru_cache(maxsize=256)
def _fixed(label: bytes, table: str, column: str, model: str, owner: str) -> bytes:
    """What many places begin with, and names nobody."""
    return label + _unambiguous(table, column, model, owner)


def _unambiguous(*parts: str) -> bytes:
    joined = b""
    for part in parts:
        encoded = part.encode()
        joined += _LENGTH(len(encoded)) + encoded
    return joined
