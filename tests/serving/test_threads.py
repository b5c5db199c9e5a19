"""Threads for an event loop: results and failures come back, what was cancelled or dropped is not called."""

import asyncio
import threading
from collections.abc import Iterator

import pytest

from authsvc.serving.admission import BodyWanted
from authsvc.serving.threads import Threads

PATIENCE = 30.0


@pytest.fixture
def threads() -> Iterator[Threads]:
    made = Threads(1, "test")
    yield made
    made.close()


def test_what_a_call_returns_or_raises_comes_back(threads: Threads):
    async def ask() -> None:
        assert await threads.run(divmod, 7, 2) == (3, 1)
        with pytest.raises(ZeroDivisionError):
            await threads.run(divmod, 7, 0)
        with pytest.raises(BodyWanted):
            await threads.run(_want_a_body)
        assert await threads.run(divmod, 9, 3) == (3, 0)

    asyncio.run(asyncio.wait_for(ask(), PATIENCE))


def test_a_call_that_is_given_up_before_its_turn_is_not_made(threads: Threads):
    called: list[str] = []

    async def ask() -> None:
        may_end = threading.Event()
        first = threads.run(may_end.wait, PATIENCE)
        given_up = threads.run(called.append, "given up")
        last = threads.run(called.append, "last")
        given_up.cancel()
        may_end.set()
        await asyncio.gather(first, last)

    asyncio.run(asyncio.wait_for(ask(), PATIENCE))
    assert called == ["last"]


def test_closing_drops_what_waits_and_lets_the_call_end_that_runs():
    threads, begun, may_end, called = Threads(1, "ending"), threading.Event(), threading.Event(), list[str]()

    def first() -> None:
        begun.set()
        may_end.wait(PATIENCE)
        called.append("first")

    async def ask() -> None:
        running = threads.run(first)
        threads.run(called.append, "second")
        await asyncio.get_running_loop().run_in_executor(None, begun.wait, PATIENCE)
        threads.close()
        may_end.set()
        await running

    asyncio.run(asyncio.wait_for(ask(), PATIENCE))
    for thread in threading.enumerate():
        if thread.name.startswith("ending_"):
            thread.join(PATIENCE)
    assert called == ["first"]


def _want_a_body() -> None:
    raise BodyWanted("somebody", 1)
