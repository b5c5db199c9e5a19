"""What a key ring holds: purposes, versions of keys, and their form at rest."""

from __future__ import annotations

import base64
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from authsvc.clock import rfc3339
from authsvc.keys.jwk import thumbprint
from authsvc.keys.token import Curve, HeldAuditKey, HeldReceiptKey, Token

FORMAT = "authsvc-keyring-v1"
KEY_SIZE = 32

_ROWS = {False: "some bound", True: "all bound"}


class Purpose(StrEnum):
    SEALING = "sealing"
    """AES-256: wraps subject keys, and seals rows that belong to nobody."""

    HMAC = "hmac"
    """HMAC-SHA-256: API keys, device secrets, recovery codes, tokens."""

    RECEIPT = "receipt"
    """ES256: receipts."""

    AUDIT = "audit"
    """Ed25519: audit heads and checkpoints."""


CURVES = {Purpose.RECEIPT: Curve.P_256, Purpose.AUDIT: Curve.ED25519}
"""Which keys may be in a token: those that sign, and whose public half others need."""


@dataclass(frozen=True, slots=True)
class Version:
    """One key of one purpose. `key` is 32 secret bytes: an AES or HMAC key, a P-256 scalar, or an Ed25519 seed.

    Where a token keeps it, under the name `held_as`, it is the public key's point instead.
    """

    id: str
    active_from: datetime
    key: bytes = field(repr=False)
    held_as: str = ""


Versions = Mapping[Purpose, tuple[Version, ...]]


def new_version(purpose: Purpose, active_from: datetime, token: Token | None = None) -> Version:
    """A fresh key. Its id is random for a symmetric key, and the public key's thumbprint for a signing key.

    A signing key is made in the token where there is one, and stays there.
    """
    if purpose not in CURVES:
        return Version(secrets.token_hex(8), active_from, secrets.token_bytes(KEY_SIZE))
    if token is None:
        made = Version("", active_from, _secret(purpose))
    else:
        name, point = token.make(CURVES[purpose])
        made = Version("", active_from, point, name)
    return replace(made, id=_signer(purpose, made))


def _secret(purpose: Purpose) -> bytes:
    if purpose is Purpose.RECEIPT:
        scalar = ec.generate_private_key(ec.SECP256R1()).private_numbers().private_value
        return scalar.to_bytes(KEY_SIZE, "big")
    return secrets.token_bytes(KEY_SIZE)


def _signer(purpose: Purpose, version: Version) -> str:
    """The thumbprint of the public half, which no token is asked for."""
    key = receipt_key_of(version, None) if purpose is Purpose.RECEIPT else audit_key_of(version, None)
    return thumbprint(key.public_key())


def receipt_key_of(version: Version, token: Token | None) -> ec.EllipticCurvePrivateKey | HeldReceiptKey:
    """What signs receipts under this version, wherever its key is."""
    if version.held_as:
        return HeldReceiptKey(token, version.held_as, version.key)
    return receipt_key(version.key)


def audit_key_of(version: Version, token: Token | None) -> Ed25519PrivateKey | HeldAuditKey:
    """What signs the audit under this version, wherever its key is."""
    return HeldAuditKey(token, version.held_as, version.key) if version.held_as else audit_key(version.key)


def receipt_key(key: bytes) -> ec.EllipticCurvePrivateKey:
    """The P-256 key of a 32-byte scalar; raises ValueError for a scalar outside the group."""
    return ec.derive_private_key(int.from_bytes(key, "big"), ec.SECP256R1())


def audit_key(key: bytes) -> Ed25519PrivateKey:
    """The Ed25519 key of a 32-byte seed."""
    return Ed25519PrivateKey.from_private_bytes(key)


def written(versions: Versions, *, all_bound: bool) -> bytes:
    """The ring as JSON, one list per purpose, oldest version first; `all_bound` says that no row was left without a MAC."""
    purposes = {purpose: [_written(version) for version in versions[purpose]] for purpose in Purpose}
    return json.dumps({"format": FORMAT, "rows": _ROWS[all_bound], **purposes}, indent=1).encode() + b"\n"


def parsed(content: bytes) -> tuple[Versions, bool]:
    """What was written; raises ValueError for anything else, without naming what stands there.

    A ring of before, which says nothing of rows, has some that are not bound.
    """
    try:
        document = json.loads(content)
    except ValueError:
        raise ValueError("it is not JSON") from None
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise ValueError(f"the format is not `{FORMAT}`")
    versions = {purpose: _parsed_versions(purpose, document.get(purpose)) for purpose in Purpose}
    return versions, document.get("rows") == _ROWS[True]


def _written(version: Version) -> dict[str, str]:
    material = base64.b64encode(version.key).decode()
    held = {"held_as": version.held_as, "public": material}
    return {
        "id": version.id,
        "active_from": rfc3339(version.active_from),
        **(held if version.held_as else {"key": material}),
    }


def _parsed_versions(purpose: Purpose, entries: object) -> tuple[Version, ...]:
    if not isinstance(entries, list) or not entries:
        raise ValueError(f"there is no {purpose} key")
    try:
        versions = tuple(_parsed_version(purpose, entry) for entry in entries)
    except (KeyError, TypeError, ValueError):
        raise ValueError(f"a {purpose} key is damaged") from None
    if len({version.id for version in versions}) < len(versions):
        raise ValueError(f"two {purpose} keys share an id")
    return versions


def _parsed_version(purpose: Purpose, entry: Mapping[str, str]) -> Version:
    if "held_as" in entry:
        return _parsed_held(purpose, entry)
    key = base64.b64decode(entry["key"], validate=True)
    active_from = datetime.fromisoformat(entry["active_from"])
    if len(key) != KEY_SIZE or active_from.tzinfo is None or not isinstance(entry["id"], str):
        raise ValueError
    return Version(entry["id"], active_from, key)


def _parsed_held(purpose: Purpose, entry: Mapping[str, str]) -> Version:
    point = base64.b64decode(entry["public"], validate=True)
    held = Version(entry["id"], datetime.fromisoformat(entry["active_from"]), point, entry["held_as"])
    if purpose not in CURVES or held.active_from.tzinfo is None or not held.held_as:
        raise ValueError
    if held.id != _signer(purpose, held):
        raise ValueError
    return held
