"""Public keys as JSON Web Keys (RFC 7517), named by their thumbprint: for whoever checks our signatures without us."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping

from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from jwt import PyJWK
from jwt.algorithms import ECAlgorithm, OKPAlgorithm
from jwt.exceptions import PyJWTError

from authsvc.errors import InvalidRequest

PublicKey = EllipticCurvePublicKey | Ed25519PublicKey

# RFC 7638 §3.2, RFC 8037 §2: what a thumbprint is taken over, whatever else the key says.
_REQUIRED = ("crv", "kty", "x", "y")


def to_jwk(key: PublicKey) -> dict[str, str]:
    """A P-256 or Ed25519 public key with `alg`, `use` and its thumbprint as `kid`."""
    if isinstance(key, Ed25519PublicKey):
        members, algorithm = OKPAlgorithm.to_jwk(key, as_dict=True), "EdDSA"
    else:
        members, algorithm = ECAlgorithm.to_jwk(key, as_dict=True), "ES256"
    jwk = {name: str(members[name]) for name in _REQUIRED if name in members}
    return {**jwk, "kid": _thumbprint(jwk), "use": "sig", "alg": algorithm}


def thumbprint(key: PublicKey) -> str:
    """The SHA-256 thumbprint of RFC 7638: 43 characters, base64url, the same wherever the key is seen."""
    return to_jwk(key)["kid"]


def ed25519_keys(jwks: Mapping[str, object]) -> dict[str, Ed25519PublicKey]:
    """The Ed25519 keys of a JWK set by thumbprint; raises InvalidRequest for what is not one.

    The `kid` is computed, not read, so that no key can pass under another's name.
    """
    entries = jwks.get("keys")
    if not isinstance(entries, list):
        raise InvalidRequest("a JWK set needs a list `keys`")
    keys = [_ed25519_key(entry) for entry in entries]
    return {thumbprint(key): key for key in keys}


def _ed25519_key(entry: object) -> Ed25519PublicKey:
    try:
        key = PyJWK(entry, "EdDSA").key if isinstance(entry, dict) else None
    except PyJWTError:
        key = None
    if not isinstance(key, Ed25519PublicKey):
        raise InvalidRequest("a key of the set is not an Ed25519 public key")
    return key


def _thumbprint(jwk: Mapping[str, str]) -> str:
    members = {name: jwk[name] for name in _REQUIRED if name in jwk}
    text = json.dumps(members, sort_keys=True, separators=(",", ":"))
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()
