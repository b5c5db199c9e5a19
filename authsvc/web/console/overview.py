"""The first page: what is happening, for everybody who is signed in."""

from __future__ import annotations

from flask import Response

from authsvc.operator import Act
from authsvc.web.console.doors import Pages, requires
from authsvc.web.console.rendering import page

pages = Pages("overview")


@pages.get("/")
@requires(Act.READ_OVERVIEW)
def show() -> Response:
    return page("console/overview.html")
