"""Copies a whole database at one moment while others write in it, and brings such a copy into an empty one.

SQLite by its backup interface; PostgreSQL by `pg_dump` and `pg_restore`, in the snapshot in which the moment was read.
"""

from __future__ import annotations

import re
import shutil
import sqlite3
import subprocess
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from authsvc.errors import ConfigurationError, Unavailable
from authsvc.storage.auditing import AuditStore
from authsvc.storage.database import Connection
from authsvc.storage.postgres import PostgresDatabase, parts_of
from authsvc.storage.revision import CURRENT
from authsvc.storage.service_tables import NEWEST_EVENT
from authsvc.storage.sqlite import SqliteDatabase, new_file

Held = tuple[str, list[tuple[str, int, str]], int]
"""Schema, ends of the audit chains, and number of the last event of a database at one moment."""

_PATIENCE_S = 24 * 3600.0
_NO_END = "SET idle_in_transaction_session_timeout = 0"
_DEBIAN = Path("/usr/lib/postgresql")
_WORDS = {
    "host": "PGHOST",
    "hostaddr": "PGHOSTADDR",
    "port": "PGPORT",
    "user": "PGUSER",
    "password": "PGPASSWORD",
}
_WORDS |= {
    "dbname": "PGDATABASE",
    "sslmode": "PGSSLMODE",
    "sslrootcert": "PGSSLROOTCERT",
    "sslcert": "PGSSLCERT",
}
_WORDS |= {"sslkey": "PGSSLKEY", "target_session_attrs": "PGTARGETSESSIONATTRS", "passfile": "PGPASSFILE"}
_WORDS |= {"options": "PGOPTIONS", "connect_timeout": "PGCONNECT_TIMEOUT", "service": "PGSERVICE"}


def copy_sqlite(source: Path, target: Path) -> Held:
    """Write the whole database into a new file."""
    new_file(target)
    try:
        with closing(sqlite3.connect(source)) as ours, closing(sqlite3.connect(target)) as copy:
            ours.backup(copy)
    except sqlite3.Error as error:
        raise Unavailable(f"the database could not be copied: {error}") from None
    connection = SqliteDatabase(target, _PATIENCE_S).connect()
    try:
        return _held(connection)
    finally:
        connection.close()
        # One file, without the journals that a look at it made.
        with closing(sqlite3.connect(target)) as copy:
            copy.execute("PRAGMA journal_mode = DELETE")
        target.with_name(target.name + ".lock").unlink(missing_ok=True)


def put_sqlite(source: Path, target: Path) -> None:
    """The copy becomes the database, which must not be there yet."""
    new_file(target)
    with closing(sqlite3.connect(source)) as copy, closing(sqlite3.connect(target)) as ours:
        copy.backup(ours)


def dump_postgres(url: str, target: Path) -> Held:
    """Write the whole database into a new file, as `pg_dump` does, in one snapshot with what is said about it."""
    connection = PostgresDatabase(url, _PATIENCE_S).connect()
    try:
        connection.run(_NO_END, {})
        connection.begin_reading()
        ((snapshot,),) = connection.all("SELECT pg_export_snapshot()", {})
        held = _held(connection)
        new_file(target)
        words = ["--format=custom", "--no-owner", "--no-privileges", f"--snapshot={snapshot}"]
        _run("pg_dump", [*words, f"--file={target}"], url)
        return held
    finally:
        connection.close()


def restore_postgres(url: str, source: Path) -> None:
    """Bring the dump into an empty database, all of it or nothing."""
    words = ["--no-owner", "--no-privileges", "--exit-on-error", "--single-transaction"]
    _run("pg_restore", [*words, f"--dbname={parts_of(url).get('dbname', '')}", str(source)], url)


def _held(connection: Connection) -> Held:
    audit = AuditStore(connection)
    ((schema,),) = connection.all(CURRENT, {})
    ((event,),) = connection.all(NEWEST_EVENT, {})
    return str(schema), [(head.chain, head.seq, head.hash) for head in audit.last_heads()], int(event)


def _run(name: str, words: Sequence[str], url: str) -> None:
    """What the URL says goes through the environment: a password on a command line is everybody's to read."""
    done = subprocess.run(
        [_program(name), *words],
        env=_environment(url),
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
    )
    if done.returncode:
        said = done.stderr.strip().splitlines() or ["nothing was said"]
        raise Unavailable(f"`{name}` failed: {said[0]}")


def _environment(url: str) -> dict[str, str]:
    stated = parts_of(url)
    unknown = sorted(set(stated) - set(_WORDS))
    if unknown:
        raise ConfigurationError(
            f"`{unknown[0]}` of the database URL cannot be handed to PostgreSQL's own tools"
        )
    return {_WORDS[name]: value for name, value in stated.items()}


def _program(name: str) -> str:
    """The newest that is installed: a `pg_dump` older than its server refuses. Debian keeps them off the PATH."""
    found = sorted(
        _DEBIAN.glob(f"*/bin/{name}"), key=lambda path: float(re.sub(r"[^\d.]", "", path.parts[4]) or 0)
    )
    program = str(found[-1]) if found else shutil.which(name)
    if program is None:
        raise ConfigurationError(f"`{name}` is not installed: apt-get install postgresql-client")
    return program
