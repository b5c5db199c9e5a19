"""Brings a database to the schema of this version; quick when there is nothing to do."""

from __future__ import annotations

from pathlib import Path

import sqlalchemy
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from authsvc.config import Settings
from authsvc.errors import Unavailable


def upgrade(url: str) -> str:
    """Migrate the database at an SQLAlchemy URL to the newest revision and answer it; raises Unavailable."""
    engine = sqlalchemy.create_engine(url, poolclass=sqlalchemy.NullPool)
    try:
        with engine.begin() as connection:
            return _upgrade(connection)
    except sqlalchemy.exc.OperationalError as error:
        raise Unavailable(f"the database cannot be reached: {type(error.orig).__name__}") from error


def _upgrade(connection: sqlalchemy.Connection) -> str:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    newest = ScriptDirectory.from_config(config).get_current_head()
    if connection.dialect.name == "postgresql":
        # Two hosts that start together migrate one after the other.
        connection.execute(sqlalchemy.text("SELECT pg_advisory_xact_lock(7106424)"))
    if MigrationContext.configure(connection).get_current_revision() != newest:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
    return newest or ""


def database_url(settings: Settings) -> str:
    """The configured database as SQLAlchemy names it."""
    url = settings.database_url
    return "postgresql+psycopg" + url[url.index("://") :] if url else f"sqlite:///{settings.database_file}"
