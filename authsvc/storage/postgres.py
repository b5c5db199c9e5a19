"""PostgreSQL through psycopg 3: every wait has an end, so that a hanging server reads as an outage and not as patience."""

from __future__ import annotations

import select
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

import psycopg
from psycopg import conninfo, errors
from psycopg.pq import TransactionStatus

from authsvc.errors import ConfigurationError, Unavailable
from authsvc.storage.abandoned import Abandoned
from authsvc.storage.database import Conflict, Params, Query, Row, pyformat

Result = TypeVar("Result")


class _Impatient(psycopg.Connection[Row]):
    """A connection whose every operation must complete within `patience` seconds."""

    patience = 2.0

    # Any: what libpq's generators yield and take is psycopg's own business.
    def wait(
        self, gen: Generator[Any, Any, Result], interval: float = 0.1, timeout: float | None = None
    ) -> Result:
        return super().wait(gen, interval=interval, timeout=self.patience if timeout is None else timeout)


# What nobody waits for any more ends on the server too, and holds neither a lock nor a connection: a statement, a wait for a
# lock, a transaction whose process was stopped. PostgreSQL before 14 cannot look after its clients.
_IDLE_MS, _CHECK_MS = "60000", "1000"
_PATIENCE = """SELECT set_config(name, CASE name WHEN 'idle_in_transaction_session_timeout' THEN %(idle)s
        WHEN 'client_connection_check_interval' THEN %(check)s ELSE %(patience)s END, false) FROM pg_settings
    WHERE name IN ('statement_timeout', 'lock_timeout', 'idle_in_transaction_session_timeout',
        'client_connection_check_interval')"""


# What is asked ahead is found by its keys, whatever the tables' statistics say. Left to itself, the server plans the look-up
# of a payer at every decision once it has statistics: a third of a millisecond, for the same plan each time.
_BY_KEY = "SET LOCAL plan_cache_mode = force_generic_plan"
_AS_BEFORE = "SET LOCAL plan_cache_mode TO DEFAULT"


# A server that went away without a word is given up in this time; the URL may say otherwise.
_LIVELINESS = {
    "keepalives_idle": 5,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 15_000,
}


