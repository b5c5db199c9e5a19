"""One web process: the application on its threads, behind an event loop that reads and writes for it.

The supervisor forks it. The application is made here, after the fork, so its connections and writer threads are its own.
"""

from __future__ import annotations

import asyncio
import logging
import resource
import signal
import socket
import ssl
import sys
from collections.abc import Callable
from pkgutil import resolve_name
from typing import TYPE_CHECKING, cast

import uvicorn

from authsvc.serving.acceptor import Acceptor
from authsvc.serving.bridge import WsgiBridge
from authsvc.serving.protocol import WatchfulProtocol
from authsvc.serving.pulse import Pulse
from authsvc.serving.settings import ServerSettings
from authsvc.serving.tls import Tls

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

_log = logging.getLogger(__name__)

NO_APPLICATION = 3
"""The exit code of a process whose application could not be made."""

_SPARE_FILES = 256
_LOOK_EVERY = 50
"""Rounds of a tenth of a second from one look at the certificates' files to the next."""


class _Server(uvicorn.Server):
    """uvicorn's, with acceptors of its own, a second listener for operators, and certificates that are looked at now and then."""

    def __init__(
        self,
        config: uvicorn.Config,
        tls: Tls | None,
        for_operators: socket.socket | None,
        pulse: Pulse,
        number: int,
    ) -> None:
        super().__init__(config)
        self._pulse = pulse
        self._number = number
        self._tls = tls
        self._for_operators = for_operators

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup([])
        protocol = cast(type[WatchfulProtocol], self.config.http_protocol_class)
        for listener in sockets or []:
            self._accept(listener, protocol, self.config.ssl)
        if self._for_operators is not None:
            self._accept(self._for_operators, protocol.of_operators(), None)

    def _accept(
        self, listener: socket.socket, protocol: type[WatchfulProtocol], front: ssl.SSLContext | None
    ) -> None:
        def connected() -> asyncio.Protocol:
            return protocol(config=self.config, server_state=self.server_state, app_state=self.lifespan.state)

        acceptor = Acceptor(listener, connected, front, self._leaves_the_next)
        self.servers.append(cast(asyncio.Server, acceptor))

    def _leaves_the_next(self, under_way: int) -> bool:
        self._pulse.carry(self._number, len(self.server_state.connections) + under_way)
        return self._pulse.another_carries_less(self._number)

    async def on_tick(self, counter: int) -> bool:
        self._pulse.beat(self._number, len(self.server_state.connections))
        if self._tls is not None and counter % _LOOK_EVERY == 0:
            self._tls.reload_if_changed()
        return await super().on_tick(counter)


def serve(
    listener: socket.socket,
    settings: ServerSettings,
    make_app: Callable[[], WSGIApplication] | str,
    for_operators: socket.socket | None = None,
    pulse: Pulse | None = None,
    number: int = 0,
) -> None:
    """Answers requests until SIGTERM or SIGINT, drains for `drain_seconds`, calls the application's `close()` if it has one.

    `make_app` is a callable or the name of one, `package.module:attribute`. Exits with NO_APPLICATION when it fails.
    """
    pulse = Pulse(number + 1) if pulse is None else pulse
    pulse.begin(number)
    application = _made(make_app)
    server: _Server
    bridge = WsgiBridge(
        application, settings, stopping=lambda: server.should_exit, leaving=lambda: pulse.is_leaving
    )
    tls = None if settings.tls is None else Tls(settings.tls)
    server = _Server(_config(bridge, settings, tls), tls, for_operators, pulse, number)
    _stop_on_signals(server)
    if tls is not None:
        signal.signal(signal.SIGHUP, lambda *_: tls.reload())
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


def _config(bridge: WsgiBridge, settings: ServerSettings, tls: Tls | None) -> uvicorn.Config:
    return uvicorn.Config(
        bridge,
        interface="asgi3",
        http=WatchfulProtocol.within(settings, tls),
        ssl_context_factory=None if tls is None else lambda config, default: tls.front,
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
