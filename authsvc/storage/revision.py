"""Which schema does a database have? Asked at every start, and so without the libraries that could change it."""

from __future__ import annotations

from authsvc.errors import Unavailable
from authsvc.storage.database import Database

NEWEST = "0005"
"""The last of `migrations/versions`."""

CURRENT = "SELECT version_num FROM alembic_version"


def is_current(database: Database) -> bool:
    """Whether the database has this version's schema; an empty one, and one that does not answer, has not."""
    try:
        connection = database.connect()
    except Unavailable:
        return False
    try:
        return connection.all(CURRENT, {}) == [(NEWEST,)]
    except Unavailable:
        return False
    finally:
        connection.close()
