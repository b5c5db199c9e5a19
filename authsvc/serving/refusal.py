"""What the server itself answers when a request is not fit to reach the application: RFC 9457 problems."""

from __future__ import annotations

import json
from dataclasses import dataclass
from http import HTTPStatus

from authsvc.serving.answer import Answer


@dataclass(frozen=True, slots=True)
class Refusal:
    """One way of saying no. Its slug is explained at `/v1/problems/{slug}`, as every other problem's is."""

    status: HTTPStatus
    slug: str
    detail: str
    retry_after_s: int | None = None

    def answer(self) -> Answer:
        """The refusal as an answer after which the connection is closed."""
        body = json.dumps(
            {
                "type": f"/v1/problems/{self.slug}",
                "title": self.status.phrase,
                "status": self.status.value,
                "detail": self.detail,
            }
        ).encode()
        headers = [
            (b"content-type", b"application/problem+json"),
            (b"content-length", b"%d" % len(body)),
            (b"cache-control", b"no-store"),
            (b"connection", b"close"),
        ]
        if self.retry_after_s is not None:
            headers.append((b"retry-after", b"%d" % self.retry_after_s))
        return Answer(self.status.value, tuple(headers), body)

    def on_the_wire(self) -> bytes:
        """The refusal as HTTP/1.1, for a connection that has no request to answer through."""
        answer = self.answer()
        head = [f"HTTP/1.1 {self.status.value} {self.status.phrase}".encode()]
        head += [b"%s: %s" % header for header in answer.headers]
        return b"\r\n".join(head) + b"\r\n\r\n" + answer.body


NOT_HTTP = Refusal(HTTPStatus.BAD_REQUEST, "invalid-request", "this is not a well-formed HTTP/1.1 request")
NO_HOST = Refusal(
    HTTPStatus.BAD_REQUEST, "invalid-request", "an HTTP/1.1 request has exactly one Host header"
)
TOO_DEEP = Refusal(
    HTTPStatus.BAD_REQUEST, "invalid-request", "too many requests were sent ahead of their answers"
)
HEADERS_LATE = Refusal(
    HTTPStatus.REQUEST_TIMEOUT, "request-timeout", "the request's headers did not arrive in time"
)
BODY_LATE = Refusal(
    HTTPStatus.REQUEST_TIMEOUT, "request-timeout", "the request's body did not arrive in time"
)
HEADERS_TOO_LARGE = Refusal(
    HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, "payload-too-large", "the request's headers are too large"
)
BODY_TOO_LARGE = Refusal(
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "payload-too-large", "the request's body is too large"
)
BODY_UNWANTED = Refusal(
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "payload-too-large", "so large a body is not read for strangers"
)
CROWDED = Refusal(
    HTTPStatus.SERVICE_UNAVAILABLE, "unavailable", "too many large bodies are under way", retry_after_s=2
)
BUSY = Refusal(
    HTTPStatus.SERVICE_UNAVAILABLE, "unavailable", "too many requests are waiting", retry_after_s=1
)
STOPPING = Refusal(
    HTTPStatus.SERVICE_UNAVAILABLE, "unavailable", "the server is being stopped", retry_after_s=1
)
LEAVING = Refusal(
    HTTPStatus.SERVICE_UNAVAILABLE, "unavailable", "the server is about to be stopped", retry_after_s=1
)
BROKEN = Refusal(HTTPStatus.INTERNAL_SERVER_ERROR, "internal-error", "the request could not be answered")
