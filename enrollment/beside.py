"""The pages beside the API: one origin, one process, two applications. For the launcher, which knows this by name only."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from enrollment.app import make_pages

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

PREFIXES = ("/c/", "/e/", "/o/", "/docs/", "/pages/")
"""Challenges, enrollments, overviews, the API's document for readers, and what the pages look like."""

WHOLE = ("/", "/docs")
"""What this is, and the beginning of that document."""


class Beside:
    """Hands each request to whom it is for, as it came."""

    def __init__(self, api: WSGIApplication, pages: WSGIApplication) -> None:
        self._api = api
        self._pages = pages

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        path: str = environ.get("PATH_INFO", "")
        chosen = self._pages if path.startswith(PREFIXES) or path in WHOLE else self._api
        return chosen(environ, start_response)

    def close(self) -> None:
        """End what was begun for the API."""
        close = getattr(self._api, "close", None)
        if close is not None:
            close()


def with_pages(api: WSGIApplication, base_url: str) -> Beside:
    """The API with its pages; `base_url` is the origin under which people reach both, without a slash at its end."""
    return Beside(api, make_pages(api, base_url))
