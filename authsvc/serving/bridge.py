"""The bridge between the event loop and the application: a thread is used only for a request that is complete.

For the server alone. It speaks ASGI towards uvicorn and WSGI towards the application, so the application is written
with plain threads and blocking calls, and a client that is slow to send or to read meets nothing but the event loop.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, cast

from authsvc.serving import refusal
from authsvc.serving.answer import Answer
from authsvc.serving.environ import call, environ_of
from authsvc.serving.settings import ServerSettings
from authsvc.serving.waiting import HELD_LONG_ENOUGH, WAITED, seconds_to_hold

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication
    from uvicorn._types import ASGIReceiveCallable, ASGISendCallable, HTTPScope, Scope

_log = logging.getLogger(__name__)


class WsgiBridge:
    """An ASGI application that runs a WSGI one on `threads` threads and lets at most `max_waiting` requests queue.

    `stopping` says whether the server is to end: requests that are held on purpose are then answered at once.
    """

    def __init__(
        self, application: WSGIApplication, settings: ServerSettings, stopping: Callable[[], bool]
    ) -> None:
        self._application = application
        self._stopping = stopping
        self._threads = ThreadPoolExecutor(settings.threads, thread_name_prefix="web")
        self._room = settings.threads + settings.max_waiting

    async def __call__(self, scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        # The server is set up to send neither lifespan nor websocket scopes.
        request = cast("HTTPScope", scope)
        body = await _whole_body(receive)
        answer = None if body is None else await self._answer(environ_of(request), body, receive)
        if answer is None:
            return
        await send({"type": "http.response.start", "status": answer.status, "headers": answer.headers})
        await send({"type": "http.response.body", "body": answer.body, "more_body": False})

    def close(self) -> None:
        """Drops what still waits for a thread; what runs is left to end by itself."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _answer(
        self, environ: dict[str, Any], body: bytes, receive: ASGIReceiveCallable
    ) -> Answer | None:
        """The application's answer, held for as long as it asks; None when the client goes away meanwhile."""
        loop = asyncio.get_running_loop()
        began, waited = loop.time(), 0.0
        while True:
            answer = await self._look({**environ, WAITED: waited}, body)
            pause = seconds_to_hold(answer.headers)
            if pause is None:
                return answer
            if await _gone_within(pause, receive):
                return None
            waited = HELD_LONG_ENOUGH if self._stopping() else loop.time() - began

    async def _look(self, environ: dict[str, Any], body: bytes) -> Answer:
        if self._room == 0:
            return refusal.BUSY.answer()
        self._room -= 1
        try:
            return await asyncio.get_running_loop().run_in_executor(
                self._threads, call, self._application, environ, body
            )
        except asyncio.CancelledError:
            # The server cancels requests at one moment only: when the time to drain is over.
            return refusal.STOPPING.answer()
        except Exception:  # noqa: BLE001  # Whatever it is, this client gets an answer and the others theirs.
            _log.exception("the application failed to answer")
            return refusal.BROKEN.answer()
        finally:
            self._room += 1


async def _whole_body(receive: ASGIReceiveCallable) -> bytes | None:
    """All of the body, whose size and time the protocol bounds; None when the client went away first."""
    chunks: list[bytes] = []
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return None
        chunks.append(message["body"])
        if not message["more_body"]:
            return b"".join(chunks)


async def _gone_within(seconds: float, receive: ASGIReceiveCallable) -> bool:
    try:
        async with asyncio.timeout(seconds):
            return (await receive())["type"] == "http.disconnect"
    except TimeoutError:
        return False
