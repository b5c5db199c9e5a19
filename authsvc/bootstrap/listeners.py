"""What is for operators is served on their listener alone, where there is one; that listener serves everything else too."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import TYPE_CHECKING

from authsvc.http import FOR_OPERATORS

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

WHOLE = frozenset({"/metrics", "/healthz", "/readyz", "/console"})
PREFIXES = ("/console/", "/v1/policies")
"""Whoever has no business there learns nothing of it, also not that it is somewhere else."""

_BODY = json.dumps(
    {
        "type": "about:blank",
        "title": "There is no such object",
        "status": 404,
        "detail": "there is no such address",
    }
).encode()


class ByListener:
    """`application` behind that rule."""

    def __init__(self, application: WSGIApplication) -> None:
        self._application = application

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if environ.get(FOR_OPERATORS) is False and is_for_operators(environ.get("PATH_INFO", "")):
            start_response(
                "404 Not Found", [("Content-Type", "application/problem+json"), ("Cache-Control", "no-store")]
            )
            return [_BODY]
        return self._application(environ, start_response)

    def close(self) -> None:
        close = getattr(self._application, "close", None)
        if close is not None:
            close()


def is_for_operators(path: str) -> bool:
    return path in WHOLE or path.startswith(PREFIXES)
