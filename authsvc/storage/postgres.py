"""PostgreSQL through psycopg 3: every wait has an end, so that a hanging server reads as an outage and not as patience."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import psycopg
from psycopg import errors

from authsvc.errors import Unavailable
from authsvc.storage.database import Conflict, Params, Row, pyformat

Result = TypeVar("Result")


class _Impatient(psycopg.Connection[Row]):
    """A connection whose every operation must complete within `patience` seconds."""

    patience = 2.0

    # Any: what libpq's generators yield and take is psycopg's own business.
    def wait(
        self, gen: Generator[Any, Any, Result], interval: float = 0.1, timeout: float | None = None
    ) -> Result:
        return super().wait(gen, interval=interval, timeout=self.patience if timeout is None else timeout)


class PostgresConnection:
    def __init__(self, url: str, patience: float) -> None:
        self._raw = _Impatient.connect(
            url,
            autocommit=True,
            connect_timeout=max(2, round(patience)),
            application_name="authsvc",
        )
        self._raw.patience = patience
        self._raw.prepare_threshold = 1

    def begin(self) -> None:
        self._execute("BEGIN")

    def commit(self) -> None:
        self._execute("COMMIT")

    def rollback(self) -> None:
        self._execute("ROLLBACK")

    def close(self) -> None:
        self._raw.close()

    def all(self, sql: str, params: Params) -> list[Row]:
        with _translated():
            return self._raw.execute(pyformat(sql), params).fetchall()

    def run(self, sql: str, params: Params) -> int:
        return self._execute(sql, params).rowcount

    def many(self, sql: str, rows: Iterable[Params]) -> None:
        with _translated(), self._raw.cursor() as cursor:
            cursor.executemany(pyformat(sql), rows)

    def _execute(self, sql: str, params: Params | None = None) -> psycopg.Cursor[Row]:
        with _translated():
            return self._raw.execute(pyformat(sql), params)


class PostgresDatabase:
    dialect = "postgresql"

    def __init__(self, url: str, patience: float) -> None:
        self._url = url
        self._patience = patience

    def connect(self) -> PostgresConnection:
        with _translated():
            return PostgresConnection(self._url, self._patience)

    @contextmanager
    def turn(self) -> Iterator[None]:
        yield


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except (errors.SerializationFailure, errors.DeadlockDetected, errors.UniqueViolation) as error:
        raise Conflict(type(error).__name__) from error
    except psycopg.Error as error:
        raise Unavailable(f"the database did not answer: {type(error).__name__}", retry_after=1) from error
