"""Brings a database to the schema of this version; quick when there is nothing to do."""

from __future__ import annotations

from pathlib import Path

import sqlalchemy
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from authsvc.config import Settings
from authsvc.errors import ConfigurationError, Unavailable
from authsvc.storage.postgres import connect_patiently
from authsvc.storage.revision import OLDEST_PROGRAM, UNCLEAR
from authsvc.storage.sqlite import new_file

SAY_FACT = """INSERT INTO schema_facts (name, value) VALUES ('oldest_program', :value)
    ON CONFLICT (name) DO UPDATE SET value = excluded.value"""


def upgrade(url: str) -> str:
    """Migrate the database at a URL to the newest revision and return its name.

    Raises ConfigurationError for a database that is newer than this program, or is none; Unavailable where it is not reached.
    """
    try:
        with _engine(url).begin() as connection:
            return _upgrade(connection)
    except sqlalchemy.exc.OperationalError as error:
        # SQLite names a table or what it could not open; libpq would repeat the URL.
        said = error.orig if url.startswith("sqlite:") else type(error.orig).__name__
        raise Unavailable(f"the database cannot be reached or changed: {said}") from None
    except sqlalchemy.exc.DatabaseError as error:
        raise ConfigurationError(f"this is no database that can be upgraded: {error.orig}") from None


def _engine(url: str) -> sqlalchemy.Engine:
    if url.startswith("sqlite:"):
        new_file(Path(sqlalchemy.make_url(url).database or ""))
        return sqlalchemy.create_engine(url, poolclass=sqlalchemy.NullPool)
    # libpq reads the URL, as it does for the service: it knows several hosts, and quotes no password when it refuses.
    return sqlalchemy.create_engine(
        "postgresql+psycopg://", creator=lambda: connect_patiently(url), poolclass=sqlalchemy.NullPool
    )


def _upgrade(connection: sqlalchemy.Connection) -> str:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    scripts = ScriptDirectory.from_config(config)
    newest = scripts.get_current_head() or ""
    if connection.dialect.name == "postgresql":
        # Two hosts that start together migrate one after the other.
        connection.execute(sqlalchemy.text("SELECT pg_advisory_xact_lock(7106424)"))
    context = MigrationContext.configure(connection)
    heads = context.get_current_heads()
    if len(heads) > 1 or (not heads and connection.dialect.has_table(connection, context.version_table)):
        raise ConfigurationError(UNCLEAR)
    current = heads[0] if heads else None
    if current is not None and current not in {script.revision for script in scripts.walk_revisions()}:
        raise ConfigurationError(
            f"the database has schema `{current}`, newer than this program's `{newest}`: run the newer program"
        )
    if current != newest:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
    connection.execute(sqlalchemy.text(SAY_FACT), {"value": OLDEST_PROGRAM})
    return newest


def database_url(settings: Settings) -> str:
    """The configured database, as `upgrade` takes it."""
    return settings.database_url or f"sqlite:///{settings.database_file}"
