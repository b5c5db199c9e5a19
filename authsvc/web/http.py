"""Requests and responses as this API uses them, and what every answer carries: a request id, and headers that forbid.

For `dispatch` and `app`. A request keeps what its log line needs, so no hook runs before it.
"""

from __future__ import annotations

import secrets
from time import perf_counter
from typing import Any, cast

from flask import Request, Response, request

from authsvc.http import QUEUED_AT, TRACE, Trace, trace_of
from authsvc.web.operations import Plane

SECURITY_HEADERS = (
    ("Cache-Control", "no-store"),
    ("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'"),
    ("Referrer-Policy", "no-referrer"),
    ("X-Content-Type-Options", "nosniff"),
)
"""What an answer says unless it says something of its own."""


class ApiRequest(Request):
    """A request with its id, its arrival, the plane it belongs to, and, once it was admitted, the client it came from.

    `trace` is the id by which everybody's tracing knows it. `caller` is whose share of the server's room its body takes;
    `digest` the `Content-Digest` that it was signed with, None where no signature is asked for.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.arrived = perf_counter()
        self.id = f"req_{secrets.token_hex(12)}"
        self.trace = trace_of(self.environ.get("HTTP_TRACEPARENT", ""))
        TRACE.set(Trace(self.id, self.trace))
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
    """A response that knows which problem it is, if it is one."""

    slug: str | None = None
    default_mimetype = "application/json"

    def secure(self) -> None:
        """Add the security headers that it does not set itself."""
        own = {name.lower() for name, _ in self.headers}
        for name, value in SECURITY_HEADERS:
            if name.lower() not in own:
                self.headers.add(name, value)


def current() -> ApiRequest:
    """The request that is being answered, itself: Flask's stand-in for it looks it up at every touch."""
    return cast(ApiRequest, request._get_current_object())  # type: ignore[attr-defined]  # Documented, not in its type.
