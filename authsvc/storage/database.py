"""One small face for the two databases: SQLite (embedded, WAL) and PostgreSQL (by URL).

Statements are written once, with `:name` parameters, in the SQL that both speak. Whatever a driver raises leaves here as
`Unavailable`, and the connection it was raised on is thrown away: the next caller gets a fresh one.
"""

from __future__ import annotations

import queue
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache
from typing import Any, Protocol

from authsvc.errors import Unavailable
from authsvc.storage.doubt import Doubt

Params = Mapping[str, object]
Query = tuple[str, Params]
Row = tuple[Any, ...]  # Any: a column's type is known by its statement, not by the driver.


class Conflict(Exception):
    """Somebody else changed the row in between; the unit of work may be run again. Never leaves the storage room."""


class Connection(Protocol):
    def begin(self, ahead: Sequence[Query] = (), *, believing: bool = False) -> None:
        """Start a transaction that may write; `ahead` are queries it is going to ask.

        Where a round trip costs, those are asked together and `all` answers them from memory, and a `believing`
        transaction puts off what it `expect`s until `settle`.
        """

    def begin_reading(self) -> None:
        """Start a transaction whose every query sees the same moment; `rollback` ends it."""

    def commit(self) -> None: ...

    def rollback(self) -> None: ...

    def close(self) -> None: ...

    def is_stale(self) -> bool:
        """Whether the server has let go of this idle connection; asked without a word to the server."""

    def all(self, sql: str, params: Params) -> list[Row]:
        """Every row that the query answers."""

    def run(self, sql: str, params: Params) -> int:
        """Execute, and return how many rows it touched: the permission of a conditional write."""

    def many(self, sql: str, rows: Iterable[Params], *, at_last: bool = False) -> None:
        """Execute once for every row, in as few round trips as the driver knows; a write that is `at_last` may be put off."""

    def expect(self, sql: str, params: Params) -> bool:
        """Whether a write touched its one row. Put off, it is believed to; `settle` raises Conflict where it did not."""

    def settle(self) -> None:
        """Do everything that was put off; before COMMIT."""


class Database(Protocol):
    dialect: str

    def connect(self) -> Connection: ...

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Held around a writing transaction where the database needs writers to queue outside of it."""


@lru_cache(maxsize=512)
def pyformat(sql: str) -> str:
    """`:name` parameters as psycopg writes them; `::casts` and text are left alone."""
    return re.sub(r"(?<![:\w]):([a-z_][a-z0-9_]*)", r"%(\1)s", sql)


class Readers:
    """A few connections for reading, lent to one thread at a time.

    Waiting for one takes a quarter of `patience` at most: whoever waits longer waits behind queries that hang, and would hang
    after them for as long again.
    """

    def __init__(
        self, database: Database, size: int, patience: float, failed: Callable[[], None] = lambda: None
    ) -> None:
        """`failed` is called whenever the database does not answer."""
        self._failed = failed
        self._database = database
        self._patience = patience
        self._doubt = Doubt("the database does not answer")
        self._idle: queue.LifoQueue[Connection | None] = queue.LifoQueue()
        for _ in range(size):
            self._idle.put(None)

    @contextmanager
    def lend(self) -> Iterator[Connection]:
        with self._doubt.asking():
            connection = self._free_one()
            try:
                connection = self._good(connection)
                yield connection
            except Unavailable:
                if connection is not None:
                    connection.close()
                connection = None
                self._doubt.raise_()
                self._failed()
                raise
            else:
                self._doubt.settle()
            finally:
                self._idle.put(connection)

    def _free_one(self) -> Connection | None:
        try:
            return self._idle.get(timeout=self._patience / 4)
        except queue.Empty:
            raise Unavailable("no database connection became free in time", retry_after=1) from None

    def _good(self, connection: Connection | None) -> Connection:
        """This connection, or a new one in its place."""
        if connection is not None:
            if not connection.is_stale():
                return connection
            connection.close()
        return self._database.connect()

    def close(self) -> None:
        while True:
            try:
                connection = self._idle.get_nowait()
            except queue.Empty:
                return
            if connection is not None:
                connection.close()
