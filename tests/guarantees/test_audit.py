"""The audit log verifies at any moment, and a chain that was continued behind a process's back is caught up with."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest

from authsvc.audit.chain import Entry
from authsvc.bootstrap.opening import Store, open_store
from authsvc.config import Settings
from authsvc.errors import Unavailable
from authsvc.storage.transaction import StoreTransaction
from tests.guarantees.people import Person, Shop
from tests.guarantees.storm import Payers
from tests.support.prepared import prepare

GROWTH = 60
"""Entries that are written while it is verified again and again."""

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


def test_the_log_verifies_while_it_is_written(shop: Shop) -> None:
    live = shop.live
    # The log is not empty from here on.
    Person(shop)
    settings = Settings(data_dir=live.data_dir, database_url=live.database_url)
    with closing(open_store(settings)) as store, Payers(live, count=2).paying():
        reports = [store.audit.verify()]
        while reports[-1].links < reports[0].links + GROWTH:
            time.sleep(0.2)
            reports.append(store.audit.verify())
    assert not [report.findings for report in reports if not report.is_sound]


@pytest.fixture(params=["embedded", "networked"])
def settings(request: pytest.FixtureRequest, tmp_path: Path) -> Settings:
    url = "" if request.param == "embedded" else request.getfixturevalue("migrated_postgres_url")
    made = Settings(data_dir=tmp_path / "data", database_url=url)
    return prepare(made)


@pytest.fixture
def heir(settings: Settings, tmp_path: Path) -> Iterator[Store]:
    """A process that took the place of a killed one, and read where the chain ends."""
    with closing(open_store(settings)) as store:
        _write(store, "first")
        yield store


def test_a_predecessors_last_commit_that_comes_late_is_caught_up_with(
    settings: Settings, heir: Store, tmp_path: Path
) -> None:
    """Its database was already committing for it when the predecessor was killed."""
    # Another folder with the same installation's name has the same slots, and so the same chains.
    other = replace(settings, data_dir=tmp_path / "late")
    (other.data_dir / "run").mkdir(parents=True)
    for file in ("keyring.json", "run/installation"):
        shutil.copy(settings.data_dir / file, other.data_dir / file)
    if not settings.database_url:
        (other.data_dir / "authsvc.db").symlink_to(settings.data_dir / "authsvc.db")
        (other.data_dir / "authsvc.db.lock").symlink_to(settings.data_dir / "authsvc.db.lock")
    with closing(open_store(other)) as predecessor:
        assert predecessor.slot.name == heir.slot.name
        _write(predecessor, "late")
    # The first one to meet it may be refused, and nobody after that.
    with pytest.raises(Unavailable):
        _write(heir, "refused")
    _write(heir, "second")
    report = heir.audit.verify()
    assert (report.is_sound, report.links) == (True, 3)


def _write(store: Store, what: str) -> None:
    store.ledger.transact(partial(_record, what))


def _record(what: str, tx: StoreTransaction) -> None:
    tx.record(Entry(NOON, "test", "test.write", None, what, "done", {}))
