"""One process that computes, one job at a time; it may crash or hang, and only its present job is lost.

Forked from the server after the models are loaded: runners share them, and a new one stands ready within milliseconds.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
import traceback
from collections.abc import Mapping
from typing import NoReturn

from authsvc.errors import AuthsvcError
from authsvc.http import traced
from authsvc.workers.messages import Handler, Job, answered, failed, unavailable, with_seconds
from authsvc.workers.protocol import Frame, Message, encode, read, receive, send

NICE = 10

_log = logging.getLogger(__name__)


class Runner:
    """The server's side of one computing process."""

    def __init__(self, handlers: Mapping[str, Handler]) -> None:
        self._handlers = handlers
        self._pid = 0
        self._reader: asyncio.StreamReader
        self._writer: asyncio.StreamWriter

    async def start(self) -> None:
        ours, theirs = socket.socketpair()
        self._pid = os.fork()
        if self._pid == 0:
            _become_runner(theirs, self._handlers)
        theirs.close()
        self._reader, self._writer = await asyncio.open_unix_connection(sock=ours)

    async def run(self, job: Job, patience: float) -> Message:
        """The job's answer; raises TimeoutError after `patience` seconds, ConnectionError or EOFError on a crash.

        After either, nothing but `replace` helps.
        """
        if self._reader.at_eof():
            # It died while it was idle, for instance of a full memory: no job was lost, and none need be.
            await self.replace()
        async with asyncio.timeout(patience):
            self._writer.writelines(encode(job.message()))
            await self._writer.drain()
            return await read(self._reader, patience)

    async def replace(self) -> None:
        """Kill what is left of the process and start another."""
        self.kill()
        await self.start()

    def kill(self) -> None:
        self._writer.close()
        os.kill(self._pid, signal.SIGKILL)
        os.waitpid(self._pid, 0)


def _become_runner(connection: socket.socket, handlers: Mapping[str, Handler]) -> NoReturn:
    """Leave everything of the server behind, and never return into it."""
    try:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        # A Ctrl-C goes to the whole terminal; the server decides when its runners end.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        _close_all_but(connection.fileno())
        os.nice(NICE)
        work(connection, handlers)
    except BaseException as error:  # noqa: BLE001 - beyond this frame lies the server's own event loop.
        _log.error("a biometric runner ended: %s", _whereabouts(error))
    finally:
        os._exit(1)


def work(connection: socket.socket, handlers: Mapping[str, Handler]) -> None:
    """Run jobs until the server closes the connection."""
    while True:
        try:
            job = Job.of(receive(connection))
        except ConnectionError:
            return
        began = _computed()
        with traced(job.trace):
            send(connection, _run(job, handlers, began))


def _run(job: Job, handlers: Mapping[str, Handler], began: float) -> Frame:
    def frame(message: Message) -> Frame:
        return encode(with_seconds(message, _computed() - began))

    try:
        return frame(answered(handlers[job.op](job.header, job.blobs)))
    except AuthsvcError as error:
        return frame(failed(error))
    except Exception as error:  # noqa: BLE001 - whatever a library raises, the worker goes on.
        _log.error("biometric job `%s` failed: %s", job.op, _whereabouts(error))
        return frame(unavailable("the biometric worker failed"))


def _computed() -> float:
    """Seconds of computing so far, those of children that have ended included: some pictures are decoded in one."""
    return sum(os.times()[:4])


def _whereabouts(error: BaseException) -> str:
    """The kind of error and the way to it, without its text: that may quote what was being worked on."""
    calls = traceback.extract_tb(error.__traceback__)
    way = " < ".join(f"{call.filename}:{call.lineno}" for call in reversed(calls))
    return f"{type(error).__name__} at {way}"


def _close_all_but(kept: int) -> None:
    """Close the server's sockets here too: a client must see its connection end when the server ends it."""
    os.closerange(3, kept)
    os.closerange(kept + 1, 2**31 - 1)
