"""The embedded short-lived store: what an outage leaves behind ends with the outage, in every thread."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from authsvc.clock import SystemClock
from authsvc.ephemeral import Key
from authsvc.errors import Unavailable
from authsvc.storage.ephemeral_sqlite import SqliteEphemeral

KEY = Key("owner", "name")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteEphemeral]:
    with closing(SqliteEphemeral(tmp_path / "ephemeral.db", SystemClock())) as made:
        yield made


def test_a_connection_opened_while_nothing_could_be_written_is_not_kept(
    store: SqliteEphemeral, tmp_path: Path
) -> None:
    """SQLite opens what it may not write for reading, and says nothing."""
    read_only = sqlite3.connect(f"file:{tmp_path / 'ephemeral.db'}?mode=ro", uri=True, isolation_level=None)
    store._connections.own = read_only
    with pytest.raises(Unavailable):
        store.put(KEY, b"value", timedelta(seconds=60))
    read_only.close()
    store.put(KEY, b"value", timedelta(seconds=60))
    assert store.get(KEY) == b"value"
