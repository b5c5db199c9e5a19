"""Room for bodies: taken in order, by nobody more than a share, and given back to whoever waits."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

from authsvc.serving.memory import Memory


def run(story: Coroutine[Any, Any, None]) -> None:
    asyncio.run(story)


def test_room_is_taken_and_given_back() -> None:
    async def story() -> None:
        memory = Memory(100, 100)
        assert await memory.take("ann", 100, 0)
        assert not await memory.take("bob", 1, 0.01)
        memory.give_back("ann", 100)
        assert await memory.take("bob", 1, 0)

    run(story())


def test_nobody_has_more_than_a_share_and_whoever_waits_for_it_keeps_nobody_else() -> None:
    async def story() -> None:
        memory = Memory(100, 30)
        assert not await memory.take("ann", 31, 0.01)
        assert await memory.take("ann", 20, 0)
        waiting = asyncio.ensure_future(memory.take("ann", 20, 5))
        await asyncio.sleep(0)
        assert await memory.take("bob", 30, 0)
        assert not waiting.done()
        memory.give_back("ann", 20)
        assert await waiting

    run(story())


def test_a_large_body_does_not_wait_for_ever_behind_small_ones() -> None:
    async def story() -> None:
        memory = Memory(100, 100)
        assert await memory.take("ann", 50, 0)
        large = asyncio.ensure_future(memory.take("bob", 80, 5))
        await asyncio.sleep(0)
        assert not await memory.take("eve", 10, 0.01)
        memory.give_back("ann", 50)
        assert await large

    run(story())


def test_whoever_goes_away_leaves_no_trace() -> None:
    async def story() -> None:
        memory = Memory(100, 100)
        assert await memory.take("ann", 100, 0)
        gone = [asyncio.ensure_future(memory.take("bob", 100, 5)) for _ in range(3)]
        await asyncio.sleep(0)
        for each in gone[:2]:
            each.cancel()
        memory.give_back("ann", 100)
        gone[2].cancel()
        await asyncio.gather(*gone, return_exceptions=True)
        assert await memory.take("eve", 100, 0.01)

    run(story())
