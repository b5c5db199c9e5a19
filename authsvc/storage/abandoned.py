"""Connections that were given up while the server was busy for them: how many may there be before no more are made?

For PostgreSQL. A COMMIT that waits for a standby ends by no time limit of the server, and does not notice that its client is
gone. Who gives it up and connects anew every few seconds fills all of the server's places.
"""

from __future__ import annotations

import os
import select
import threading

from authsvc.errors import Unavailable

MOST = 4
"""Of one process, beside its writer's connection and its readers'."""


class Abandoned:
    """A second descriptor of each such connection, which can be read from when the server has ended it."""

    def __init__(self) -> None:
        self._held: list[int] = []
        self._lock = threading.Lock()

    def add(self, descriptor: int) -> None:
        """The connection is about to be closed; from here on the server's end of it is watched."""
        with self._lock:
            self._held.append(os.dup(descriptor))

    def refuse_more(self) -> None:
        """Before another connection is made; raises Unavailable while too many were given up and have not ended."""
        with self._lock:
            self._held = [each for each in self._held if not _let_go(each)]
            waiting = len(self._held)
        if waiting >= MOST:
            raise Unavailable(
                f"the database has not ended {waiting} requests that were given up", retry_after=1
            )


def _let_go(descriptor: int) -> bool:
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    if not poll.poll(0):
        return False
    os.close(descriptor)
    return True
