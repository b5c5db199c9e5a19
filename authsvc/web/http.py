"""Requests and responses as this API uses them, and what every answer carries: a request id, and headers that forbid.

For `dispatch` and `app`. A request keeps what its log line needs, so no hook runs before it.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from time import perf_counter
from typing import TYPE_CHECKING, Any, cast

from flask import Request, Response, request

from authsvc.http import QUEUED_AT, TRACE, trace_of
from authsvc.web.operations import Plane

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

SECURITY_HEADERS = (
    ("Cache-Control", "no-store"),
    ("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'"),
    ("Referrer-Policy", "no-referrer"),
    ("X-Content-Type-Options", "nosniff"),
)
"""What an answer says unless it says something of its own."""

_BY_NAME = tuple((name.lower(), (name, value)) for name, value in SECURITY_HEADERS)


class ApiRequest(Request):
    """A request with its id, its arrival, the plane it belongs to, and, once it was admitted, the client it came from.

    `trace` is what everybody's tracing knows it by. `caller` is whose share of the server's room its body takes;
    `digest` the `Content-Digest` that it was signed with, None where no signature is asked for.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.arrived = perf_counter()
        self.id = f"req_{os.urandom(12).hex()}"
        self.trace = trace_of(self.id, self.environ.get("HTTP_TRACEPARENT", ""))
        TRACE.set(self.trace)
        self.plane = Plane.BACKEND
        self.client_id: str | None = None
        self.caller = ""
        self.digest: str | None = None

    def queued(self) -> float | None:
        """How long it waited for a thread before; None under a server that does not say."""
        since = self.environ.get(QUEUED_AT)
        return None if since is None else max(0.0, self.arrived - since)

    def seconds(self) -> float:
        """How long ago it arrived."""
        return perf_counter() - self.arrived


class ApiResponse(Response):
    """A response that knows which problem it is, if it is one, and to which request it is the answer, once it is one.

    With that come the security headers, written behind its own as it goes out: a header that is added to the others before is
    looked through three times on its way.
    """

    slug: str | None = None
    request_id: str | None = None
    is_whole = False
    default_mimetype = "application/json"

    @classmethod
    def whole(cls, body: bytes, status: int, media: str, headers: Iterable[tuple[str, str]]) -> ApiResponse:
        """A body that is there, under headers that name no place: nothing of it is looked at again before it goes out."""
        response = cls(body, status, content_type=media)
        for name, value in headers:
            response.headers.set(name, value)
        response.is_whole = status not in (204, 304)
        return response

    def get_wsgi_response(
        self, environ: WSGIEnvironment
    ) -> tuple[Iterable[bytes], str, list[tuple[str, str]]]:
        if self.is_whole and environ["REQUEST_METHOD"] != "HEAD":
            body, status, headers = self.response, self.status, self.headers.to_wsgi_list()
        else:
            body, status, headers = super().get_wsgi_response(environ)
        if self.request_id is not None:
            own = {name.lower() for name, _ in headers}
            headers += [header for name, header in _BY_NAME if name not in own]
            headers.append(("X-Request-Id", self.request_id))
        return cast(Iterable[bytes], body), status, headers


def current() -> ApiRequest:
    """The request that is being answered, itself: Flask's stand-in for it looks it up at every touch."""
    return cast(ApiRequest, request._get_current_object())  # type: ignore[attr-defined]  # Documented, not in its type.
