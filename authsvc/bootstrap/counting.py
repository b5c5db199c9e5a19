"""A short-lived store whose silences are counted."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from authsvc.bootstrap.opening import ClosingEphemeral
from authsvc.ephemeral import Key
from authsvc.errors import Unavailable
from authsvc.events import Tally


class CountedEphemeral:
    """`Ephemeral`, and each time that it does not answer is told."""

    def __init__(self, store: ClosingEphemeral, tally: Tally) -> None:
        self._store = store
        self._tally = tally

    def put(self, key: Key, value: bytes, ttl: timedelta) -> None:
        with self._counted():
            self._store.put(key, value, ttl)

    def get(self, key: Key) -> bytes | None:
        with self._counted():
            return self._store.get(key)

    def take(self, key: Key) -> bytes | None:
        with self._counted():
            return self._store.take(key)

    def add(self, key: Key, value: bytes, ttl: timedelta) -> bool:
        with self._counted():
            return self._store.add(key, value, ttl)

    def increment(self, key: Key, ttl: timedelta) -> int:
        with self._counted():
            return self._store.increment(key, ttl)

    def delete(self, key: Key) -> None:
        with self._counted():
            self._store.delete(key)

    def ping(self) -> None:
        with self._counted():
            self._store.ping()

    def close(self) -> None:
        self._store.close()

    @contextmanager
    def _counted(self) -> Iterator[None]:
        try:
            yield
        except Unavailable:
            self._tally.store_failed("ephemeral")
            raise
