"""What a key may be bound to, as files hold it: a certificate, or a public key for signatures."""

from __future__ import annotations

from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from authsvc.errors import InvalidRequest


def certificate_in(path: Path) -> str:
    """The SHA-256 of the first certificate of a PEM file, in hexadecimal; raises InvalidRequest."""
    try:
        return x509.load_pem_x509_certificate(path.read_bytes()).fingerprint(SHA256()).hex()
    except ValueError:
        raise InvalidRequest(f"`{path}` holds no certificate (PEM)") from None


def signing_key_in(path: Path) -> str:
    """The raw public key of a PEM file, in hexadecimal; raises InvalidRequest for another kind of key."""
    try:
        key = load_pem_public_key(path.read_bytes())
    except ValueError:
        raise InvalidRequest(f"`{path}` holds no public key (PEM)") from None
    if not isinstance(key, Ed25519PublicKey):
        raise InvalidRequest(f"`{path}` holds no Ed25519 key")
    return key.public_bytes_raw().hex()
