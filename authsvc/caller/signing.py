"""Signs each request of a payment backend (RFC 9421, Ed25519), for API keys that are bound to signatures.

A try is signed anew: the service takes a nonce once. `http-message-signatures` comes with the extra `authsvc[signed]`.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from authsvc.errors import ConfigurationError

_ALWAYS = ("@method", "@path", "authorization")


@dataclass(slots=True)
class _Message:
    """A request as the library reads and completes one."""

    method: str
    url: str
    headers: dict[str, str]


class Signer:
    """Holds one private key. `key_id` is what `authsvc keys bind` printed for its public half."""

    def __init__(self, key: Ed25519PrivateKey | bytes) -> None:
        """`key` may be PEM without a password. Raises ConfigurationError for another key, or without the library."""
        self._key = key if isinstance(key, Ed25519PrivateKey) else _read(key)
        self.key_id = hashlib.sha256(self._key.public_key().public_bytes_raw()).hexdigest()[:16]
        self._library = _library(self)

    def resolve_private_key(self, key_id: str) -> Ed25519PrivateKey:
        """As the library asks for keys."""
        return self._key

    def signed(self, method: str, url: str, headers: Mapping[str, str], body: bytes | None) -> dict[str, str]:
        """The headers with a signature over method, address, key, Idempotency-Key and body."""
        message = _Message(method, url, dict(headers))
        covered = (*_ALWAYS, *(["@query"] if "?" in url else []))
        covered += ("idempotency-key",) if "Idempotency-Key" in headers else ()
        self._library.sign(
            message,
            key_id=self.key_id,
            created=datetime.now(UTC),
            nonce=secrets.token_urlsafe(18),
            label="sig",
            covered_component_ids=covered,
            body=body,
        )
        return message.headers


def _read(pem: object) -> Ed25519PrivateKey:
    try:
        key = load_pem_private_key(pem, None)  # type: ignore[arg-type]  # Whatever a caller gave.
    except (TypeError, ValueError, UnsupportedAlgorithm):
        raise ConfigurationError("`signing_key` is no private key in PEM without a password") from None
    if not isinstance(key, Ed25519PrivateKey):
        raise ConfigurationError("`signing_key` is of another kind than Ed25519")
    return key


def _library(keys: Any) -> Any:  # As the library asks for keys; without it, it has no types.
    """The library's signer with the key of `keys`."""
    try:
        from http_message_signatures import HTTPMessageSigner, algorithms
    except ModuleNotFoundError:
        raise ConfigurationError(
            "requests are signed with `http-message-signatures`: pip install 'authsvc[signed]'"
        ) from None
    return HTTPMessageSigner(signature_algorithm=algorithms.ED25519, key_resolver=keys)
