"""Style sheets and scripts: an application's own, and those that all pages share, under one address."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256
from io import BytesIO
from pathlib import Path

from flask import Response, send_file
from werkzeug.exceptions import NotFound
from werkzeug.security import safe_join

SHARED = Path(__file__).parent / "static"


def files(own: Path) -> Callable[[str], Response]:
    """A view of the files in `own`, and of the shared ones that it does not have."""

    def serve(filename: str) -> Response:
        return _sent(_found(filename, own, SHARED))

    return serve


def _found(filename: str, *folders: Path) -> Path:
    for folder in folders:
        path = safe_join(str(folder), filename)
        if path is not None and Path(path).is_file():
            return Path(path)
    raise NotFound


def _sent(path: Path) -> Response:
    """The file, read here: a reader that goes away in the middle leaves nothing open."""
    content = path.read_bytes()
    response = send_file(BytesIO(content), download_name=path.name, etag=sha256(content).hexdigest()[:32])
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response
