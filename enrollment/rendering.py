"""From a template to an answer: the same frame, language and headers for every page."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from flask import Response, make_response, render_template, request

from authsvc.errors import AuthsvcError
from authsvc.look.headers import page_headers
from enrollment import language, wording

STATUS = {
    "unauthenticated": 401,
    "challenge-failed": 422,
    "not-found": 404,
    "challenge-closed": 410,
    "payload-too-large": 413,
    "capture-unusable": 422,
    "locked": 423,
    "rate-limited": 429,
    "unavailable": 503,
    "user-frozen": 403,
    "proof-required": 403,
}


def page(
    template: str,
    *,
    status: int = 200,
    sensors: Collection[str] = (),
    return_url: str = "",
    can_switch_language: bool = True,
    **shown: Any,  # Any: what the template names.
) -> Response:
    """A page. One whose content is shown once cannot be fetched again, so its language cannot be switched."""
    text = render_template(
        template,
        languages=language.LANGUAGES,
        language=language.current(),
        language_tag=language.tag(),
        can_switch_language=can_switch_language,
        here=request.path,
        **shown,
    )
    response = make_response(text, status)
    response.headers.update(dict(page_headers(sensors, return_url)))
    return response


def failure_page(error: AuthsvcError) -> Response:
    """What went wrong, as a page of its own."""
    status = STATUS.get(error.slug, 400)
    beginning = "/".join(request.path.split("/")[:3])
    response = page(
        "failure.html", status=status, message=wording.failure(error), slug=error.slug, beginning=beginning
    )
    wait = error.extra.get("retry_after")
    if isinstance(wait, int | float):
        response.headers["Retry-After"] = str(int(wait))
    return response
