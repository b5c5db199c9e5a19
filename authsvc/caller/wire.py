"""HTTP towards the service: bounded in time, repeated only where repeating is safe, problems raised as our own errors.

For `authsvc.client` and the demo. Only this file has heard of urllib3, which keeps connections alive across threads,
verifies TLS, and brings nothing else along; redirects are not followed, since they would carry the key elsewhere.
"""

from __future__ import annotations

import json
import math
import re
import secrets
import ssl
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection

from authsvc.caller.signing import Signer
from authsvc.errors import AuthsvcError, ConfigurationError, InvalidRequest, Unavailable
from authsvc.http import TRACE, FinalResponse, retry_after

# Any: what came over the wire has the types that the reader of each field expects, or is refused there.
Json = Mapping[str, Any]

LONGEST_PAUSE = 5.0
"""Seconds that a call sleeps at most before it tries again; a longer `Retry-After` is the caller's business."""

_HEADER = re.compile(r"[A-Za-z]+ [!-~]+")
_TRY_AGAIN = frozenset({429, 502, 503, 504})


@dataclass(frozen=True, slots=True)
class Body:
    """A request body and its media type."""

    content: bytes
    media: str = "application/json"

    @classmethod
    def of(cls, value: Json) -> Body:
        """Raises InvalidRequest for what has no form in JSON."""
        try:
            text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
            return cls(text.encode())
        except (TypeError, ValueError) as error:
            raise InvalidRequest(f"what was given cannot be sent as JSON: {error}") from None

    @classmethod
    def of_form(cls, parts: Iterator[tuple[str, str | tuple[str, bytes, str]]]) -> Body:
        """A multipart form; a file is its name, its bytes and its media type."""
        content, media = urllib3.encode_multipart_formdata(list(parts))
        return cls(content, media)


@dataclass(frozen=True, slots=True)
class Reply:
    """A good answer. `replayed` says that it was given before, to the same Idempotency-Key."""

    value: Json
    replayed: bool


class UnexplainedProblem(AuthsvcError):
    """A problem whose slug this version of the client does not know."""

    def __init__(self, slug: str, detail: str, **extra: object) -> None:
        super().__init__(detail, **extra)
        self.slug = slug


class _PlainConnection(HTTPConnection):
    response_class = FinalResponse


class _EncryptedConnection(HTTPSConnection):
    response_class = FinalResponse


class _Plain(urllib3.HTTPConnectionPool):
    ConnectionCls = _PlainConnection


class _Encrypted(urllib3.HTTPSConnectionPool):
    ConnectionCls = _EncryptedConnection


