"""What a database says about itself: its settings, its clock, the last moment that it holds. For `authsvc doctor`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from authsvc.clock import from_millis
from authsvc.storage.database import Database

_SETTINGS = """SELECT name, setting FROM pg_settings WHERE name IN ('fsync', 'full_page_writes', 'synchronous_commit',
    'max_connections', 'superuser_reserved_connections', 'server_version_num', 'default_transaction_read_only')"""
_NOW = "SELECT CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS bigint), pg_is_in_recovery()"
_WIRE = """SELECT COALESCE(host(inet_client_addr()), ''), COALESCE(host(inet_server_addr()), ''),
    COALESCE((SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()), false)"""
_LAST = "SELECT MAX(at) FROM (SELECT MAX(at) AS at FROM readiness UNION ALL SELECT MAX(at) AS at FROM events) AS moments"


@dataclass(frozen=True, slots=True)
class PostgresFacts:
    """`peers` are both ends of the connection, empty over a socket of this machine."""

    settings: Mapping[str, str]
    now: datetime
    is_standby: bool
    peers: tuple[str, str]
    is_encrypted: bool

    @property
    def free_connections(self) -> int:
        """How many connections ordinary users may have together."""
        return int(self.settings["max_connections"]) - int(self.settings["superuser_reserved_connections"])


def postgres_facts(database: Database) -> PostgresFacts:
    """Raises Unavailable where the server does not answer."""
    connection = database.connect()
    try:
        settings: dict[str, str] = dict(connection.all(_SETTINGS, {}))
        ((now, is_standby),) = connection.all(_NOW, {})
        ((client, server, is_encrypted),) = connection.all(_WIRE, {})
    finally:
        connection.close()
    return PostgresFacts(settings, from_millis(now), is_standby, (client, server), is_encrypted)


def last_moment(database: Database) -> datetime | None:
    """The latest moment at which somebody wrote an event, or that they were ready; None for a new database."""
    connection = database.connect()
    try:
        ((at,),) = connection.all(_LAST, {})
    finally:
        connection.close()
    return None if at is None else from_millis(at)
