"""One request as the bridge reads it: so much for anybody, the rest where it was granted, and all of its bytes accounted for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from authsvc.serving.environ import environ_of
from authsvc.serving.memory import Memory

if TYPE_CHECKING:
    from collections.abc import Callable

    from uvicorn._types import ASGIReceiveCallable, HTTPScope

KNOWN = "authsvc.known"
"""Where the protocol leaves, in the scope, what is to be called once the sender of a body is known."""


class Exchange:
    """`environ` is everything of the request but its body. For one task."""

    def __init__(self, scope: HTTPScope, receive: ASGIReceiveCallable) -> None:
        self.environ = environ_of(scope)
        self.receive = receive
        self.is_whole = False
        self._known = cast("dict[str, Callable[[], None]]", scope).get(KNOWN)
        self._chunks: list[bytes] = []
        self._size = 0
        self._held: tuple[Memory, str, int] | None = None

    @property
    def announced(self) -> int | None:
        """What the client says that it will send, None for a chunked body."""
        length: Any = self.environ.get("CONTENT_LENGTH")
        return None if length is None else int(length)

    async def read(self, most: int) -> bool:
        """Read all of a body of up to `most` bytes, and of a larger one no more than shows it; False when the client is gone."""
        if (self.announced or 0) > most:
            return True
        while not self.is_whole and self._size <= most:
            message = await self.receive()
            if message["type"] != "http.request":
                return False
            self._chunks.append(message["body"])
            self._size += len(message["body"])
            self.is_whole = not message["more_body"]
        return True

    async def find_room(self, memory: Memory, caller: str, most: int, patience: float) -> bool:
        """Whether there is room for the body; then it is this request's until `close`."""
        size = most if self.announced is None else self.announced
        if not await memory.take(caller, size, patience):
            return False
        self._held = (memory, caller, size)
        if self._known is not None:
            self._known()
        return True

    def body(self) -> bytes:
        """What was read, once."""
        chunks, self._chunks = self._chunks, []
        return b"".join(chunks)

    def close(self) -> None:
        """Give back the room that was taken."""
        if self._held is not None:
            memory, caller, size = self._held
            self._held = None
            memory.give_back(caller, size)