class Wire:
    """One service, one credential. Threads may share it."""

    def __init__(
        self,
        base_url: str,
        authorization: str | None,
        *,
        timeout: float = 10.0,
        tries: int = 3,
        ssl_context: ssl.SSLContext | None = None,
        signer: Signer | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """`timeout` counts seconds per try. Raises ConfigurationError for an address that would show the key to others."""
        self._base_url = checked_address(base_url)
        _must_be_usable(authorization, timeout, tries)
        self._headers = {"Accept": "application/json"}
        if authorization is not None:
            self._headers["Authorization"] = authorization
        self._timeout = timeout
        self._tries = tries
        self._signer = signer
        self._sleep = sleep
        self._pool = urllib3.PoolManager(maxsize=16, ssl_context=ssl_context or ssl.create_default_context())
        self._pool.pool_classes_by_scheme = {"http": _Plain, "https": _Encrypted}

    def get(self, path: str, *, headers: Json | None = None, patience: float = 0.0) -> Reply:
        """`patience` is for how many seconds longer the service was asked to wait with its answer."""
        return self._repeat("GET", path, None, headers or {}, self._tries, patience)

    def send(
        self,
        method: str,
        path: str,
        body: Body | None = None,
        *,
        idempotency_key: str | None = None,
        if_match: str | None = None,
        safe_to_repeat: bool = False,
    ) -> Reply:
        """A call that changes something: repeated only under an Idempotency-Key, or where it is said to be safe."""
        headers = {} if idempotency_key is None else {"Idempotency-Key": f'"{idempotency_key}"'}
        headers |= {} if if_match is None else {"If-Match": f'"{if_match}"'}
        repeatable = safe_to_repeat or idempotency_key is not None
        return self._repeat(method, path, body, headers, self._tries if repeatable else 1)

    def close(self) -> None:
        self._pool.clear()

    def _repeat(
        self,
        method: str,
        path: str,
        body: Body | None,
        headers: Json,
        tries: int,
        patience: float = 0.0,
    ) -> Reply:
        for attempt in range(1, tries + 1):
            try:
                return self._once(method, path, body, headers, patience)
            except AuthsvcError as error:
                pause = _pause_after(error, attempt)
                if attempt == tries or pause is None:
                    raise
                self._sleep(pause)
        raise ValueError("a call needs at least one try")

    def _once(self, method: str, path: str, body: Body | None, headers: Json, patience: float) -> Reply:
        url, content = self._base_url + path, None if body is None else body.content
        sent = {**self._headers, **headers, **({} if body is None else {"Content-Type": body.media})}
        if (trace := TRACE.get()) is not None:
            sent["traceparent"] = trace.parent()
        if self._signer is not None:
            sent = self._signer.signed(method, url, sent, content)
        try:
            response = self._pool.request(
                method,
                url,
                body=content,
                headers=sent,
                timeout=urllib3.Timeout(connect=self._timeout, read=self._timeout + patience),
                retries=False,
                redirect=False,
            )
        except urllib3.exceptions.HTTPError as error:
            raise Unavailable(
                f"no answer from the service: {type(error).__name__}", try_again=True
            ) from error
        value = _read(response.data)
        if not 200 <= response.status < 300:
            raise problem_of(response.status, value, retry_after(response.headers, datetime.now(UTC)))
        if value is None:
            raise Unavailable("the service's answer is not a JSON object", try_again=True)
        return Reply(value, response.headers.get("Idempotent-Replayed") == "true")


def problem_of(status: int, document: Json | None, pause: int | None = None) -> AuthsvcError:
    """The error of `authsvc.errors` that a problem document (RFC 9457) stands for.

    `extra` keeps `status`, `title` and whatever else it said. What is no problem document came from something in between,
    and reads as Unavailable.
    """
    said = dict(document or {})
    slug = str(said.pop("type", "")).rsplit("/", 1)[-1]
    detail = str(said.pop("detail", "") or f"the service answered {status}")
    extra = {name: value for name, value in said.items() if name != "self"} | {"status": status}
    extra["try_again"] = status in _TRY_AGAIN or slug == "idempotency-in-progress"
    if pause is not None:
        extra["retry_after"] = pause
    if not slug:
        return Unavailable(detail, **extra)
    known = _BY_SLUG.get(slug)
    return UnexplainedProblem(slug, detail, **extra) if known is None else known(detail, **extra)


def checked_address(base_url: str) -> str:
    """An address that a key may be sent to: https, or http on this very machine; raises ConfigurationError."""
    try:
        parts = urlsplit(base_url)
    except (AttributeError, TypeError, ValueError):
        raise ConfigurationError(f"`{base_url}` is no address") from None
    if parts.scheme == "https" and parts.hostname:
        return base_url.rstrip("/")
    if parts.scheme == "http" and _is_this_machine(parts.hostname or ""):
        return base_url.rstrip("/")
    raise ConfigurationError(f"`{base_url}` is not an https:// address; plain http is for this machine alone")


def _must_be_usable(authorization: str | None, timeout: object, tries: object) -> None:
    if authorization is not None and not _HEADER.fullmatch(authorization):
        # Not quoted: it is a secret, whatever is wrong with it.
        raise ConfigurationError("the key has characters that no key has: a line end, a blank, or no ASCII")
    if not isinstance(timeout, int | float) or not 0 < timeout < math.inf:
        raise ConfigurationError(f"`timeout` is a number of seconds above 0, and not `{timeout!r}`")
    if not isinstance(tries, int) or tries < 1:
        raise ConfigurationError(f"`tries` is a whole number from 1 on, and not `{tries!r}`")


def _is_this_machine(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def _read(content: bytes) -> Json | None:
    try:
        value = json.loads(content)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


def _pause_after(error: AuthsvcError, attempt: int) -> float | None:
    """Seconds until the next try, or None when there should be none."""
    if error.extra.get("try_again") is not True:
        return None
    asked = error.extra.get("retry_after")
    if isinstance(asked, int):
        return float(asked) if asked <= LONGEST_PAUSE else None
    # Spread out, so that callers cut off together do not come back together.
    return float(0.1 * 2**attempt * (0.5 + secrets.randbelow(1000) / 1000))


def _all_below(kind: type[AuthsvcError]) -> Iterator[type[AuthsvcError]]:
    for below in kind.__subclasses__():
        yield below
        yield from _all_below(below)


# Errors without a slug of their own never cross the wire.
_BY_SLUG = {
    kind.slug: kind
    for kind in _all_below(AuthsvcError)
    if "slug" in vars(kind) and kind.__module__ == AuthsvcError.__module__
}
