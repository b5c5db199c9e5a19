"""Which schema does a database have? Asked at every start, and so without the libraries that could change it.

A newer program's schema serves the program before it too, so that hosts can be upgraded, and taken back, one by one: each
schema says in `schema_facts` which is the oldest program that may work on it.
"""

from __future__ import annotations

from enum import StrEnum

from authsvc.errors import ConfigurationError, Unavailable
from authsvc.storage.database import Connection, Database

NEWEST = "0014"
"""The last of `migrations/versions`."""

OLDEST_PROGRAM = "0004"
"""The schema of the oldest program that may work on this one: what a migration takes away, it takes from older ones."""

CURRENT = "SELECT version_num FROM alembic_version"
FACT = "SELECT value FROM schema_facts WHERE name = 'oldest_program'"
TABLES = {
    "sqlite": "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = :name",
    "postgresql": "SELECT count(*) FROM pg_tables WHERE schemaname = current_schema() AND tablename = :name",
}


class Fit(StrEnum):
    """How a database's schema and this program go together."""

    CURRENT = "current"
    OLDER = "older"
    EMPTY = "empty"
    NEWER_AND_KIND = "newer, and made to work with this program"
    NEWER = "newer"
    UNCLEAR = "of no version that could be told"


def fit_of(database: Database) -> Fit:
    """How the database's schema goes with this program; raises Unavailable where the database does not answer."""
    connection = database.connect()
    try:
        if not _has(connection, database.dialect, "alembic_version"):
            return Fit.EMPTY
        revisions = connection.all(CURRENT, {})
        if len(revisions) != 1:
            return Fit.UNCLEAR
        (revision,) = revisions[0]
        if revision == NEWEST:
            return Fit.CURRENT
        if _number(revision) < _number(NEWEST):
            return Fit.OLDER
        return _fit_of_newer(connection, database.dialect)
    finally:
        connection.close()


def is_current(database: Database) -> bool:
    """Whether the database has this version's schema; an empty one, and one that does not answer, has not."""
    try:
        return fit_of(database) is Fit.CURRENT
    except Unavailable:
        return False


def refuse_misfit(database: Database) -> None:
    """Raises ConfigurationError, in one sentence, for a database on which this program cannot work."""
    fit = fit_of(database)
    if fit in _REFUSALS:
        raise ConfigurationError(_REFUSALS[fit])


UNCLEAR = "the database does not say which one schema it has: restore a backup, or name an empty database"

_REFUSALS = {
    Fit.EMPTY: "the database has no schema yet: run `authsvc db upgrade`",
    Fit.OLDER: "the database is older than this program: run `authsvc db upgrade`",
    Fit.NEWER: f"the database is newer than this program, which knows schema {NEWEST}: run the newer program",
    Fit.UNCLEAR: UNCLEAR,
}


def _fit_of_newer(connection: Connection, dialect: str) -> Fit:
    if not _has(connection, dialect, "schema_facts"):
        return Fit.NEWER
    rows = connection.all(FACT, {})
    return Fit.NEWER_AND_KIND if rows and _number(rows[0][0]) <= _number(NEWEST) else Fit.NEWER


def _has(connection: Connection, dialect: str, table: str) -> bool:
    return bool(connection.all(TABLES[dialect], {"name": table})[0][0])


def _number(revision: str) -> int:
    """A revision that is no number of ours is somebody else's, and newer than all of them."""
    return int(revision) if revision.isdecimal() else 10**9
