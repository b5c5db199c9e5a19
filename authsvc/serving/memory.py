"""How many bytes of bodies one process holds at a time, of strangers, of one caller, and in all; whoever finds no room waits.

For the server's event loop alone, so it needs no lock.
"""

from __future__ import annotations

import asyncio
from collections import Counter, OrderedDict
from collections.abc import Hashable


class Memory:
    """`total` bytes for bodies that were granted, of which one caller holds at most `share`."""

    def __init__(self, total: int, share: int) -> None:
        self._free = total
        self._share = share
        self._held: Counter[Hashable] = Counter()
        self._waiting: OrderedDict[asyncio.Future[None], tuple[Hashable, int]] = OrderedDict()

    async def take(self, caller: Hashable, size: int, patience: float) -> bool:
        """Whether there was room, or came to be within `patience` seconds. In order of arrival, but for callers who hold
        their share already: these wait for their own bodies and keep nobody else."""
        if size > self._share:
            return False
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting[turn] = (caller, size)
        self._serve()
        try:
            async with asyncio.timeout(patience):
                await turn
        except TimeoutError:
            return False
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self.give_back(caller, size)
            raise
        finally:
            self._waiting.pop(turn, None)
        return True

    def give_back(self, caller: Hashable, size: int) -> None:
        self._free += size
        self._held[caller] -= size
        if not self._held[caller]:
            del self._held[caller]
        self._serve()

    def _serve(self) -> None:
        for turn, (caller, size) in list(self._waiting.items()):
            if turn.done() or self._held[caller] + size > self._share:
                continue
            if size > self._free:
                # A large body must not wait for ever behind small ones that always fit.
                return
            self._free -= size
            self._held[caller] += size
            self._waiting.pop(turn)
            turn.set_result(None)
