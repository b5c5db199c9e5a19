"""How the web asks a biometric worker: one call that answers, or refuses, before its deadline.

A call is sent at most once; whoever wants another try asks again.
"""

from __future__ import annotations

import os
import socket
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

from authsvc.errors import Unavailable
from authsvc.factor import Json
from authsvc.http import TRACE, span
from authsvc.subject import worked_for
from authsvc.workers.messages import RETRY_AFTER, Job, outcome
from authsvc.workers.protocol import BrokenFrame, Frame, Message, encode, receive, send

Counted = Callable[[str, str, float], None]
"""What was asked, how that went, and how many seconds it took."""


class WorkerClient:
    """Calls to the worker at `socket_path`; threads may share one. `deadline` bounds a call, queueing included.

    At most `connections` calls are under way; further ones wait for their turn within their own deadline. Connects on first
    use, and again after the worker was restarted.
    """

    def __init__(
        self, socket_path: Path, deadline: timedelta, *, connections: int = 16, counted: Counted | None = None
    ) -> None:
        self._path = os.fspath(socket_path)
        self._deadline = deadline.total_seconds()
        self._turns = threading.BoundedSemaphore(connections)
        self._idle: deque[socket.socket] = deque()
        self._counted = counted or (lambda op, result, seconds: None)

    def call(self, op: str, header: Json, blobs: Sequence[bytes] = ()) -> tuple[Json, tuple[bytes, ...]]:
        """The worker's answer. Raises what its handler raised, PayloadTooLarge before anything is sent, or Unavailable with
        `retry_after` when the worker is busy, gone or late; the job may have been run then, and its answer be lost.
        """
        with span(f"biometric {op}"):
            return self._called(op, header, blobs)

    def _called(self, op: str, header: Json, blobs: Sequence[bytes]) -> tuple[Json, tuple[bytes, ...]]:
        whom = worked_for()
        named = ("", "") if whom is None else (whom.client, whom.user)
        began = time.monotonic()
        job = Job(op, began + self._deadline, header, tuple(blobs), *named, TRACE.get())
        result = "answered"
        try:
            return outcome(self._exchange(encode(job.message()), job.expires))
        except TimeoutError:
            result = "late"
            raise Unavailable("the biometric worker is late", retry_after=RETRY_AFTER) from None
        except (OSError, BrokenFrame) as error:
            result = "gone"
            raise Unavailable("the biometric worker does not answer", retry_after=RETRY_AFTER) from error
        except Unavailable:
            result = "busy"
            raise
        finally:
            self._counted(op, result, time.monotonic() - began)

    def close(self) -> None:
        """Let go of the idle connections."""
        while self._idle:
            self._idle.pop().close()

    def _exchange(self, frame: Frame, deadline: float) -> Message:
        with self._turn(deadline), self._connection(deadline) as connection:
            send(connection, frame, deadline)
            return receive(connection, deadline)

    @contextmanager
    def _turn(self, deadline: float) -> Iterator[None]:
        if not self._turns.acquire(timeout=max(0, deadline - time.monotonic())):
            raise TimeoutError("no connection became free")
        try:
            yield
        finally:
            self._turns.release()

    @contextmanager
    def _connection(self, deadline: float) -> Iterator[socket.socket]:
        """A connection that is kept for the next call, unless this one ends in the middle of a frame."""
        connection = self._kept() or self._connect(deadline)
        try:
            yield connection
        except BaseException:
            connection.close()
            raise
        self._idle.append(connection)

    def _kept(self) -> socket.socket | None:
        while True:
            try:
                connection = self._idle.pop()
            except IndexError:
                return None
            if _is_quiet(connection):
                return connection
            connection.close()

    def _connect(self, deadline: float) -> socket.socket:
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            connection.settimeout(max(0.001, deadline - time.monotonic()))
            connection.connect(self._path)
        except BaseException:
            connection.close()
            raise
        return connection


def _is_quiet(connection: socket.socket) -> bool:
    """Whether the connection is open and has nothing to say: a worker that ended has closed it."""
    try:
        connection.setblocking(False)
        connection.recv(1, socket.MSG_PEEK)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False
