"""Style sheets and scripts: an application's own, and those that all pages share, under one address."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from flask import Response, send_from_directory
from werkzeug.exceptions import NotFound

SHARED = Path(__file__).parent / "static"


def files(own: Path) -> Callable[[str], Response]:
    """A view of the files in `own`, and of the shared ones that it does not have."""

    def serve(filename: str) -> Response:
        try:
            response = send_from_directory(own, filename)
        except NotFound:
            response = send_from_directory(SHARED, filename)
        response.headers["X-Content-Type-Options"] = "nosniff"
        return response

    return serve
