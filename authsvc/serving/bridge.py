"""The bridge between the event loop and the application: a thread is used only for a request that is complete.

For the server alone. It speaks ASGI towards uvicorn and WSGI towards the application, so the application is written
with plain threads and blocking calls, and a client that is slow to send or to read meets nothing but the event loop.
"""

from __future__ import annotations

import asyncio
import logging
import math
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

from authsvc.http import BODY_PENDING, QUEUED_AT
from authsvc.serving import refusal
from authsvc.serving.admission import BodyNotGranted, BodyWanted
from authsvc.serving.answer import Answer
from authsvc.serving.environ import call
from authsvc.serving.exchange import Exchange
from authsvc.serving.memory import Memory
from authsvc.serving.settings import ServerSettings
from authsvc.serving.threads import Threads
from authsvc.serving.waiting import HELD_LONG_ENOUGH, WAITED, seconds_to_hold

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication
    from uvicorn._types import ASGIReceiveCallable, ASGISendCallable, HTTPScope, Scope

_log = logging.getLogger(__name__)


class WsgiBridge:
    """An ASGI application that runs a WSGI one on `threads` threads; requests queue for `queue_seconds`, `max_waiting` at most.

    `stopping` says whether the server is to end: requests that are held on purpose are then answered at once. `leaving` says
    whether it is about to: only readiness says so.
    """

    def __init__(
        self,
        application: WSGIApplication,
        settings: ServerSettings,
        stopping: Callable[[], bool],
        leaving: Callable[[], bool] = lambda: False,
    ) -> None:
        self._leaving = leaving
        self._application = application
        self._stopping = stopping
        self._settings = settings
        self._memory = Memory(settings.max_buffered_bytes, settings.caller_bytes)
        self._threads = Threads(settings.threads, "web")
        self._room = settings.threads + settings.max_waiting

    async def __call__(self, scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        # The server is set up to send neither lifespan nor websocket scopes.
        exchange = Exchange(cast("HTTPScope", scope), receive)
        try:
            answer = await self._exchanged(exchange)
        finally:
            exchange.close()
        if answer is None:
            return
        await send({"type": "http.response.start", "status": answer.status, "headers": answer.headers})
        await send({"type": "http.response.body", "body": answer.body, "more_body": False})

    def close(self) -> None:
        """Drops what still waits for a thread; what runs is left to end by itself."""
        self._threads.close()

    async def _exchanged(self, exchange: Exchange) -> Answer | None:
        """The answer; None when the client is gone. A large body is read once the application has said for whom."""
        if not await exchange.read(self._settings.small_body_bytes):
            return None
        if self._leaving() and exchange.environ["PATH_INFO"] == self._settings.readiness_path:
            return refusal.LEAVING.answer()
        if not exchange.is_whole:
            try:
                return await self._look({**exchange.environ, BODY_PENDING: True}, None)
            except BodyNotGranted:
                return refusal.BODY_UNWANTED.answer()
            except BodyWanted as wanted:
                granted = wanted
            if not await exchange.find_room(
                self._memory, granted.caller, granted.most, self._settings.room_seconds
            ):
                return refusal.CROWDED.answer()
            if not await exchange.read(granted.most):
                return None
        return await self._answer(exchange.environ, exchange.body(), exchange.receive)

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

    async def _look(self, environ: dict[str, Any], body: bytes | None) -> Answer:
        """One call of the application; without a body it is asked whether it wants one, and may raise BodyWanted."""
        if self._room == 0:
            return refusal.BUSY.answer()
        self._room -= 1
        environ[QUEUED_AT] = time.perf_counter()
        begin = threading.Lock()
        job = self._threads.run(_called, begin, self._application, environ, body)
        late = asyncio.get_running_loop().call_later(
            min(self._settings.queue_seconds, _patience_of(environ)), _give_up, begin, job
        )
        try:
            answer: Answer = await job
            return answer
        except asyncio.CancelledError:
            # The server cancels requests at one moment only: when the time to drain is over.
            return refusal.STOPPING.answer()
        except Exception:  # noqa: BLE001  # Whatever it is, this client gets an answer and the others theirs.
            _log.exception("the application failed to answer")
            return refusal.BROKEN.answer()
        finally:
            late.cancel()
            self._room += 1


def _called(
    begin: threading.Lock, application: WSGIApplication, environ: dict[str, Any], body: bytes | None
) -> Answer:
    """The application's answer, unless the request was given up: of the two who take the lock, one was first."""
    return call(application, environ, body) if begin.acquire(blocking=False) else refusal.BUSY.answer()


def _give_up(begin: threading.Lock, job: asyncio.Future[Any]) -> None:
    """The request has waited for long enough; it is not begun any more."""
    if begin.acquire(blocking=False) and not job.done():
        job.set_result(refusal.BUSY.answer())


def _patience_of(environ: dict[str, Any]) -> float:
    """How long the caller waits, where a proxy says so; a word that is no number of milliseconds says nothing."""
    said = environ.get("HTTP_X_ENVOY_EXPECTED_RQ_TIMEOUT_MS", "")
    return int(said) / 1000 if said.isdecimal() and len(said) < 10 else math.inf


async def _gone_within(seconds: float, receive: ASGIReceiveCallable) -> bool:
    try:
        async with asyncio.timeout(seconds):
            return (await receive())["type"] == "http.disconnect"
    except TimeoutError:
        return False
