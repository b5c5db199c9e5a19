"""The pages as one Flask application: languages, failures, and the rooms that answer for challenges and enrollments."""

from __future__ import annotations

import logging
import traceback
from pathlib import Path
from typing import TYPE_CHECKING

from flask import Flask, Response, g, request
from werkzeug.exceptions import HTTPException

from authsvc.errors import AuthsvcError, NotFound, Unavailable
from authsvc.look import static
from authsvc.text import quoted
from enrollment import language, wording
from enrollment.api import Api
from enrollment.challenges import challenge_pages
from enrollment.enrollments import enrollment_pages
from enrollment.overviews import overview_pages
from enrollment.reference import code, reference_pages
from enrollment.rendering import failure_page
from enrollment.session import Doorkeeper

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

_log = logging.getLogger("enrollment")


def make_pages(api: WSGIApplication, base_url: str) -> Flask:
    """The pages over this API; `base_url` is the origin under which people reach both."""
    app = Flask("enrollment", static_folder=None)
    app.add_url_rule("/pages/<path:filename>", "static", static.files(Path(__file__).parent / "static"))
    _speak(app)
    challenges = Api(api, base_url, "/v1/challenges", "Challenge")
    enrollments = Api(api, base_url, "/v1/enrollments", "Enrollment")
    challenge_door = Doorkeeper("c", base_url)
    app.register_blueprint(challenge_pages(challenges, challenge_door))
    app.register_blueprint(enrollment_pages(enrollments, Doorkeeper("e", base_url)))
    overviews = Api(api, base_url, "/v1/overviews", "Overview")
    app.register_blueprint(overview_pages(overviews, Doorkeeper("o", base_url), challenge_door))
    app.register_blueprint(reference_pages(api, base_url))
    app.register_error_handler(AuthsvcError, failure_page)
    app.register_error_handler(HTTPException, _unanswered)
    app.register_error_handler(Exception, _unforeseen)
    return app


def _speak(app: Flask) -> None:
    """Every request has a language; a choice is remembered by the answer to it."""
    language.CATALOGUE.teach(app)
    app.jinja_env.filters |= {
        "amount": wording.amount,
        "amount_size": wording.amount_size,
        "clauses": wording.clauses,
        "code": code,
        "day": wording.day,
        "moment": wording.moment,
        "proof": wording.proof_name,
        "quoted": quoted,
        "way": wording.way_name,
    }

    @app.before_request
    def choose() -> None:
        g.language = language.choose(request)

    app.after_request(language.remember)


def _unforeseen(error: Exception) -> Response:
    """Logged by its kind and place alone, since an exception's text may quote what a person typed."""
    place = traceback.extract_tb(error.__traceback__)[-1]
    _log.error("unforeseen %s at %s:%s", type(error).__name__, place.name, place.lineno)
    return failure_page(Unavailable("the page could not be made"))


def _unanswered(error: HTTPException) -> Response:
    """What Flask refused before a page was reached."""
    return failure_page(NotFound("there is no such page"))
