"""The roster, to be read: operators are made, reset and revoked on the command line alone."""

from __future__ import annotations

from flask import Response

from authsvc.domain.operator import Act
from authsvc.web.console.doors import Pages, console, requires
from authsvc.web.console.rendering import page

pages = Pages("operators")


@pages.get("/operators")
@requires(Act.READ_AUDIT)
def roster() -> Response:
    return page("console/operators.html", operators=console().roster())
