"""The embedded database: one SQLite file in WAL mode, correct across worker processes.

A file lock stands before BEGIN IMMEDIATE, because SQLite's own busy handler starves whoever has waited longest.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import sqlite3
import weakref
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from authsvc.errors import Unavailable
from authsvc.storage.database import Params, Query, Row

PRAGMAS = ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON", "temp_store = MEMORY")


class SqliteConnection:
    def __init__(self, path: Path, patience: float) -> None:
        # The ledger's writer and the readers' pool each hand a connection to one thread at a time.
        self._raw = sqlite3.connect(
            path, timeout=patience, isolation_level=None, check_same_thread=False, cached_statements=256
        )
        try:
            for pragma in PRAGMAS:
                self._raw.execute(f"PRAGMA {pragma}")
        except sqlite3.Error:
            self._raw.close()
            raise

    def begin(self, ahead: Sequence[Query] = (), *, believing: bool = False) -> None:
        """No round trip is saved here, so nothing is asked ahead and nothing is put off."""
        self._execute("BEGIN IMMEDIATE", {})

    def begin_reading(self) -> None:
        self._execute("BEGIN DEFERRED", {})

    def commit(self) -> None:
        self._execute("COMMIT", {})

    def rollback(self) -> None:
        if self._raw.in_transaction:
            self._execute("ROLLBACK", {})

    def close(self) -> None:
        self._raw.close()

    def is_stale(self) -> bool:
        return False

    def all(self, sql: str, params: Params) -> list[Row]:
        # Not `_translated`: a decision asks often enough that a context manager for each statement shows.
        try:
            return self._raw.execute(sql, params).fetchall()
        except sqlite3.Error as error:
            raise _unavailable(error) from error

    def run(self, sql: str, params: Params) -> int:
        return self._execute(sql, params).rowcount

    def expect(self, sql: str, params: Params) -> bool:
        return self.run(sql, params) == 1

    def settle(self) -> None:
        """Nothing was put off."""

    def many(self, sql: str, rows: Iterable[Params], *, at_last: bool = False) -> None:
        with _translated():
            self._raw.executemany(sql, rows)

    def _execute(self, sql: str, params: Params) -> sqlite3.Cursor:
        try:
            return self._raw.execute(sql, params)
        except sqlite3.Error as error:
            raise _unavailable(error) from error


def new_file(path: Path) -> None:
    """Make a database's file, for nobody else to read, where there is none; SQLite gives its journal files the same mode.

    Only a new file may be opened and closed: closing any other would drop the locks that this process holds on it (fcntl(2)),
    and with them the journal of who is connected.
    """
    with contextlib.suppress(FileExistsError):
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))


class SqliteDatabase:
    dialect = "sqlite"

    def __init__(self, path: Path, patience: float) -> None:
        self._path = path
        self._patience = patience
        self._lock = os.open(
            path.with_name(path.name + ".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600
        )
        weakref.finalize(self, os.close, self._lock)
        new_file(path)

    def connect(self) -> SqliteConnection:
        with _translated():
            return SqliteConnection(self._path, self._patience)

    @contextmanager
    def turn(self) -> Iterator[None]:
        fcntl.flock(self._lock, fcntl.LOCK_EX)
        try:
            yield
        finally:
            fcntl.flock(self._lock, fcntl.LOCK_UN)


_LASTING = {
    sqlite3.SQLITE_CORRUPT: "it is damaged; restore a backup",
    sqlite3.SQLITE_NOTADB: "its file is no SQLite database",
    sqlite3.SQLITE_CANTOPEN: "its file cannot be opened",
    sqlite3.SQLITE_READONLY: "its file cannot be written",
    sqlite3.SQLITE_FULL: "the disk is full",
}
"""What somebody has to do something about, by the primary result code (https://sqlite.org/rescode.html)."""


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise _unavailable(error) from error


def _unavailable(error: sqlite3.Error) -> Unavailable:
    said = _LASTING.get(getattr(error, "sqlite_errorcode", 0) & 0xFF, type(error).__name__)
    return Unavailable(f"the database did not answer: {said}", retry_after=1)
