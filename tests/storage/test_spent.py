"""What was used up stays used up, for its owner and its kind alone, on both stores and among many callers."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from typing import TypeVar

import pytest
import sqlalchemy

from authsvc.keys.keyring import KeyRing, Purpose
from authsvc.storage.database import Database
from authsvc.storage.postgres import PostgresDatabase
from authsvc.storage.schema import metadata, spent
from authsvc.storage.spent import NONCES_KEPT, SpentStore
from authsvc.storage.sqlite import SqliteDatabase
from authsvc.subject import Subject
from tests.domain.test_decision import NOON

Found = TypeVar("Found")

ALICE, BOB = Subject("shop", "alice"), Subject("shop", "bob")
DIGEST = b"\x01" * 32
RING = KeyRing.create()
PATIENCE = 60
"""SQLite gives its lock to whoever asks at the right moment: of eight that wait, one may wait long on a busy machine."""


@pytest.fixture(params=["sqlite", "postgres"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Database:
    if request.param == "sqlite":
        path = tmp_path / "store.db"
        made: Database = SqliteDatabase(path, PATIENCE)
        url = f"sqlite:///{path}"
    else:
        location: str = request.getfixturevalue("postgres_url")
        made, url = (
            PostgresDatabase(location, PATIENCE),
            "postgresql+psycopg" + location[location.index("://") :],
        )
    engine = sqlalchemy.create_engine(url, poolclass=sqlalchemy.NullPool)
    metadata.create_all(engine, tables=[spent])
    return made


def within(database: Database, work: Callable[[SpentStore], Found]) -> Found:
    """What a transaction of its own gives."""
    with closing(database.connect()) as connection:
        connection.begin()
        found = work(SpentStore(connection, RING))
        connection.commit()
        return found


def use(
    database: Database,
    subject: Subject = ALICE,
    kind: str = "nonce",
    digest: bytes = DIGEST,
    at: datetime = NOON,
) -> bool:
    return within(database, lambda store: store.use(subject, kind, digest, at))


def test_once_by_owner_kind_and_digest(database: Database) -> None:
    assert [use(database), use(database)] == [True, False]
    assert use(database, BOB)
    assert use(database, Subject("other", "alice"))
    assert use(database, kind="capture")
    assert use(database, digest=b"\x02" * 32)


def test_of_many_callers_at_once_one_succeeds(database: Database) -> None:
    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(lambda _: use(database), range(16))) == [False] * 15 + [True]


def use_everywhere(database: Database, digest: bytes = DIGEST) -> bool:
    return within(database, lambda store: store.use_everywhere("capture", digest, NOON))


def test_everywhere_once_whoever_it_was_and_under_whatever_key(database: Database) -> None:
    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(lambda _: use_everywhere(database), range(12))) == [False] * 11 + [True]
    RING.rotate(Purpose.HMAC)
    assert not use_everywhere(database)
    assert [use_everywhere(database, b"\x02" * 32) for _ in range(2)] == [True, False]


def test_what_is_kept_for_everybody_is_no_digest_that_others_can_make(database: Database) -> None:
    use_everywhere(database)
    with closing(database.connect()) as connection:
        kept = connection.all("SELECT client, user_id, digest FROM spent", {})
    assert kept
    assert all((client, user) == ("", "") for client, user, _ in kept)
    assert DIGEST not in {bytes(digest) for _, _, digest in kept}


def test_what_is_forgotten_with_its_owner_is_theirs_alone(database: Database) -> None:
    use(database)
    use(database, BOB)
    within(database, lambda store: store.forget(ALICE))
    assert [use(database), use(database, BOB)] == [True, False]


def test_nonces_are_forgotten_after_a_day_in_pieces_and_captures_are_not(database: Database) -> None:
    for number in range(5):
        use(database, digest=bytes([number]) * 32)
    use(database, kind="capture", digest=b"\x09" * 32)
    use(database, digest=b"\x0a" * 32, at=NOON + timedelta(seconds=1))
    late = NOON + NONCES_KEPT
    assert [within(database, lambda store: store.forget_expired(late, 3)) for _ in range(3)] == [3, 2, 0]
    assert use(database, digest=b"\x00" * 32)
    assert not use(database, digest=b"\x0a" * 32)
    assert not use(database, kind="capture", digest=b"\x09" * 32)
