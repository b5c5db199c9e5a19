"""What a payment backend's key is bound to: its certificate, or its signature of the request (RFC 9421), as the key states.

A bound key by itself is worth nothing. A signature covers the method, the address, the key and the body; it is good for a
minute, and its nonce once. The only file that knows `http-message-signatures`.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from authsvc.errors import Unauthenticated
from authsvc.http import BODY_PENDING, CLIENT_CERTIFICATE
from authsvc.keys.access import ApiKey
from authsvc.serving.waiting import WAITED

if TYPE_CHECKING:
    from authsvc.web.http import ApiRequest

_log = logging.getLogger(__name__)

WINDOW = timedelta(seconds=60)
"""How old a signature may be; its nonce is remembered for longer."""

REMEMBERED = timedelta(seconds=150)

_ALWAYS = ("@method", "@path", "authorization")
_IF_THERE = ("content-digest", "idempotency-key")

Spend = Callable[[str, timedelta], bool]
"""Uses up a nonce of this key; says whether nobody had."""


def must_be_bound(request: ApiRequest, key: ApiKey, spend: Spend) -> None:
    """Raises Unauthenticated unless everything that the key is bound to came with the request."""
    if key.certificates and request.environ.get(CLIENT_CERTIFICATE) not in key.certificates:
        raise _refused(key, "the connection did not show a certificate that it is bound to")
    if key.signing_keys:
        request.digest = _signed(request, key, spend)


def must_be_the_body(request: ApiRequest, raw: bytes) -> None:
    """Raises Unauthenticated where a body is not the one that was signed."""
    if request.digest is None:
        return
    from http_message_signatures.digests import ContentDigest
    from http_message_signatures.exceptions import HTTPMessageSignaturesException

    try:
        if raw or request.digest:
            ContentDigest.verify(request.digest, raw)
    except HTTPMessageSignaturesException:
        raise Unauthenticated("the body is not the one that was signed") from None


def _refused(key: ApiKey, why: str) -> Unauthenticated:
    """Of the reason the log learns, and the caller only that it was not let in."""
    _log.warning("key `%s` of `%s` is bound: %s", key.id, key.client, why)
    return Unauthenticated(why)


@dataclass(frozen=True, slots=True)
class _Resolver:
    """Finds the public keys of one API key."""

    key: ApiKey

    def resolve_public_key(self, key_id: str) -> Ed25519PublicKey | None:
        return self.key.signing_key(key_id)


@dataclass(frozen=True, slots=True)
class _Message:
    """A request as the library reads one."""

    method: str
    url: str
    headers: Mapping[str, str]


def _signed(request: ApiRequest, key: ApiKey, spend: Spend) -> str:
    """The `Content-Digest` that was signed, empty where there is no body; raises Unauthenticated."""
    from http_message_signatures import HTTPMessageVerifier, algorithms
    from http_message_signatures.exceptions import HTTPMessageSignaturesException

    resolver: Any = _Resolver(key)  # As the library asks for keys.
    message = _message(request)
    wanted = (*_ALWAYS, *(name for name in _IF_THERE if name in message.headers))
    if request.query_string:
        wanted = (*wanted, "@query")
    if _has_body(request) and "content-digest" not in message.headers:
        raise _refused(key, "the body has no `Content-Digest` to be signed")
    verifier = HTTPMessageVerifier(signature_algorithm=algorithms.ED25519, key_resolver=resolver)
    try:
        [result] = verifier.verify(message, max_age=WINDOW, require_components=wanted)
    except (HTTPMessageSignaturesException, ValueError) as error:
        raise _refused(key, f"no good signature: {error}") from None
    if not result.nonce:
        raise _refused(key, "the signature has no `nonce`")
    # The server asks again for a large body, and while a request waits: that is the same request.
    is_again = request.environ.get(BODY_PENDING) or request.environ.get(WAITED)
    if not is_again and not spend(f"{result.parameters['keyid']}:{result.nonce}", REMEMBERED):
        raise _refused(key, "the signature's `nonce` was used before")
    return message.headers.get("content-digest", "")


def _message(request: ApiRequest) -> _Message:
    environ = request.environ
    headers = {
        name[5:].replace("_", "-").lower(): str(value)
        for name, value in environ.items()
        if name.startswith("HTTP_")
    }
    for name in ("CONTENT_TYPE", "CONTENT_LENGTH"):
        if environ.get(name):
            headers[name.replace("_", "-").lower()] = str(environ[name])
    query = f"?{environ['QUERY_STRING']}" if environ.get("QUERY_STRING") else ""
    host = headers.get("host", "localhost")
    return _Message(request.method, f"{request.scheme}://{host}{_raw_path(request)}{query}", headers)


def _raw_path(request: ApiRequest) -> str:
    """As it came: what is unquoted and quoted again may be spelled another way."""
    return str(request.environ.get("authsvc.raw_path") or request.path)


def _has_body(request: ApiRequest) -> bool:
    environ = request.environ
    return bool(environ.get("HTTP_TRANSFER_ENCODING")) or environ.get("CONTENT_LENGTH", "0") not in ("", "0")
