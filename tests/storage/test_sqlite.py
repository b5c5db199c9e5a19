"""Two stores over one file in one process: neither takes the other's locks away."""

import gc
import os
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from authsvc.errors import Unavailable
from authsvc.storage.sqlite import SqliteDatabase
from authsvc.storage.upgrade import upgrade


@pytest.mark.skipif(not Path("/proc/locks").exists(), reason="only Linux tells which locks a process holds")
def test_a_second_store_leaves_the_locks_of_the_first(tmp_path: Path) -> None:
    path = tmp_path / "authsvc.db"
    first = SqliteDatabase(path, 1.0).connect()
    first.run("CREATE TABLE t (x INTEGER)", {})
    first.all("SELECT x FROM t", {})
    held = _locks(path)
    SqliteDatabase(path, 1.0)
    assert held
    assert _locks(path) == held
    first.close()


@pytest.mark.parametrize(
    "made", [lambda path: SqliteDatabase(path, 1.0), lambda path: upgrade(f"sqlite:///{path}")]
)
def test_a_new_file_is_for_its_owner_alone(tmp_path: Path, made: Callable[[Path], object]) -> None:
    """Whoever comes first, in a folder that others may enter."""
    path = tmp_path / "authsvc.db"
    made(path)
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_file_that_is_no_database_leaves_no_connection_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    made: list[sqlite3.Connection] = []

    def connect(*given: Any, **named: Any) -> sqlite3.Connection:  # Any: handed on as it came.
        made.append(genuine(*given, **named))
        return made[-1]

    genuine = sqlite3.connect
    monkeypatch.setattr(sqlite3, "connect", connect)
    (tmp_path / "store.db").write_bytes(b"no database" * 500)
    with pytest.raises(Unavailable, match="no SQLite database"):
        SqliteDatabase(tmp_path / "store.db", 1.0).connect()
    (connection,) = made
    with pytest.raises(sqlite3.ProgrammingError, match="closed"):
        connection.execute("SELECT 1")


def _locks(path: Path) -> list[str]:
    """The POSIX locks that this process holds on the file."""
    inode, us = f":{path.stat().st_ino}", str(os.getpid())
    lines = [line.split() for line in Path("/proc/locks").read_text().splitlines()]
    return [
        " ".join(line[1:]) for line in lines if us in line and line[5].endswith(inode) and line[1] == "POSIX"
    ]


def test_a_database_that_is_let_go_of_leaves_nothing_open(tmp_path: Path) -> None:
    database = SqliteDatabase(tmp_path / "store.db", 1.0)
    with database.turn():
        pass
    del database
    gc.collect()
    here = [each.resolve().parent for each in Path("/proc/self/fd").iterdir()]
    assert tmp_path.resolve() not in here
