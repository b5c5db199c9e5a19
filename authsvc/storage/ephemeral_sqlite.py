"""Short-lived state in an SQLite file of its own, for installations of one host.

Correct across the threads and processes of that host. A power cut may lose the last writes, as losing any of this may;
the durable database therefore is another file. Made after a fork, not before: SQLite's connections do not survive one.
"""

from __future__ import annotations

import contextlib
import fcntl
import math
import os
import sqlite3
import threading
import time
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

from authsvc.clock import Clock, to_millis
from authsvc.ephemeral import Key
from authsvc.errors import Unavailable
from authsvc.storage.doubt import Doubt

SWEEP_EVERY = timedelta(minutes=1)
SWEEP_ROWS = 1_000

_SCHEMA = """
CREATE TABLE IF NOT EXISTS entry (
    owner TEXT NOT NULL, name TEXT NOT NULL, value BLOB NOT NULL, expires INTEGER NOT NULL,
    PRIMARY KEY (owner, name)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS entry_expires ON entry (expires);
"""
_PUT = """INSERT INTO entry VALUES (:owner, :name, :value, :expires)
    ON CONFLICT DO UPDATE SET value = excluded.value, expires = excluded.expires"""
_ADD = f"{_PUT} WHERE entry.expires <= :now"
_INCREMENT = """INSERT INTO entry VALUES (:owner, :name, CAST('1' AS BLOB), :expires)
    ON CONFLICT DO UPDATE SET
        value = CASE WHEN expires <= :now THEN excluded.value
                     ELSE CAST(CAST(value AS INTEGER) + 1 AS BLOB) END,
        expires = CASE WHEN expires <= :now THEN excluded.expires ELSE expires END
    RETURNING value"""
_GET = "SELECT value FROM entry WHERE owner = :owner AND name = :name AND expires > :now"
_TAKE = "DELETE FROM entry WHERE owner = :owner AND name = :name AND expires > :now RETURNING value"
_DELETE = "DELETE FROM entry WHERE owner = :owner AND name = :name"
_SWEEP = """DELETE FROM entry WHERE (owner, name) IN
    (SELECT owner, name FROM entry WHERE expires <= :now LIMIT :rows)"""

Params = dict[str, str | bytes | int]


class SqliteEphemeral:
    """`Ephemeral` in the file `path`, made with mode 0600. `patience` bounds the wait for other writers, in seconds.

    An entry's time to live is judged by `clock`. Raises Unavailable when the file cannot be opened.
    """

    def __init__(self, path: Path, clock: Clock, *, patience: float = 2.0) -> None:
        self._path = path
        self._clock = clock
        self._patience = patience
        self._doubt = Doubt("the short-lived store does not answer")
        self._connections = threading.local()
        with _translated():
            # SQLite gives its journal files the mode of the database itself; see `SqliteDatabase` for why only a new one.
            with contextlib.suppress(FileExistsError):
                os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
            self._lock = _Turn(path.with_name(f"{path.name}.lock"))
            with self._lock.held(patience):
                self._connection().execute("PRAGMA journal_mode = WAL").fetchall()
                self._connection().executescript(_SCHEMA)
        self._swept = clock.now()

    def put(self, key: Key, value: bytes, ttl: timedelta) -> None:
        self._write(_PUT, self._entry(key, ttl) | {"value": value})

    def get(self, key: Key) -> bytes | None:
        with _translated():
            return _value(self._connection().execute(_GET, self._named(key)).fetchall())

    def take(self, key: Key) -> bytes | None:
        return _value(self._write(_TAKE, self._named(key)))

    def add(self, key: Key, value: bytes, ttl: timedelta) -> bool:
        return bool(self._write(f"{_ADD} RETURNING 1", self._entry(key, ttl) | {"value": value}))

    def increment(self, key: Key, ttl: timedelta) -> int:
        return int(self._write(_INCREMENT, self._entry(key, ttl))[0][0])

    def delete(self, key: Key) -> None:
        self._write(_DELETE, self._named(key))

    def ping(self) -> None:
        self._write(_DELETE, {"owner": "", "name": ""})

    def close(self) -> None:
        """Let go of this thread's connection and the lock file; other threads' connections end with their threads."""
        self._connections.__dict__.clear()
        self._lock.close()

    def _write(self, statement: str, params: Params) -> list[tuple[bytes]]:
        with self._doubt.asking():
            try:
                rows = self._write_in_turn(statement, params)
            except Unavailable:
                # One that was opened while nothing could be written would only ever read.
                self._connections.__dict__.clear()
                self._doubt.raise_()
                raise
            self._doubt.settle()
            return rows

    def _write_in_turn(self, statement: str, params: Params) -> list[tuple[bytes]]:
        with _translated(), self._lock.held(self._patience):
            self._sweep_now_and_then()
            # Fetched to the end, because only a finished statement is committed.
            return self._connection().execute(statement, params).fetchall()

    def _sweep_now_and_then(self) -> None:
        now = self._clock.now()
        if now - self._swept >= SWEEP_EVERY:
            self._swept = now
            self._connection().execute(_SWEEP, {"now": to_millis(now), "rows": SWEEP_ROWS})

    def _named(self, key: Key) -> Params:
        return {"owner": key.owner, "name": key.name, "now": to_millis(self._clock.now())}

    def _entry(self, key: Key, ttl: timedelta) -> Params:
        params = self._named(key)
        lifetime = max(1, math.ceil(ttl / timedelta(milliseconds=1)))
        return params | {"expires": to_millis(self._clock.now()) + lifetime}

    def _connection(self) -> sqlite3.Connection:
        """This thread's own connection: sharing one would make readers wait for writers."""
        connection: sqlite3.Connection | None = getattr(self._connections, "own", None)
        if connection is None:
            connection = sqlite3.connect(
                self._path,
                # Writers of ours wait for the turn instead; this is the wait for others, and comes on top.
                timeout=self._patience / 4,
                isolation_level=None,
                check_same_thread=False,
                factory=_Connection,
            )
            connection.execute("PRAGMA synchronous = NORMAL")
            self._connections.own = connection
        return connection


class _Connection(sqlite3.Connection):
    """Closes itself when its thread ends."""

    def __del__(self) -> None:
        self.close()


class _Turn:
    """One writer at a time: first among this process's threads, then among the host's processes.

    Stands before SQLite's own lock, whose busy handler starves whoever has waited longest. Polled, since flock has no
    time limit; the kernel lets go of it when its holder dies.
    """

    POLL_S = 0.0005

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self.close = weakref.finalize(self, os.close, self._file)
        self._thread = threading.Lock()

    @contextmanager
    def held(self, patience: float) -> Iterator[None]:
        deadline = time.monotonic() + patience
        if not self._thread.acquire(timeout=patience):
            raise Unavailable("the short-lived store is busy", retry_after=1)
        try:
            self._lock_file(deadline)
            try:
                yield
            finally:
                fcntl.flock(self._file, fcntl.LOCK_UN)
        finally:
            self._thread.release()

    def _lock_file(self, deadline: float) -> None:
        while True:
            try:
                return fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise Unavailable("the short-lived store is busy", retry_after=1) from None
            time.sleep(self.POLL_S)


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except (sqlite3.Error, OSError) as error:
        raise Unavailable("the short-lived store does not answer", retry_after=1) from error


def _value(rows: list[tuple[bytes]]) -> bytes | None:
    return rows[0][0] if rows else None
