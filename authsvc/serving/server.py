"""The server behind `authsvc serve`: web processes on one listening socket, side processes beside them."""

from __future__ import annotations

import socket
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING

from authsvc.errors import ConfigurationError
from authsvc.serving.notify import Notifier
from authsvc.serving.process import KeptProcess, SideProcess
from authsvc.serving.pulse import Pulse
from authsvc.serving.settings import ServerSettings
from authsvc.serving.supervisor import Supervisor
from authsvc.serving.tls import Tls
from authsvc.serving.worker import serve

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

# What a web process has for its application's `close()` when it has drained.
_CLOSE_S = 3.0


def run(
    settings: ServerSettings,
    make_app: Callable[[], WSGIApplication] | str,
    side_processes: Sequence[SideProcess] = (),
    *,
    listener: socket.socket | None = None,
    noted: Callable[[str, int], object] = lambda name, lives: None,
) -> None:
    """Serves until SIGTERM or SIGINT; a second one ends everything at once. For the main thread of a single-threaded process.

    Every web process calls `make_app` (a callable or `package.module:attribute`) for itself and, at its end, the
    application's `close()` if it has one. `listener` is what `bind` returned, for a caller that wants to know the port.
    `noted` is told of each start of a process.
    Raises ConfigurationError when the address cannot be had, or when the application cannot be made at the start.
    """
    listener = bind(settings) if listener is None else listener
    for_operators = _bind_for_operators(settings)
    if settings.tls is not None:
        Tls(settings.tls)  # What is wrong with it stops the start, and not each web process by itself.
    listeners = [each for each in (listener, for_operators) if each is not None]
    pulse = Pulse(settings.workers)
    supervisor = Supervisor(
        listeners,
        [
            KeptProcess(
                f"web-{n + 1}",
                partial(serve, listener, settings, make_app, for_operators, pulse, n),
                noted,
                partial(pulse.silence, n),
            )
            for n in range(settings.workers)
        ],
        [KeptProcess(side.name, partial(_run_beside, listeners, side), noted) for side in side_processes],
        web_patience_s=settings.drain_seconds + _CLOSE_S,
        pulse=pulse,
        hung_s=settings.hung_seconds,
        lame_duck_s=settings.lame_duck_seconds,
        notifier=Notifier(settings.notify_socket),
    )
    supervisor.run()


def bind(settings: ServerSettings) -> socket.socket:
    """The listening socket that all web processes share; raises ConfigurationError when the address cannot be had.

    One socket for all, so that a process which dies takes nothing with it that was waiting to be accepted.
    """
    return _bound(settings.host, settings.port, settings.backlog)


def _bind_for_operators(settings: ServerSettings) -> socket.socket | None:
    if settings.admin_port is None:
        return None
    return _bound(settings.admin_host, settings.admin_port, settings.backlog)


def _bound(host: str, port: int, backlog: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listener = socket.create_server((host, port), family=family, backlog=backlog)
    except OSError as error:
        reason = error.strerror or error
        raise ConfigurationError(f"cannot listen on `{host}`, port `{port}`: {reason}") from error
    # Accepted connections inherit it: an answer in two packets would else wait 40 ms for an acknowledgement.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


def _run_beside(listeners: Sequence[socket.socket], side: SideProcess) -> None:
    for listener in listeners:
        listener.close()
    side()
