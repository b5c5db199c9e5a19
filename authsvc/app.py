"""The WSGI application: every declared operation as a route, every failure as a problem, the same headers on every answer.

Importing it loads no model and no numerical library; what computes is handed in as `services`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from flask import Flask
from werkzeug.exceptions import HTTPException

from authsvc.errors import AuthsvcError
from authsvc.serving.waiting import AGAIN
from authsvc.web import access_log, dispatch
from authsvc.web.http import ApiRequest, ApiResponse, current
from authsvc.web.metrics import Metrics
from authsvc.web.operations import ToldAgain
from authsvc.web.port import Services
from authsvc.web.refusals import Refusals
from authsvc.web.registry import OPERATIONS
from authsvc.web.settings import WebSettings

if TYPE_CHECKING:
    from authsvc.config import Settings


class App(Flask):
    """Flask, without a folder of static files, and without redirects that would repair a wrong address."""

    request_class = ApiRequest
    response_class = ApiResponse

    def __init__(self, metrics: Metrics, close: Callable[[], None]) -> None:
        super().__init__("authsvc", static_folder=None, template_folder=None)
        self.metrics = metrics
        self.close = close
        self.url_map.merge_slashes = False


def make_app(settings: Settings) -> App:
    """The application of one web process, wired from its settings; its `close()` ends what was begun for it."""
    from authsvc.wiring import wire  # Every room and storage load here, not with this module.

    wired = wire(settings)
    wired.start_chores(settings)
    access_log.to_stderr()
    return create_app(wired.services, WebSettings(settings.public_url, settings.metrics_dir), wired.close)


def create_app(services: Services, settings: WebSettings, close: Callable[[], None] = lambda: None) -> App:
    """The application over these services; `close` is what its server calls at the end."""
    app = App(Metrics(settings.metrics_dir), close)
    for operation in OPERATIONS:
        app.add_url_rule(
            dispatch.route(operation.path),
            operation.name,
            dispatch.view(operation, services, app.metrics, settings.base_url),
            methods=[operation.method],
            provide_automatic_options=False,
        )
    _answer_failures(app, Refusals(settings.base_url))
    app.after_request(_finish(app.metrics))
    return app


def _answer_failures(app: App, refusals: Refusals) -> None:
    """Which failure is answered how; the nearest class decides."""
    app.register_error_handler(AuthsvcError, lambda error: refusals.ours(current(), error))
    app.register_error_handler(ToldAgain, lambda error: refusals.again(current(), error))
    app.register_error_handler(HTTPException, lambda error: refusals.https(current(), error))
    app.register_error_handler(Exception, lambda error: refusals.unforeseen(current(), error))


def _finish(metrics: Metrics):  # type: ignore[no-untyped-def]  # Flask's own type for such a hook is long and says less.
    """What happens to every answer: headers, counters, and its line in the log."""

    def finish(response: ApiResponse) -> ApiResponse:
        asked = current()
        if AGAIN in response.headers:
            return response
        response.secure()
        response.headers.add("X-Request-Id", asked.id)
        route = "unknown" if asked.url_rule is None else asked.url_rule.rule
        metrics.served(asked.method, route, asked.seconds())
        if response.slug is not None:
            metrics.refused(response.slug)
        access_log.write(asked, response, route)
        return response

    return finish
