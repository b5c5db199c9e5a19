"""From a template to an answer: the same frame, language and headers for every page of the console."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any
from urllib.parse import urlencode

from flask import Response, g, jsonify, make_response, render_template, request
from markupsafe import Markup

from authsvc.errors import AuthsvcError
from authsvc.look import language
from authsvc.look.headers import page_headers
from authsvc.web.console import wording
from authsvc.web.console.navigation import entries_for, here
from authsvc.web.problems import PROBLEMS


def page(template: str, *, status: int = 200, sensors: Collection[str] = (), **shown: Any) -> Response:
    """A page. `shown` is what the template names; `sensors` what the page asks of the browser besides."""
    session = g.get("console_session")
    text = render_template(
        template,
        languages=language.LANGUAGES,
        language=language.current(),
        language_tag=language.tag(),
        here=request.path,
        session=session,
        operator=None if session is None else session.operator,
        navigation=() if session is None else tuple(entries_for(session.operator)),
        current_entry=here(request.path),
        **shown,
    )
    response = make_response(text, status)
    # The application's answers are JSON where nothing else is said, and run no hooks behind a view.
    response.content_type = "text/html; charset=utf-8"
    response.headers.update(dict(page_headers(sensors)))
    return language.remember(response)


def failure_page(error: AuthsvcError) -> Response:
    """What went wrong: a page for people, JSON for a script that asked for it."""
    status = PROBLEMS[error.slug].status if error.slug in PROBLEMS else 503
    if request.headers.get("X-Form-Key"):
        return refused(error, status)
    response = page("console/failure.html", status=status, message=wording.failure(error), slug=error.slug)
    wait = error.extra.get("retry_after")
    if isinstance(wait, int | float):
        response.headers["Retry-After"] = str(int(wait))
    return response


def refused(error: AuthsvcError, status: int = 422, message: str = "") -> Response:
    """A refusal for a script: its slug, and a sentence for the person."""
    response = jsonify({"slug": error.slug, "message": message or wording.failure(error)})
    response.status_code = status
    return response


def as_json(value: Mapping[str, object]) -> Response:
    """A response for a script."""
    return jsonify(value)


def form_key() -> Markup:
    """The field that every form of ours carries."""
    key: str = g.form_key
    return Markup('<input type="hidden" name="form_key" value="{}">').format(key)


def form_key_value() -> str:
    """The same for a script to send."""
    key: str = g.form_key
    return key


def query_with_language(code: str) -> str:
    """This page's query, in another language."""
    kept = [(name, value) for name, value in request.args.items(multi=True) if name != "lang"]
    return urlencode([*kept, ("lang", code)])