class PostgresConnection:
    def __init__(self, url: str, patience: float, abandoned: Abandoned) -> None:
        given = conninfo.conninfo_to_dict(url)
        lively = {name: value for name, value in _LIVELINESS.items() if name not in given}
        self._raw = _Impatient.connect(
            conninfo.make_conninfo(url, **lively),
            autocommit=True,
            connect_timeout=max(2, round(patience)),
            application_name="authsvc",
        )
        self._abandoned = abandoned
        self._warned = False
        self._raw.add_notice_handler(self._note)
        self._raw.patience = patience
        with _translated():
            patience_ms = str(max(1, round(patience * 1000)))
            self._raw.execute(_PATIENCE, {"patience": patience_ms, "idle": _IDLE_MS, "check": _CHECK_MS})
        self._raw.prepare_threshold = 1
        self._known: dict[tuple[object, ...], list[Row]] = {}
        self._believing = False
        self._later: dict[str, list[Params]] = {}

    def begin(self, ahead: Sequence[Query] = (), *, believing: bool = False) -> None:
        self._believing = believing
        with _translated(), self._raw.pipeline():
            self._raw.execute("BEGIN")
            if ahead:
                self._raw.execute(_BY_KEY)
            cursors = {_same(*query): self._raw.execute(pyformat(query[0]), query[1]) for query in ahead}
            if ahead:
                self._raw.execute(_AS_BEFORE)
        with _translated():
            self._known = {query: cursor.fetchall() for query, cursor in cursors.items()}

    def begin_reading(self) -> None:
        self._execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")

    def commit(self) -> None:
        self._forget()
        self._warned = False
        self._execute("COMMIT")
        if self._warned:
            # Somebody cancelled the wait for the standby: committed here, and lost with this server.
            raise Unavailable("the standby did not confirm a commit", retry_after=1)

    def rollback(self) -> None:
        self._forget()
        self._execute("ROLLBACK")

    def close(self) -> None:
        if self._raw.pgconn.transaction_status == TransactionStatus.ACTIVE:
            self._abandoned.add(self._raw.fileno())
        self._raw.close()

    def is_stale(self) -> bool:
        if self._raw.closed:
            return True
        # On an idle connection the server has nothing to say but its farewell.
        poll = select.poll()
        poll.register(self._raw.fileno(), select.POLLIN)
        return bool(poll.poll(0))

    def all(self, sql: str, params: Params) -> list[Row]:
        if self._known and (known := self._known.get(_same(sql, params))) is not None:
            return known
        with _translated():
            return self._raw.execute(pyformat(sql), params).fetchall()

    def run(self, sql: str, params: Params) -> int:
        return self._execute(sql, params).rowcount

    def many(self, sql: str, rows: Iterable[Params], *, at_last: bool = False) -> None:
        if at_last and self._believing:
            self._later.setdefault(sql, []).extend(rows)
            return
        with _translated(), self._raw.cursor() as cursor:
            cursor.executemany(pyformat(sql), rows)

    def expect(self, sql: str, params: Params) -> bool:
        if not self._believing:
            return self.run(sql, params) == 1
        self._later.setdefault(sql, []).append(params)
        return True

    def settle(self) -> None:
        later, self._later = self._later, {}
        if not later:
            return
        cursors = {sql: self._raw.cursor() for sql in later}
        with _translated(), self._raw.pipeline():
            # One statement for many rows costs the driver half of many statements.
            for sql, cursor in cursors.items():
                cursor.executemany(pyformat(sql), later[sql])
        if any(cursor.rowcount != len(later[sql]) for sql, cursor in cursors.items()):
            raise Conflict("something expected was not so")

    def _note(self, said: errors.Diagnostic) -> None:
        self._warned = self._warned or said.severity_nonlocalized == "WARNING"

    def _forget(self) -> None:
        self._known, self._later = {}, {}

    def _execute(self, sql: str, params: Params | None = None) -> psycopg.Cursor[Row]:
        with _translated():
            return self._raw.execute(pyformat(sql), params)


def refuse_malformed(url: str) -> None:
    """Raises ConfigurationError for what libpq cannot read; the text of such a URL is shown to nobody."""
    try:
        conninfo.conninfo_to_dict(url)
    except psycopg.ProgrammingError:
        raise ConfigurationError(
            "the database URL cannot be read; expected `postgresql://user:password@host:5432/name`, special "
            "characters of the password percent-encoded"
        ) from None


def parts_of(url: str) -> dict[str, str]:
    """The URL's parts by libpq's own words for them; raises ConfigurationError."""
    refuse_malformed(url)
    found = conninfo.conninfo_to_dict(url)
    return {name: str(value) for name, value in found.items() if value is not None}


def connect_patiently(url: str) -> psycopg.Connection[Row]:
    """A plain connection, for the work that takes its time: a migration. Raises Unavailable."""
    refuse_malformed(url)
    try:
        return psycopg.connect(url)
    except psycopg.Error as error:
        raise Unavailable(f"the database cannot be reached: {type(error).__name__}") from None


class PostgresDatabase:
    dialect = "postgresql"

    def __init__(self, url: str, patience: float) -> None:
        refuse_malformed(url)
        self._url = url
        self._patience = patience
        self._abandoned = Abandoned()

    def connect(self) -> PostgresConnection:
        self._abandoned.refuse_more()
        with _translated():
            return PostgresConnection(self._url, self._patience, self._abandoned)

    @contextmanager
    def turn(self) -> Iterator[None]:
        yield


def _same(sql: str, params: Params) -> tuple[object, ...]:
    return sql, *params.values()


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except (errors.SerializationFailure, errors.DeadlockDetected, errors.UniqueViolation) as error:
        raise Conflict(type(error).__name__) from error
    except psycopg.Error as error:
        raise Unavailable(f"the database did not answer: {type(error).__name__}", retry_after=1) from error
