"""The evidence of one decision as a file to hand over: the bundle, signed as it stands, and the public keys that it needs.

Whoever verifies should have the keys from elsewhere; those in the file only show that it agrees with itself.

    {"format": "authsvc-evidence-file-v1", "bundle": text, "key_id": …, "signature": base64, "keys": JWK set}
"""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, replace
from typing import Literal

from cryptography.exceptions import InvalidSignature
from pydantic import Base64Bytes, JsonValue, TypeAdapter

from authsvc.audit.chain import PublicKeys, SigningKey
from authsvc.audit.witness import Witness, verify_bundle
from authsvc.errors import InvalidRequest
from authsvc.keys.jwk import ed25519_keys, to_jwk

FILE_FORMAT = "authsvc-evidence-file-v1"
FILE_LABEL = b"authsvc-evidence-file-v1\x00"


@dataclass(frozen=True, slots=True)
class _File:
    format: Literal["authsvc-evidence-file-v1"]
    bundle: str
    key_id: str
    signature: Base64Bytes
    keys: dict[str, JsonValue]


_FILE = TypeAdapter(_File)


def write_file(bundle: str, signing: SigningKey, keys: PublicKeys) -> str:
    """A bundle, in its canonical form, as a file to hand over."""
    key_id, key = signing
    signature = key.sign(FILE_LABEL + bundle.encode())
    written = {
        "format": FILE_FORMAT,
        "bundle": bundle,
        "key_id": key_id,
        "signature": base64.b64encode(signature).decode(),
        "keys": {"keys": [to_jwk(each) for each in keys.values()]},
    }
    return json.dumps(written, ensure_ascii=False, indent=1)


def verify_file(content: bytes, keys: PublicKeys) -> Witness:
    """Check such a file, or a bundle by itself, against public audit keys; never raises, whatever is in it."""
    read = _read(content)
    if read is None:
        return verify_bundle(content, keys)
    witness = verify_bundle(read.bundle, keys)
    if _is_signed(read, keys):
        return witness
    return replace(witness, faults=("no known key signed the file", *witness.faults))


def bundle_in(content: bytes) -> str:
    """The bundle's text, from such a file or by itself."""
    read = _read(content)
    return content.decode("utf-8", "replace") if read is None else read.bundle


def keys_in(content: bytes) -> PublicKeys:
    """The keys that came with a file; raises InvalidRequest where none did."""
    read = _read(content)
    if read is None:
        raise InvalidRequest("no keys came with this bundle; name them with --keys")
    return ed25519_keys(read.keys)


def _is_signed(read: _File, keys: PublicKeys) -> bool:
    key = keys.get(read.key_id)
    if key is None:
        return False
    try:
        key.verify(read.signature, FILE_LABEL + read.bundle.encode())
    except (InvalidSignature, UnicodeEncodeError):
        return False
    return True


def _read(content: bytes) -> _File | None:
    try:
        return _FILE.validate_json(content, strict=True)
    except (ValueError, RecursionError):
        return None
