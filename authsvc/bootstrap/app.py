"""The WSGI application: every declared operation as a route, every failure as a problem, the same headers on every answer.

Importing it loads no model and no numerical library; what computes is handed in as `services`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, cast

from flask import Flask, Request, Response
from werkzeug.exceptions import HTTPException
from werkzeug.routing import MapAdapter

from authsvc.biometric.drift import expected_beside
from authsvc.biometric.manifest import manifest_folder
from authsvc.clock import Clock, SteadyClock
from authsvc.errors import AuthsvcError
from authsvc.http import TRACE, span
from authsvc.services.services import Services
from authsvc.serving.waiting import AGAIN
from authsvc.web import access_log, dispatch
from authsvc.web.console.shell import open_console
from authsvc.web.http import ApiRequest, ApiResponse, current
from authsvc.web.metrics import Metrics
from authsvc.web.quota import Quotas
from authsvc.web.refusals import Refusals
from authsvc.web.registry import OPERATIONS
from authsvc.web.replies import StoredRefusal
from authsvc.web.settings import WebSettings

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment
    from flask.typing import ResponseReturnValue

    from authsvc.config import Settings
    from authsvc.operators.console import Console


class App(Flask):
    """Flask, without sessions and static files, and without redirects that would repair a wrong address.

    `close` ends what was begun for it; its server calls it at the end.
    """

    request_class = ApiRequest
    response_class = ApiResponse

    def __init__(self, metrics: Metrics, close: Callable[[], None], quotas: Quotas) -> None:
        self._quotas = quotas
        super().__init__("authsvc", static_folder=None, template_folder=None)
        self.close = close
        self._metrics = metrics
        self.url_map.merge_slashes = False

    def create_url_adapter(self, request: Request | None) -> MapAdapter | None:
        """As Flask's, which reads from the environment once more what the request knows by now; there is one server name."""
        if request is None:
            return None
        return self.url_map.bind(
            request.host,
            script_name=request.root_path,
            subdomain="",
            url_scheme=request.scheme,
            default_method=request.method,
            path_info=request.path,
        )

    def wsgi_app(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """As Flask's; a thread's next line of log is of no request any more."""
        try:
            return super().wsgi_app(environ, start_response)
        finally:
            TRACE.set(None)

    def full_dispatch_request(self, *given: Any) -> Response:
        """As Flask's, in a span of its own."""
        asked = current()
        route = "unknown" if asked.url_rule is None else asked.url_rule.rule
        asks = {"http.request.method": asked.method, "http.route": route, "authsvc.request": asked.id}
        with span(f"{asked.method} {route}", **asks) as note:
            response = super().full_dispatch_request(*given)
            note("http.response.status_code", response.status_code)
        return response

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        """Every view is a plain function; Flask looks at each request whether it is one."""
        return func

    def preprocess_request(self) -> ResponseReturnValue | None:
        """As Flask's, which looks for hooks in six places; ours are the pages'."""
        return super().preprocess_request() if "." in (current().endpoint or "") else None

    def dispatch_request(self) -> ResponseReturnValue:
        """As Flask's, which looks at each request whether its answer is to be made up."""
        asked = current()
        if asked.url_rule is None:
            return super().dispatch_request()
        view = self.view_functions[asked.url_rule.endpoint]
        return cast("ResponseReturnValue", view(**(asked.view_args or {})))

    def do_teardown_request(self, *given: Any) -> None:
        """Nobody waits for the end of a request."""

    def do_teardown_appcontext(self, *given: Any) -> None:
        """Nor for that."""

    def process_response(self, response: Response) -> Response:
        """What happens to every answer: headers, counters, and its line in the log."""
        asked, answer = current(), cast(ApiResponse, response)
        if AGAIN in answer.headers:
            # The server asks again in a moment; nobody has been answered yet.
            return answer
        answer.request_id = asked.id
        if asked.client_id is not None:
            answer.headers.update(self._quotas.headers(asked.client_id))
        route = "unknown" if asked.url_rule is None else asked.url_rule.rule
        self._metrics.served(asked.method, route, answer.status_code, asked.seconds(), asked.queued())
        if answer.slug is not None:
            self._metrics.refused(answer.slug)
        access_log.write(asked, answer, route)
        return answer


def make_app(settings: Settings, clock: Clock | None = None) -> App:
    """The application of one web process, wired from its settings; the clock is the one that all processes share."""
    from authsvc.bootstrap.gauges import Gauges
    from authsvc.bootstrap.wiring import wire  # Every room and storage load here, not with this module.

    spaces = {"data": settings.data_dir, "metrics": settings.counting_dir}
    metrics = Metrics(settings.counting_dir, expected_beside(manifest_folder()), spaces)
    wired = wire(settings, clock or SteadyClock(), tally=metrics)
    metrics.watch(Gauges(settings, wired.store, wired.gauges))
    wired.start_chores()
    access_log.to_stderr()
    close = ExitStack()
    close.callback(wired.close)
    if settings.otlp_endpoint:
        from authsvc.serving.otel import collect  # An extra, which nobody else loads.

        close.callback(collect(settings.otlp_endpoint))
    share = settings.client_threads or max(1, settings.threads * 3 // 4)
    quotas = Quotas(-(-settings.client_rate // settings.workers), share)
    return create_app(
        wired.services, WebSettings(settings.public_url), metrics, close.close, wired.console, quotas
    )


def create_app(
    services: Services,
    settings: WebSettings,
    metrics: Metrics | None = None,
    close: Callable[[], None] = lambda: None,
    console: Console | None = None,
    quotas: Quotas | None = None,
) -> App:
    """The application over these services; without `metrics` it counts for itself, without `console` it has no pages."""
    metrics = Metrics() if metrics is None else metrics
    quotas = Quotas() if quotas is None else quotas
    app = App(metrics, close, quotas)
    for operation in OPERATIONS:
        app.add_url_rule(
            dispatch.route(operation.path),
            operation.name,
            dispatch.view(operation, services, metrics, settings.base_url, quotas),
            methods=[operation.method],
            provide_automatic_options=False,
        )
    _answer_failures(app, Refusals(settings.base_url))
    if console is not None:
        open_console(app, console, settings.base_url, services.public.readyz)
    return app


def _answer_failures(app: App, refusals: Refusals) -> None:
    """Which failure is answered how; the nearest class decides."""
    app.register_error_handler(AuthsvcError, lambda error: refusals.ours(current(), error))
    app.register_error_handler(StoredRefusal, lambda error: refusals.again(current(), error))
    app.register_error_handler(HTTPException, lambda error: refusals.https(current(), error))
    app.register_error_handler(Exception, lambda error: refusals.unforeseen(current(), error))
