"""What nobody waits for any more ends on the server too."""

import time

import pytest

from authsvc.errors import Unavailable
from authsvc.storage.postgres import PostgresDatabase
from tests.support.slowness import slowness

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
