"""From an ASGI scope to a WSGI environ (PEP 3333), and from a WSGI call to a whole answer."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import lru_cache
from io import BytesIO
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_to_bytes

from authsvc.http import CLIENT_CERTIFICATE, FOR_OPERATORS
from authsvc.serving.admission import UnreadBody
from authsvc.serving.answer import Answer

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication
    from uvicorn._types import HTTPScope

_UNPREFIXED = {"CONTENT_TYPE", "CONTENT_LENGTH"}


def environ_of(scope: HTTPScope) -> dict[str, Any]:
    """Everything of a WSGI environ but `wsgi.input`, which belongs to one call."""
    server, client = scope["server"] or ("", None), scope["client"] or ("", 0)
    return {
        "REQUEST_METHOD": scope["method"],
        "SCRIPT_NAME": "",
        "authsvc.raw_path": scope["raw_path"].decode("latin-1"),
        "PATH_INFO": unquote_to_bytes(scope["raw_path"]).decode("latin-1"),
        "QUERY_STRING": scope["query_string"].decode("latin-1"),
        "SERVER_NAME": server[0],
        "SERVER_PORT": str(server[1] or ""),
        "SERVER_PROTOCOL": f"HTTP/{scope['http_version']}",
        "REMOTE_ADDR": client[0],
        "REMOTE_PORT": str(client[1]),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scope["scheme"],
        "wsgi.errors": sys.stderr,
        "wsgi.input_terminated": True,
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
        **_headers(scope),
        **{
            key: value for key in (CLIENT_CERTIFICATE, FOR_OPERATORS) if (value := scope.get(key)) is not None
        },
    }


def _headers(scope: HTTPScope) -> dict[str, str]:
    """A header with an underscore in its name is left out: `X_Real` and `X-Real` would become the same key, and the one
    that a proxy strips could come in as the other.
    """
    found: dict[str, str] = {}
    for raw_name, raw_value in scope["headers"]:
        if b"_" in raw_name:
            continue
        key, value = _key(raw_name), raw_value.decode("latin-1")
        if key in found:
            value = found[key] + ("; " if key == "HTTP_COOKIE" else ",") + value
        found[key] = value
    return found


@lru_cache(maxsize=1024)
def _key(raw_name: bytes) -> str:
    name = raw_name.decode("latin-1").upper().replace("-", "_")
    return name if name in _UNPREFIXED else f"HTTP_{name}"


def call(application: WSGIApplication, environ: dict[str, Any], body: bytes | None) -> Answer:
    """Runs the application to the end of its answer, as the server's threads do. None is a body that nobody has read.

    The body is complete before its first byte is sent, so a client that reads slowly holds no thread, and an
    application that fails half-way through has sent nothing yet.
    """
    environ["wsgi.input"] = UnreadBody() if body is None else BytesIO(body)
    if body is not None:
        environ["CONTENT_LENGTH"] = str(len(body))
    started: list[tuple[str, list[tuple[str, str]]]] = []
    chunks: list[bytes] = []

    def start_response(
        status: str, headers: list[tuple[str, str]], exc_info: object = None, /
    ) -> Callable[[bytes], object]:
        started[:] = [(status, headers)]
        return chunks.append

    result = application(environ, start_response)
    try:
        chunks.extend(result)
    finally:
        close = getattr(result, "close", None)
        if close is not None:
            close()
    return _whole(*started[0], b"".join(chunks))


def _whole(status: str, headers: list[tuple[str, str]], body: bytes) -> Answer:
    # The server writes the date itself, and two of them are one too many (RFC 9110 §6.6.1).
    encoded = [(_name(name), value.encode("latin-1")) for name, value in headers]
    return Answer(int(status[:3]), tuple([each for each in encoded if each[0] != b"date"]), body)


@lru_cache(maxsize=256)
def _name(name: str) -> bytes:
    return name.lower().encode("latin-1")
