"""What nobody waits for any more ends on the server too."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import psycopg
import pytest

from authsvc.errors import Unavailable
from authsvc.storage.abandoned import MOST
from authsvc.storage.database import Connection
from authsvc.storage.postgres import PostgresDatabase
from tests.support.slowness import slowness
from tests.support.waiting import LONGEST_S, eventually

BUSY = """SELECT count(*) FROM pg_stat_activity
    WHERE state = 'active' AND pid <> pg_backend_pid() AND datname = current_database()"""
WAITS = {
    "a statement": "SELECT pg_sleep(30)",
    "a lock": "SELECT pg_advisory_xact_lock(1)",
}


@pytest.mark.parametrize("what", WAITS)
def test_an_abandoned_wait_ends_on_the_server(postgres_url: str, what: str) -> None:
    holder = PostgresDatabase(postgres_url, 5.0).connect()
    holder.begin()
    holder.all("SELECT pg_advisory_xact_lock(1)", {})
    for _ in range(3):
        hasty = PostgresDatabase(postgres_url, 0.3).connect()
        with pytest.raises(Unavailable):
            hasty.all(WAITS[what], {})
        hasty.close()
    # Inside a transaction the view would show one moment for ever.
    watcher = PostgresDatabase(postgres_url, 5.0).connect()
    deadline = time.monotonic() + min(3 * slowness(), 25)  # Left alone, it would go on for thirty seconds.
    while watcher.all(BUSY, {})[0][0]:
        assert time.monotonic() < deadline, "the server goes on for nobody"
        time.sleep(0.05)
    watcher.close()
    holder.close()


AWAITING = "SELECT pid FROM pg_stat_activity WHERE wait_event = 'SyncRep' AND datname = current_database()"


@pytest.fixture
def watcher(postgres_url: str) -> Iterator[psycopg.Connection[tuple[object, ...]]]:
    """Of a server whose only standby is gone, so that every COMMIT waits."""
    with psycopg.connect(postgres_url, autocommit=True) as watcher:
        watcher.execute("SET synchronous_commit = off")
        watcher.execute("CREATE TABLE written (at text)")
        _name_standby(watcher, "'gone'")
        try:
            yield watcher
        finally:
            _name_standby(watcher, "''")


def _name_standby(watcher: psycopg.Connection[tuple[object, ...]], name: str) -> None:
    watcher.execute(f"ALTER SYSTEM SET synchronous_standby_names = {name}")  # type: ignore[arg-type]  # Two words of ours.
    watcher.execute("SELECT pg_reload_conf()")
    eventually(lambda: watcher.execute("SHOW synchronous_standby_names").fetchone() == (name.strip("'"),))


def _write(connection: Connection) -> None:
    connection.begin()
    connection.run("INSERT INTO written VALUES ('now')", {})
    connection.commit()


def test_commits_that_wait_for_a_standby_take_few_places(
    postgres_url: str, watcher: psycopg.Connection[tuple[object, ...]]
) -> None:
    """They ran into the server's limit within a minute: each try left one more behind."""
    database = PostgresDatabase(postgres_url, 0.5)

    def tries() -> str:
        try:
            with closing(database.connect()) as connection:
                _write(connection)
        except Unavailable as error:
            return error.detail
        return "written"

    said = [tries() for _ in range(3 * MOST)]
    assert "were given up" in said[-1]
    assert 0 < len(watcher.execute(AWAITING).fetchall()) <= MOST
    _name_standby(watcher, "''")
    eventually(lambda: tries() == "written")


def test_a_commit_that_no_standby_confirmed_is_none(
    postgres_url: str, watcher: psycopg.Connection[tuple[object, ...]]
) -> None:
    """Whoever cancels the wait has it committed with a warning: true on this server alone, and so not to be relied on."""
    with (
        closing(PostgresDatabase(postgres_url, LONGEST_S).connect()) as connection,
        ThreadPoolExecutor(1) as thread,
    ):
        written = thread.submit(_write, connection)
        eventually(lambda: watcher.execute(AWAITING).fetchall())
        [(pid,)] = watcher.execute(AWAITING).fetchall()
        watcher.execute("SELECT pg_cancel_backend(%s)", [pid])
        with pytest.raises(Unavailable, match="did not confirm"):
            written.result()
