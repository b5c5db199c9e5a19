"""Plain threads for an event loop: they call what is put to them, and each result comes back as a future of the loop.

For the bridge. An executor does the same with a lock, a condition, a semaphore and two chained futures for every call, which
is a tenth of what a small request costs.
"""

from __future__ import annotations

import asyncio
import contextlib
import queue
import threading
from collections.abc import Callable
from typing import Any, TypeVarTuple

Arguments = TypeVarTuple("Arguments")

# Any: the result of whatever function is called.
_Job = tuple[asyncio.AbstractEventLoop, asyncio.Future[Any], Callable[..., Any], tuple[Any, ...]]


class Threads:
    """`count` of them; what is put to more than these waits for one, in order."""

    def __init__(self, count: int, name: str) -> None:
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._count = count
        for number in range(count):
            threading.Thread(target=self._work, name=f"{name}_{number}", daemon=True).start()

    def run(self, function: Callable[[*Arguments], Any], *arguments: *Arguments) -> asyncio.Future[Any]:
        """What the function returns or raises, to be awaited on the loop that is running.

        Settled or cancelled in time, the function is not called.
        """
        loop = asyncio.get_running_loop()
        future = loop.create_future()
        self._jobs.put((loop, future, function, arguments))
        return future

    def close(self) -> None:
        """Drop what still waits, and let each thread go once its call has ended."""
        with contextlib.suppress(queue.Empty):
            while True:
                self._jobs.get_nowait()
        for _ in range(self._count):
            self._jobs.put(None)

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            loop, future, function, arguments = job
            if future.done():
                continue
            result, error = None, None
            try:
                result = function(*arguments)
            except BaseException as raised:  # noqa: BLE001  # It is raised again where the future is awaited.
                error = raised
            # A loop that has been closed meanwhile has nobody left who waits.
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(_settle, future, result, error)
            del job, future, arguments, result, error


def _settle(future: asyncio.Future[Any], result: Any, error: BaseException | None) -> None:
    if future.done():
        return
    if error is None:
        future.set_result(result)
    else:
        future.set_exception(error)
