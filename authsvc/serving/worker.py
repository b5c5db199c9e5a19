"""One web process: the application on its threads, behind an event loop that reads and writes for it.

The supervisor forks it. The application is made here, after the fork, so its connections and writer threads are its own.
"""

from __future__ import annotations

import logging
import resource
import signal
import socket
import sys
from collections.abc import Callable
from pkgutil import resolve_name
from typing import TYPE_CHECKING

import uvicorn

from authsvc.serving.bridge import WsgiBridge
from authsvc.serving.protocol import WatchfulProtocol
from authsvc.serving.settings import ServerSettings

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

_log = logging.getLogger(__name__)

NO_APPLICATION = 3
"""The exit code of a process whose application could not be made."""

_SPARE_FILES = 256


def serve(
    listener: socket.socket, settings: ServerSettings, make_app: Callable[[], WSGIApplication] | str
) -> None:
    """Answers requests until SIGTERM or SIGINT, drains for `drain_seconds`, calls the application's `close()` if it has one.

    `make_app` is a callable or the name of one, `package.module:attribute`. Exits with NO_APPLICATION when it fails.
    """
    application = _made(make_app)
    server: uvicorn.Server
    bridge = WsgiBridge(application, settings, stopping=lambda: server.should_exit)
    server = uvicorn.Server(_config(bridge, settings))
    _stop_on_signals(server)
    _allow_files(settings.max_connections + _SPARE_FILES)
    server.run(sockets=[listener])
    bridge.close()
    close = getattr(application, "close", None)
    if close is not None:
        close()


def _made(make_app: Callable[[], WSGIApplication] | str) -> WSGIApplication:
    try:
        factory: Callable[[], WSGIApplication] = (
            resolve_name(make_app) if isinstance(make_app, str) else make_app
        )
        return factory()
    except Exception:  # noqa: BLE001  # Whatever it is, the supervisor learns it from the exit code.
        _log.exception("the application could not be made")
        sys.exit(NO_APPLICATION)


def _config(bridge: WsgiBridge, settings: ServerSettings) -> uvicorn.Config:
    return uvicorn.Config(
        bridge,
        interface="asgi3",
        http=WatchfulProtocol.within(settings),
        loop="uvloop",
        ws="none",
        lifespan="off",
        backlog=settings.backlog,
        log_config=None,
        # Below this level uvicorn reports what clients send, and a client could fill the disk with it.
        log_level="error",
        access_log=False,
        server_header=False,
        proxy_headers=bool(settings.trusted_proxies),
        forwarded_allow_ips=list(settings.trusted_proxies),
        timeout_keep_alive=settings.idle_seconds,
        timeout_graceful_shutdown=settings.drain_seconds,
    )


def _stop_on_signals(server: uvicorn.Server) -> None:
    """uvicorn takes the signals over while it runs and raises them again at its end, where they must not kill us."""

    def stop(*_: object) -> None:
        server.should_exit = True

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)


def _allow_files(count: int) -> None:
    """Raises the soft limit of open files as far as the hard one lets us."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = count if hard == resource.RLIM_INFINITY else min(count, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
