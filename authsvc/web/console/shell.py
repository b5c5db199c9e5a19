"""Puts the console into the application: its rooms, their language, what they load, and what a failure looks like."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import partial
from pathlib import Path

from flask import Blueprint, Flask, g, redirect, request
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response

from authsvc.errors import AuthsvcError, InvalidRequest, NotFound, Unavailable
from authsvc.factor import Json
from authsvc.look import language, static
from authsvc.operators.console import Console
from authsvc.web.console import (
    audit,
    cases,
    checks,
    codes,
    decisions,
    happened,
    joining,
    operators,
    overview,
    rendering,
    rolls,
    sign_in,
    wording,
)
from authsvc.web.console.doors import EXTENSION, Cookies, operator_names
from authsvc.web.console.policies import editor, thresholds, trials, versions
from authsvc.web.console.policies import wording as policy_words
from authsvc.web.refusals import place

_log = logging.getLogger("authsvc.web")

HERE = Path(__file__).parent

ROOMS = (
    sign_in.pages,
    joining.pages,
    overview.pages,
    cases.pages,
    decisions.pages,
    rolls.pages,
    audit.pages,
    operators.pages,
    editor.pages,
    versions.pages,
    trials.pages,
    thresholds.pages,
)

NAMES = {
    "account": wording.ACCOUNTS,
    "audit_fault": checks.AUDIT_FAULTS,
    "action": codes.ACTIONS,
    "detail_name": codes.DETAILS,
    "device": wording.DEVICES,
    "dependency": wording.DEPENDENCIES,
    "drift": wording.DRIFTS,
    "exemption": codes.EXEMPTIONS,
    "factor": wording.FACTORS,
    "happened": happened.TAGS,
    "input_name": codes.INPUTS,
    "level": wording.LEVELS,
    "payment_type": codes.TYPES,
    "proof_reason": codes.REASONS,
    "role": wording.ROLES,
    "scam": wording.SCAMS,
    "to_warning": wording.ANSWERS,
    "result": {**codes.RESULTS, **wording.STATUSES},
    "state": wording.STATES,
    "status": wording.STATUSES,
    "window": wording.WINDOWS,
}
"""Filters of the templates that put a name into words."""


def open_console(
    app: Flask, console: Console, base_url: str, readiness: Callable[[], tuple[bool, Json]]
) -> None:
    """Serve the console's pages below `/console`; `readiness` says what the service depends on, and what of it is well."""
    app.extensions[EXTENSION] = (console, Cookies(base_url), readiness)
    wording.CATALOGUE.teach(app)
    app.jinja_env.globals |= {
        "form_key": rendering.form_key,
        "form_key_value": rendering.form_key_value,
        "query_with_language": rendering.query_with_language,
    }
    app.jinja_env.filters |= {
        "actor": lambda name: codes.actor(name, operator_names()),
        "amount": wording.amount,
        "lead": wording.lead,
        "told": codes.valued,
        "share": wording.share,
        "tone": wording.tone,
        "when": wording.when,
        "whole": wording.whole,
        **{name: partial(wording.named, names) for name, names in NAMES.items()},
        **policy_words.FILTERS,
    }
    app.register_blueprint(_assembled())


def _assembled() -> Blueprint:
    console = Blueprint("console", __name__, url_prefix="/console", template_folder="templates")
    console.before_request(_choose_language)
    for room in ROOMS:
        console.register_blueprint(room)
    console.add_url_rule("/static/<path:filename>", "static", static.files(HERE / "static"))
    console.add_url_rule("/<path:rest>", "unknown", _unknown)
    console.add_url_rule("", "door", lambda: redirect("/console/", 303))
    console.register_error_handler(AuthsvcError, rendering.failure_page)
    console.register_error_handler(HTTPException, _unanswered)
    console.register_error_handler(Exception, _unforeseen)
    return console


def _choose_language() -> None:
    g.language = language.choose(request)


def _unknown(rest: str) -> Response:
    raise NotFound("there is no such page")


def _unanswered(error: HTTPException) -> Response:
    """What Flask refused before a page was reached."""
    known = NotFound("there is no such page") if error.code == 404 else InvalidRequest("it cannot be read")
    return rendering.failure_page(known)


def _unforeseen(error: Exception) -> Response:
    """Logged by its kind and place alone, since an exception's text may quote what a person typed."""
    _log.error("unforeseen %s at %s", type(error).__name__, place(error))
    return rendering.failure_page(Unavailable("the page could not be made"))
