"""Jobs that wait for a runner: fair between payment backends, and between the accounts of each.

Whoever has computed least lately comes next, so a thousand jobs of one account delay another account by one job. For the
front's event loop alone, so it needs no lock.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import sys
import time
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

Item = TypeVar("Item")
Whom = tuple[str, str]
"""The payment backend and the account for which a job is done; empty where it is nobody's in particular."""

HALF_LIFE_S = 120.0
"""After so long, half of what somebody has computed is forgotten."""

MOST_OF_AN_ACCOUNT = 2
"""Jobs of one account that may wait: a person shows one thing at a time."""

BUDGET_S = 60.0
"""Seconds of computing that one account may have lately: a hundred captures, and a third of one core if it never ends."""

PRESENT_S = 30.0
"""A payment backend that had something computed so lately is there: its next person finds a runner free."""

_LOOK_EVERY_S = 1.0

_REMEMBERED = 10_000


class Full(Exception):
    """There is no room for this job; another one's may be tried."""


@dataclass(slots=True)
class _Spent:
    seconds: float = 0.0
    at: float = 0.0

    def by(self, now: float) -> float:
        return float(self.seconds * math.exp2((self.at - now) / HALF_LIFE_S))


class Ledger:
    """Who has computed how much lately; `clock` counts seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._spent: dict[Whom, _Spent] = {}

    def add(self, whom: Whom, seconds: float) -> None:
        """A job of theirs took so long; it counts for the account and for its backend."""
        now = self._clock()
        if len(self._spent) > _REMEMBERED:
            self._spent = {name: each for name, each in self._spent.items() if each.by(now) > 1.0}
        for name in (whom, (whom[0], "")):
            self._spent[name] = _Spent(self.of(name) + seconds, now)

    def of(self, whom: Whom) -> float:
        spent = self._spent.get(whom)
        return 0.0 if spent is None else spent.by(self._clock())

    def pause(self, whom: Whom) -> int:
        """Seconds until an account is within its budget again, 0 where it is."""
        over = self.of(whom) / BUDGET_S if whom[1] else 0.0
        return 0 if over <= 1.0 else math.ceil(HALF_LIFE_S * math.log2(over))


@dataclass(slots=True)
class FairQueue(Generic[Item]):
    """At most `most` items wait; a full queue makes room for whoever has fewer in it than its largest crowd.

    One backend has `at_once` of them computed at a time while another is there; alone, it may have every runner.
    """

    most: int
    ledger: Ledger = field(default_factory=Ledger)
    at_once: int = sys.maxsize
    clock: Callable[[], float] = time.monotonic
    _running: Counter[str] = field(default_factory=Counter)
    _seen: dict[str, float] = field(default_factory=dict)
    _waiting: dict[Whom, deque[Item]] = field(default_factory=dict)
    _something: asyncio.Event = field(default_factory=asyncio.Event)

    def __len__(self) -> int:
        return sum(map(len, self._waiting.values()))

    def put(self, whom: Whom, item: Item) -> Item | None:
        """Let an item wait; the item that had to make room for it. Raises Full."""
        if whom[1] and len(self._waiting.get(whom, ())) >= MOST_OF_AN_ACCOUNT:
            raise Full
        self._seen[whom[0]] = self.clock()
        evicted = self._make_room(whom) if len(self) >= self.most else None
        self._waiting.setdefault(whom, deque()).append(item)
        self._something.set()
        return evicted

    async def get(self) -> tuple[Whom, Item]:
        """The next item: of the backend that has computed least lately, and there of such an account. `done` ends it."""
        while not (clients := self._admitted()):
            self._something.clear()
            await self._changed()
        client = min(clients, key=lambda name: self.ledger.of((name, "")))
        whom = min((each for each in self._waiting if each[0] == client), key=self.ledger.of)
        self._running[client] += 1
        return whom, self._taken(whom, self._waiting[whom].popleft())

    def done(self, whom: Whom) -> None:
        """What `get` gave out was computed."""
        self._running[whom[0]] -= 1
        self._seen[whom[0]] = self.clock()
        self._something.set()

    def _admitted(self) -> set[str]:
        """Backends of which something waits and may be computed by now."""
        return {client for client, _ in self._waiting if self._running[client] < self._share_of(client)}

    def _share_of(self, client: str) -> int:
        since = self.clock() - PRESENT_S
        self._seen = {name: at for name, at in self._seen.items() if at > since}
        return self.at_once if self._seen.keys() - {client} else sys.maxsize

    async def _changed(self) -> None:
        """Until something came or was done; where something waits, also until another backend may have gone."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_LOOK_EVERY_S if self._waiting else None):
                await self._something.wait()

    def _make_room(self, whom: Whom) -> Item:
        """The newest item of the largest crowd, unless the newcomer belongs to it."""
        crowds: dict[str, int] = {}
        for (client, _), items in self._waiting.items():
            crowds[client] = crowds.get(client, 0) + len(items)
        largest = max(crowds, key=lambda name: crowds[name])
        if crowds.get(whom[0], 0) >= crowds[largest]:
            raise Full
        # Accounts last come are at the end of the dictionary, and the newest item is at the end of theirs.
        victim = [each for each in self._waiting if each[0] == largest][-1]
        return self._taken(victim, self._waiting[victim].pop())

    def _taken(self, whom: Whom, item: Item) -> Item:
        if not self._waiting[whom]:
            del self._waiting[whom]
        return item
