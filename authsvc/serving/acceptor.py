"""Accepts connections from the socket that all web processes share, and leaves them to whichever has fewer.

The kernel wakes them in the same order each time: of a backend's sixteen lasting connections one process would get fifteen,
and do all the work beside an idle one. So a process that has more than another waits a moment before it takes the next.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
from collections.abc import Callable
from contextlib import suppress

_log = logging.getLogger(__name__)

COURTESY_S = 0.004
"""How long another process has to take a connection that is better off there."""

_NO_FILES_PAUSE_S = 1.0


class Acceptor:
    """One listener of one process; stands among the servers that uvicorn closes at the end. Not for threads."""

    def __init__(
        self,
        listener: socket.socket,
        connected: Callable[[], asyncio.Protocol],
        front: ssl.SSLContext | None,
        leaves_it: Callable[[int], bool],
    ) -> None:
        """`leaves_it`, called with the connections that are under way, says whether another process should have the next."""
        self._loop = asyncio.get_running_loop()
        self._listener = listener
        self._connected = connected
        self._front = front
        self._leaves_it = leaves_it
        self._under_way: set[asyncio.Task[None]] = set()
        self._paused: asyncio.TimerHandle | None = None
        listener.setblocking(False)
        self._loop.add_reader(listener, self._readable)

    def close(self) -> None:
        """Accepts no more; the listener itself is its owner's to close."""
        if self._paused is not None:
            self._paused.cancel()
        self._loop.remove_reader(self._listener)

    async def wait_closed(self) -> None:
        """What was accepted has become a connection, or come to nothing."""
        await asyncio.gather(*self._under_way)

    def _readable(self) -> None:
        if self._leaves_it(len(self._under_way)):
            self._pause(COURTESY_S)
        else:
            self._accept()

    def _pause(self, seconds: float) -> None:
        self._loop.remove_reader(self._listener)
        self._paused = self._loop.call_later(seconds, self._resume)

    def _resume(self) -> None:
        self._paused = None
        self._loop.add_reader(self._listener, self._readable)
        self._accept()

    def _accept(self) -> None:
        """Takes one connection, if nobody else has taken it."""
        try:
            connection, _ = self._listener.accept()
        except (BlockingIOError, InterruptedError, ConnectionAbortedError):
            return
        except OSError as error:
            _log.error("no connection can be accepted for a moment: %s", error.strerror)
            self._pause(_NO_FILES_PAUSE_S)
            return
        connection.setblocking(False)
        task = self._loop.create_task(self._connect(connection))
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

    async def _connect(self, connection: socket.socket) -> None:
        # A client that hangs up, or speaks no TLS of ours, is no fault of this program's.
        with suppress(OSError):
            await self._loop.connect_accepted_socket(self._connected, connection, ssl=self._front)
