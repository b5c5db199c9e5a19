"""One request's body: no more of it is read than is allowed, and the room that it took is given back once."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any

from authsvc.serving.exchange import KNOWN, Exchange
from authsvc.serving.memory import Memory

GONE = {"type": "http.disconnect"}


def chunk(body: bytes, *, more: bool = False) -> dict[str, Any]:
    return {"type": "http.request", "body": body, "more_body": more}


def exchange(messages: Iterable[dict[str, Any]], length: int | None = None, **extra: Any) -> Exchange:
    waiting = iter(messages)

    async def receive() -> Any:
        return next(waiting)

    scope: Any = {
        "type": "http",
        "method": "POST",
        "scheme": "http",
        "path": "/",
        "raw_path": b"/",
        "query_string": b"",
        "root_path": "",
        "http_version": "1.1",
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 80),
        "headers": [
            (b"host", b"a"),
            *([] if length is None else [(b"content-length", str(length).encode())]),
        ],
        **extra,
    }
    return Exchange(scope, receive)


def test_a_body_is_read_to_its_end_and_handed_out_once() -> None:
    read = exchange([chunk(b"ab", more=True), chunk(b"c")])
    assert asyncio.run(read.read(10))
    assert read.is_whole
    assert (read.body(), read.body()) == (b"abc", b"")


def test_of_a_body_without_an_end_no_more_is_read_than_shows_it() -> None:
    read = exchange([chunk(b"x" * 6, more=True)] * 100)
    assert asyncio.run(read.read(10))
    assert not read.is_whole
    assert len(read.body()) == 12


def test_nothing_is_read_of_what_is_announced_as_too_much() -> None:
    read = exchange([], length=11)
    assert asyncio.run(read.read(10))
    assert not read.is_whole


def test_a_client_that_went_away_is_said_so() -> None:
    assert not asyncio.run(exchange([chunk(b"a", more=True), GONE]).read(10))


def test_room_is_held_from_when_it_is_found_to_the_close_and_the_sender_is_known_by_then() -> None:
    async def play() -> list[bool]:
        memory, known = Memory(10, 10), list[str]()
        first = exchange([], length=8, **{KNOWN: lambda: known.append("first")})
        second = exchange([], length=8, **{KNOWN: lambda: known.append("second")})
        found = [await first.find_room(memory, "a", 10, 0.01), await second.find_room(memory, "b", 10, 0.01)]
        assert known == ["first"]
        first.close()
        first.close()
        found.append(await second.find_room(memory, "b", 10, 0.01))
        found.append(await exchange([], length=8).find_room(memory, "c", 10, 0.01))
        return found

    assert asyncio.run(play()) == [True, False, True, False]


def test_a_body_of_unknown_length_takes_as_much_room_as_it_may_have() -> None:
    async def play() -> bool:
        memory = Memory(10, 10)
        await exchange([]).find_room(memory, "a", 10, 0.01)
        return await exchange([], length=1).find_room(memory, "b", 10, 0.01)

    assert not asyncio.run(play())
