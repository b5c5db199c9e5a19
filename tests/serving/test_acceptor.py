"""Lasting connections are spread over the processes, and a process that could take one is never waited for in vain."""

from __future__ import annotations

import asyncio
import json
import socket
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack
from http.client import HTTPConnection

import pytest

from authsvc.serving.acceptor import Acceptor
from tests.serving.conftest import PATIENCE_S, DemoServer


class Greeting(asyncio.Protocol):
    """Says its acceptor's name and hangs up."""

    def __init__(self, name: bytes) -> None:
        self.name = name

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        transport.write(self.name)
        transport.close()


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as opened:
        yield opened


def played(story: Callable[[], Awaitable[None]]) -> None:
    async def whole() -> None:
        await asyncio.wait_for(story(), PATIENCE_S)

    asyncio.run(whole())


async def greeted(listener: socket.socket) -> bytes:
    reader, writer = await asyncio.open_connection(*listener.getsockname())
    try:
        return await reader.read()
    finally:
        writer.close()
        await writer.wait_closed()


def test_who_leaves_a_connection_leaves_it_to_the_other(listener: socket.socket) -> None:
    async def story() -> None:
        shy = Acceptor(listener, lambda: Greeting(b"shy"), None, lambda under_way: True)
        ready = Acceptor(listener, lambda: Greeting(b"ready"), None, lambda under_way: False)
        found = [await greeted(listener) for _ in range(8)]
        # On a busy machine the other may come too late for one of them; all eight it is never too late for.
        assert b"ready" in found
        for each in (shy, ready):
            each.close()
            await each.wait_closed()

    played(story)


def test_a_connection_that_nobody_else_takes_is_taken_after_all(listener: socket.socket) -> None:
    async def story() -> None:
        asked: list[int] = []

        def leave(under_way: int) -> bool:
            asked.append(under_way)
            return True

        shy = Acceptor(listener, lambda: Greeting(b"shy"), None, leave)
        assert [await greeted(listener) for _ in range(3)] == [b"shy"] * 3
        assert asked
        shy.close()

    played(story)


def test_without_descriptors_it_waits_and_goes_on(
    listener: socket.socket, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    class Exhausted(socket.socket):
        """A listener with which the first `accept` finds no descriptor left."""

        refusals = 1

        def accept(self) -> tuple[socket.socket, object]:
            if self.refusals:
                self.refusals -= 1
                raise OSError(24, "Too many open files")
            return super().accept()

    monkeypatch.setattr("authsvc.serving.acceptor._NO_FILES_PAUSE_S", 0.01)

    async def story() -> None:
        with Exhausted(fileno=listener.detach()) as exhausted:
            acceptor = Acceptor(exhausted, lambda: Greeting(b"there"), None, lambda under_way: False)
            assert await greeted(exhausted) == b"there"
            acceptor.close()

    played(story)
    assert "Too many open files" in caplog.text


def test_the_connections_of_a_backend_are_spread_over_the_processes(server: DemoServer) -> None:
    def spread(count: int) -> Counter[int]:
        with ExitStack() as stack:
            pids: Counter[int] = Counter()
            for _ in range(count):
                connection = HTTPConnection("127.0.0.1", server.port, timeout=PATIENCE_S)
                stack.callback(connection.close)
                connection.request("GET", "/pid")
                pids[json.loads(connection.getresponse().read())] += 1
            return pids

    # A process that the machine gives no time has nothing left to it; of ten attempts it has some in one.
    found = [sorted(spread(16).values()) for _ in range(10)]
    assert any(len(each) == 2 and each[0] >= 7 for each in found), found
