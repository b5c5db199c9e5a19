"""HTTP towards a payment backend's endpoint: one request, to an address that was checked, ended after a fixed time.

Only this file of the room has heard of urllib3, and only of its connections: no pool, no redirect, no retry, no proxy from
the environment. What the receiver says beyond its status is not kept.
"""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from http.client import HTTPException
from types import TracebackType
from typing import Self

from urllib3 import BaseHTTPResponse
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import ConnectTimeoutError, HTTPError, NewConnectionError, SSLError

from authsvc.http import FinalResponse, retry_after
from authsvc.webhook.delivery import Outcome, Trouble
from authsvc.webhook.guard import Guard, NotAllowed, target_of

CONNECT_SECONDS = 5.0
WHOLE_SECONDS = 15.0
"""For connecting, handshake, request and answer together, however slowly the receiver drips."""

SMALL_ANSWER = 16 * 1024
"""An answer of this size is read to its end, so that the connection can be used again; of a larger one nothing is."""


class _Watched:
    """A connection with a second handle, by which another thread can end it whatever it waits for."""

    handle: socket.socket | None = None

    def _new_conn(self) -> socket.socket:
        made: socket.socket = super()._new_conn()  # type: ignore[misc]  # Of the connection that this is mixed into.
        self.let_go()
        self.handle = made.dup()
        return made

    def cut(self) -> None:
        if self.handle is not None:
            with suppress(OSError):
                self.handle.shutdown(socket.SHUT_RDWR)

    def let_go(self) -> None:
        if self.handle is not None:
            self.handle.close()
            self.handle = None


class _Plain(_Watched, HTTPConnection):
    response_class = FinalResponse


class _Encrypted(_Watched, HTTPSConnection):
    response_class = FinalResponse


class Postman:
    """Opens lines to endpoints. Threads may share it."""

    def __init__(
        self,
        guard: Guard,
        *,
        tls: ssl.SSLContext | None = None,
        connect_seconds: float = CONNECT_SECONDS,
        whole_seconds: float = WHOLE_SECONDS,
    ) -> None:
        self.guard = guard
        self.tls = tls or ssl.create_default_context()
        self.connect_seconds = connect_seconds
        self.whole_seconds = whole_seconds

    def line(self, url: str) -> Line:
        return Line(self, url)


class Line:
    """A connection to one endpoint, kept from one request to the next where the receiver allows it. For one thread."""

    def __init__(self, postman: Postman, url: str) -> None:
        self._postman = postman
        self._url = url
        self._target = target_of(url)
        self._connection: _Plain | _Encrypted | None = None

    def lead_to(self, url: str) -> None:
        """Another address from now on, where the endpoint has been given one."""
        if url != self._url:
            self.close()
            self._url, self._target = url, target_of(url)

    def post(self, headers: Mapping[str, str], body: bytes) -> Outcome:
        """Send once and say how it went; a failure is an answer and is never raised."""
        began = time.monotonic()
        status, wished, trouble = None, None, None
        try:
            status, wished = self._exchange(headers, body)
        except NotAllowed:
            trouble = Trouble.ADDRESS_NOT_ALLOWED
        except socket.gaierror:
            trouble = Trouble.NAME_NOT_FOUND
        except NewConnectionError:
            trouble = Trouble.UNREACHABLE
        except (TimeoutError, ConnectTimeoutError, _Cut):
            trouble = Trouble.TOO_SLOW
        except (ssl.SSLError, SSLError):
            trouble = Trouble.TLS_FAILED
        except (OSError, HTTPException, HTTPError, ValueError):
            trouble = Trouble.NO_ANSWER
        if trouble is not None:
            self.close()
        return Outcome(status, trouble, timedelta(seconds=time.monotonic() - began), wished)

    def close(self) -> None:
        if self._connection is not None:
            self._connection.let_go()
            self._connection.close()
            self._connection = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _exchange(self, headers: Mapping[str, str], body: bytes) -> tuple[int, timedelta | None]:
        connection = self._opened()
        with _ended_after(self._postman.whole_seconds, connection) as is_cut:
            if not connection.is_connected:
                connection.connect()
            said = {"Host": self._target.host_header, "Content-Type": "application/json", **headers}
            connection.request("POST", self._target.path, body, said, preload_content=False)
            response = connection.getresponse()
            if is_cut.is_set():
                # What was cut off in the middle of its head can look like a whole one.
                response.close()
                raise _Cut
            # From here on the outcome is known, and what comes of the rest changes nothing.
            if not _is_read(response):
                response.close()
                self.close()
            wished = retry_after(response.headers, datetime.now(UTC))
            return response.status, None if wished is None else timedelta(seconds=wished)

    def _opened(self) -> _Plain | _Encrypted:
        """The kept connection while it lives, or one to a freshly checked address."""
        if self._connection is not None and self._connection.is_connected:
            return self._connection
        self.close()
        target, postman = self._target, self._postman
        address = postman.guard.addresses(target)[0]
        if target.encrypted:
            # The certificate must be that of the name, though it is an address that gets connected to.
            self._connection = _Encrypted(
                address,
                target.port,
                timeout=postman.connect_seconds,
                ssl_context=postman.tls,
                server_hostname=target.host,
            )
        else:
            self._connection = _Plain(address, target.port, timeout=postman.connect_seconds)
        return self._connection


class _Cut(Exception):
    """The time for the whole exchange was over, and the connection was ended."""


@contextmanager
def _ended_after(seconds: float, connection: _Plain | _Encrypted) -> Iterator[threading.Event]:
    """End the connection if the block takes longer, and say so; raises _Cut in place of whatever came of that."""
    is_cut = threading.Event()

    def cut() -> None:
        is_cut.set()
        connection.cut()

    timer = threading.Timer(seconds, cut)
    timer.daemon = True
    timer.start()
    try:
        yield is_cut
    except Exception:
        if is_cut.is_set():
            raise _Cut from None
        raise
    finally:
        timer.cancel()


def _is_read(response: BaseHTTPResponse) -> bool:
    """Whether the answer was small and is at its end."""
    length = "0" if response.status == 204 else response.headers.get("Content-Length", "")
    if not length.isdecimal() or int(length) > SMALL_ANSWER:
        return False
    try:
        response.read(decode_content=False)
    except (OSError, HTTPException, HTTPError):
        return False
    return True
