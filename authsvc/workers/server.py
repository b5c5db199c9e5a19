"""The biometric worker's front: accepts connections, admits few jobs, hands them to runners, and returns in time.

It computes nothing itself, so it says `busy` at once however much the runners have to do. A job is run at most once: it
is never repeated, dropped unrun when its deadline has passed, and ended together with its runner when it exceeds it.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import signal
import socket
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

from authsvc.errors import RateLimited
from authsvc.factor import Json
from authsvc.http import traced
from authsvc.workers.fair_queue import FairQueue, Full
from authsvc.workers.listener import is_own_user, listening
from authsvc.workers.messages import ABOUT, Handler, Job, answered, failed, seconds_of, unavailable
from authsvc.workers.protocol import BrokenFrame, Message, encode, read
from authsvc.workers.runner import Runner

PATIENCE_S = 10.0
"""How long a client may take to send the rest of a frame, or to fetch its answer."""

GRACE_S = 5.0
"""How long admitted jobs may still run after SIGTERM."""

_STREAM_BUFFER = 1024 * 1024

BUSY = "the biometric workers are busy"

_log = logging.getLogger(__name__)

Waiting = tuple[Job, "asyncio.Future[Message]"]


def serve(
    socket_path: Path,
    handlers: Mapping[str, Handler],
    *,
    about: Json,
    queue: int = 8,
    jobs: int = 1,
    client_jobs: int = 0,
    ready: Callable[[], object] = lambda: None,
) -> None:
    """Serve until SIGTERM or SIGINT; call it in the main thread of a process that has loaded its models and has no threads.

    `jobs` runners compute at a time and `queue` more jobs may wait, fairly (`fair_queue`); one payment backend has
    `client_jobs` of the runners while another is there, 0 for all but one. `about` is told to whoever asks for it. `ready` is
    called once clients can connect. Handlers run in a fork without this process's open files.
    Raises ConfigurationError for a socket path that cannot be served.
    """
    if len(list(Path("/proc/self/task").iterdir())) > 1:
        _log.warning("a library has started threads of its own: no runner will have them")
    # What is loaded now is shared with the runners for as long as the collector does not touch it.
    gc.collect()
    gc.freeze()
    with listening(socket_path) as listener:
        asyncio.run(_Front(handlers, about, queue, jobs, client_jobs).serve(listener, ready))


class _Front:
    def __init__(
        self, handlers: Mapping[str, Handler], about: Json, queue: int, jobs: int, client_jobs: int = 0
    ) -> None:
        self._ops = frozenset(handlers)
        self._about = about
        self._queue: FairQueue[Waiting] = FairQueue(max(1, queue), at_once=client_jobs or max(1, jobs - 1))
        self._running = 0
        self._idle = asyncio.Event()
        self._runners = tuple(Runner(handlers) for _ in range(jobs))
        self._conversations: set[asyncio.Task[None]] = set()

    async def serve(self, listener: socket.socket, ready: Callable[[], object]) -> None:
        for runner in self._runners:
            await runner.start()
        working = [asyncio.create_task(self._work(runner)) for runner in self._runners]
        stopped = _stop_signal()
        server = await asyncio.start_unix_server(self._accept, sock=listener, limit=_STREAM_BUFFER)
        ready()
        await asyncio.wait([*working, stopped], return_when=asyncio.FIRST_COMPLETED)
        server.close()
        with suppress(TimeoutError):
            await asyncio.wait_for(self._drained(), GRACE_S)
        await _end([*working, *self._conversations])
        for runner in self._runners:
            runner.kill()

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        conversation = asyncio.create_task(self._converse(reader, writer))
        self._conversations.add(conversation)
        conversation.add_done_callback(self._conversations.discard)

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One job after the other, until the client leaves or makes no sense."""
        try:
            while is_own_user(writer.get_extra_info("socket")):
                job = Job.of(await read(reader, PATIENCE_S))
                writer.writelines(encode(await self._answer(job)))
                async with asyncio.timeout(PATIENCE_S):
                    await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        except (BrokenFrame, TimeoutError) as error:
            _log.warning("a client of the biometric worker was cut off: %s", type(error).__name__)
        finally:
            writer.close()

    async def _answer(self, job: Job) -> Message:
        if job.op == ABOUT:
            return answered((self._about, ()))
        if job.op not in self._ops:
            return unavailable(f"the biometric worker does not know `{job.op}`")
        whom = (job.client, job.account)
        pause = self._queue.ledger.pause(whom)
        if pause:
            return failed(RateLimited("too much was computed for this account lately", retry_after=pause))
        answer: asyncio.Future[Message] = asyncio.get_running_loop().create_future()
        try:
            evicted = self._queue.put(whom, (job, answer))
        except Full:
            return unavailable(BUSY)
        if evicted is not None:
            _settle(evicted, unavailable(BUSY))
        return await answer

    async def _work(self, runner: Runner) -> None:
        while True:
            whom, waiting = await self._queue.get()
            self._running += 1
            began = time.monotonic()
            with traced(waiting[0].trace):
                message = await _run(runner, waiting[0])
            # A job that crashed or was ended has not said what it took.
            self._queue.ledger.add(whom, seconds_of(message) or time.monotonic() - began)
            self._queue.done(whom)
            _settle(waiting, message)
            self._running -= 1
            self._idle.set()

    async def _drained(self) -> None:
        """Until everything that was admitted has been answered."""
        while self._running or len(self._queue):
            self._idle.clear()
            await self._idle.wait()


def _settle(waiting: Waiting, message: Message) -> None:
    _, answer = waiting
    if not answer.done():
        answer.set_result(message)


async def _run(runner: Runner, job: Job) -> Message:
    patience = job.expires - time.monotonic()
    if patience <= 0:
        return unavailable("the biometric job came too late")
    try:
        return await runner.run(job, patience)
    except TimeoutError:
        _log.warning("biometric job `%s` exceeded its deadline", job.op)
        detail = "the biometric job took too long"
    except (asyncio.IncompleteReadError, ConnectionError, BrokenFrame):
        _log.error("biometric job `%s` crashed its runner", job.op)
        detail = "the biometric job crashed"
    await runner.replace()
    return unavailable(detail)


def _stop_signal() -> asyncio.Future[None]:
    loop = asyncio.get_running_loop()
    stopped: asyncio.Future[None] = loop.create_future()

    def stop() -> None:
        if not stopped.done():
            stopped.set_result(None)

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop)
    return stopped


async def _end(tasks: list[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    for outcome in await asyncio.gather(*tasks, return_exceptions=True):
        if isinstance(outcome, Exception):
            raise outcome
