"""The API as the pages call it: one token, one object, and every refusal raised as the error that its slug names.

The call is plain WSGI within this process, so that a page waits for no second thread and no socket; the contract is the
HTTP one all the same, and nothing of authsvc's inside is touched.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from io import BytesIO
from typing import IO, TYPE_CHECKING, Any, NamedTuple

from werkzeug.test import create_environ, run_wsgi_app
from werkzeug.wrappers import Request

from authsvc.caller.wire import problem_of
from authsvc.errors import NotFound, Unavailable
from authsvc.http import BODY_PENDING, retry_after

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

Json = Mapping[str, Any]  # Any: what the API says; each page reads the fields it shows.


_PATH = re.compile(r"[A-Za-z0-9_/-]+")


class _Body(NamedTuple):
    stream: IO[bytes]
    length: int
    media: str
    is_pending: bool = False


class Api:
    """`authorization` is the scheme of the tokens: `Challenge` or `Enrollment`; `root` where their objects lie."""

    def __init__(self, wsgi: WSGIApplication, base_url: str, root: str, authorization: str) -> None:
        self._wsgi = wsgi
        self._base_url = base_url
        self._root = root
        self._authorization = authorization

    def get(self, object_id: str, token: str) -> Json:
        """The object as it stands; raises Unauthenticated for a token that does not open it."""
        return self._call("GET", object_id, token, _Body(BytesIO(), 0, ""))

    def send(self, method: str, path: str, token: str, body: Json | None = None, key: str = "") -> Json:
        """A call with a JSON body; `path` begins with the object's id, `key` stands for the call when it is sent again."""
        content = json.dumps({} if body is None else body).encode()
        sent = _Body(BytesIO(content), len(content), "application/json")
        return self._call(method, path, token, sent, {"Idempotency-Key": f'"{key}"'} if key else {})

    def relay(self, method: str, path: str, token: str, asked: Request) -> Json:
        """A call with somebody else's body, which the API bounds and reads by itself, once it knows for whom."""
        pending = bool(asked.environ.get(BODY_PENDING))
        body = _Body(
            asked.environ["wsgi.input"], asked.content_length or 0, asked.content_type or "", pending
        )
        return self._call(method, path, token, body)

    def _call(
        self, method: str, path: str, token: str, body: _Body, more: Mapping[str, str] | None = None
    ) -> Json:
        # Parts of it come out of an address, where `?`, `#` and dots would make another call of it.
        if _PATH.fullmatch(path) is None:
            raise NotFound("there is no such object")
        environ = create_environ(
            f"{self._root}/{path}",
            self._base_url,
            method=method,
            headers={
                "Authorization": f"{self._authorization} {token}",
                "Accept": "application/json",
                **(more or {}),
            },
        )
        # Set by hand, because a stream that comes from a server can be read once and not measured.
        environ |= {
            "wsgi.input": body.stream,
            "CONTENT_LENGTH": str(body.length),
            "CONTENT_TYPE": body.media,
            BODY_PENDING: body.is_pending,
        }
        chunks, status, headers = run_wsgi_app(self._wsgi, environ, buffered=True)
        value = _read(b"".join(chunks))
        code = int(status.split()[0])
        if not 200 <= code < 300:
            raise problem_of(code, value, retry_after(dict(headers), datetime.now(UTC)))
        if value is None:
            raise Unavailable("the service's answer is not a JSON object")
        return value


def openapi(wsgi: WSGIApplication, base_url: str) -> Json:
    """The document about the API, which anybody may read; raises Unavailable where it cannot be had."""
    environ = create_environ("/v1/openapi.json", base_url)
    chunks, status, _ = run_wsgi_app(wsgi, environ, buffered=True)
    value = _read(b"".join(chunks)) if status.startswith("200") else None
    if value is None:
        raise Unavailable("the document cannot be read now")
    return value


def _read(content: bytes) -> Json | None:
    try:
        value = json.loads(content)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None
