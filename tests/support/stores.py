"""PostgreSQL and Redis for a script that is no test: the tests have fixtures."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.postgres import PostgresServer, postgres_program
from tests.support.redis_server import RedisServer


@contextmanager
def stores(folder: Path) -> Iterator[tuple[str, str]]:
    """The URLs of an empty database and an empty Redis; ends the script where PostgreSQL is not installed."""
    postgres, initdb = postgres_program("postgres"), postgres_program("initdb")
    if postgres is None or initdb is None:
        raise SystemExit("PostgreSQL is not installed")
    servers = folder / "servers"
    servers.mkdir(mode=0o711)
    with (
        PostgresServer.create(postgres, initdb, servers) as database,
        RedisServer("redis-server", folder) as redis,
    ):
        yield database.url(database.create_database()), redis.url
