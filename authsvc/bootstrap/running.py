"""A running service: what the web asks, what is done now and then beside it, and what is closed at the end."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from authsvc.bootstrap.opening import Closeable, Store
from authsvc.bootstrap.timekeeping import ClockWatch
from authsvc.errors import AuthsvcError
from authsvc.events import Tally
from authsvc.operators.console import Console
from authsvc.policy_life.active import PolicyWatch
from authsvc.services.services import Services
from authsvc.web.gauge import Gauge

logger = logging.getLogger(__name__)

TICK = timedelta(seconds=1)
GRACE_S = 60.0
"""How much longer than three times its own period a chore may take: most outages are shorter, and show by themselves."""

BEHIND = "behind"
"""What a chore returns that did its piece and left more than that undone."""


@dataclass(frozen=True, slots=True)
class Chore:
    """Something that each process does every so often, and `at_once` where others wait for its first answer."""

    name: str
    every: timedelta
    do: Callable[[], object]
    at_once: bool = False

    def is_due(self, tick: int) -> bool:
        """Whether it is this tick's turn, counted from 1."""
        return tick % max(1, round(self.every / TICK)) == 0 or (self.at_once and tick == 1)


class Punctuality:
    """When each chore of this process last ended well: one that fails, sticks, or stands behind one that sticks, is late."""

    def __init__(self) -> None:
        self._done: dict[str, float] = {}
        self._due: dict[str, float] = {}

    def expect(self, chores: Sequence[Chore]) -> None:
        """From now on."""
        for chore in chores:
            self._done[chore.name] = time.monotonic()
            self._due[chore.name] = 3 * chore.every.total_seconds() + GRACE_S

    def done(self, name: str) -> None:
        self._done[name] = time.monotonic()

    def ages(self) -> Mapping[str, float]:
        """Seconds since each chore ended well."""
        now = time.monotonic()
        return {name: now - at for name, at in self._done.items()}

    def late(self) -> tuple[str, ...]:
        return tuple(name for name, age in self.ages().items() if age > self._due[name])


class Wired:
    """The services of one process over their stores."""

    def __init__(
        self,
        services: Services,
        console: Console,
        store: Store,
        chores: Sequence[Chore],
        watch: PolicyWatch,
        parts: Sequence[Closeable],
        tally: Tally,
        punctuality: Punctuality,
        clock_watch: ClockWatch,
    ) -> None:
        self.clock_watch = clock_watch
        self._tally = tally
        self.punctuality = punctuality
        self.services = services
        self.console = console
        self.store = store
        self.chores = tuple(chores)
        self.watch = watch
        self._parts = parts
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def start_chores(self) -> None:
        """Begin what is done now and then, in threads of its own."""
        self.punctuality.expect(self.chores)
        self._thread = threading.Thread(target=self._do_chores, name="chores", daemon=True)
        self._thread.start()
        self.watch.start()

    def gauges(self) -> Iterator[Gauge]:
        """What only this process knows."""
        for chore, age in self.punctuality.ages().items():
            yield Gauge("chore_age_seconds", "Since a chore ended well", age, {"chore": chore})
        yield from self.clock_watch.gauges()

    def close(self) -> None:
        self._stop.set()
        self.watch.close()
        if self._thread is not None:
            self._thread.join(timeout=5)
        self.store.close()
        for part in self._parts:
            part.close()

    def _do_chores(self) -> None:
        tick = 0
        while not self._stop.wait(TICK.total_seconds()):
            tick += 1
            for chore in self.chores:
                if chore.is_due(tick):
                    self.do(chore)

    def do(self, chore: Chore) -> None:
        """Once, and counted."""
        result = attempt(chore.name, chore.do)
        self._tally.chore_done(chore.name, result)
        if result == "well":
            self.punctuality.done(chore.name)


def attempt(what: str, chore: Callable[[], object]) -> str:
    """`well`, `behind` or `failed`. A chore that fails is tried again the next time; the service goes on."""
    try:
        return BEHIND if chore() == BEHIND else "well"
    except AuthsvcError as error:
        logger.warning("%s failed: %s", what, error.detail)
        return "failed"
