"""What a database says about itself: its settings, its clock, the first and last moment that it holds. For `authsvc doctor`."""

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

# A chain's last line is never archived, however old.
_FIRST = """SELECT MIN(heads.at) FROM audit_heads AS heads JOIN
    (SELECT chain, MIN(seq) AS begin, MAX(seq) AS last FROM audit_heads GROUP BY chain) AS ends
    ON heads.chain = ends.chain AND heads.seq = ends.begin WHERE ends.begin < ends.last"""


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
    return _moment(database, _LAST)


def first_moment(database: Database) -> datetime | None:
    """When the oldest line of the audit was signed that could be archived; None where there is none."""
    return _moment(database, _FIRST)


def _moment(database: Database, question: str) -> datetime | None:
    connection = database.connect()
    try:
        ((at,),) = connection.all(question, {})
    finally:
        connection.close()
    return None if at is None else from_millis(at)
