"""What waits between two requests of one browser: its own, once, and not too often."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from authsvc.clock import FrozenClock
from authsvc.errors import RateLimited, Tampered
from authsvc.keys.keyring import KeyRing
from authsvc.operators.waiting import CEREMONY_LIFE, SIGN_INS_PER_MINUTE, Waiting
from authsvc.storage.boxes import ServiceBox
from authsvc.storage.ephemeral_sqlite import SqliteEphemeral
from authsvc.storage.sealing import Sealer

CLOCK = FrozenClock(datetime(2026, 11, 30, 12, tzinfo=UTC))


@pytest.fixture
def ephemeral(tmp_path: Path) -> Iterator[SqliteEphemeral]:
    store = SqliteEphemeral(tmp_path / "ephemeral.db", CLOCK)
    yield store
    store.close()


@pytest.fixture
def waiting(ephemeral: SqliteEphemeral) -> Waiting:
    return Waiting(ephemeral, ServiceBox(Sealer(KeyRing.create()), "operators"))


def test_what_waits_is_found_by_its_own_browser_and_used_up_once(waiting: Waiting) -> None:
    waiting.put("visit", "name", {"name": "ann"})
    assert waiting.look("visit", "name") == {"name": "ann"}
    assert waiting.look("other", "name") is None
    assert waiting.look("visit", "challenge") is None
    assert waiting.take("visit", "name") == {"name": "ann"}
    assert waiting.take("visit", "name") is None


def test_it_waits_two_minutes(waiting: Waiting) -> None:
    waiting.put("visit", "name", {})
    CLOCK.advance(CEREMONY_LIFE + timedelta(seconds=1))
    assert waiting.look("visit", "name") is None


def test_what_another_ring_sealed_does_not_open(waiting: Waiting, ephemeral: SqliteEphemeral) -> None:
    Waiting(ephemeral, ServiceBox(Sealer(KeyRing.create()), "operators")).put("visit", "name", {})
    with pytest.raises(Tampered):
        waiting.look("visit", "name")


def test_one_try_too_many_is_refused_for_its_own_source_alone(waiting: Waiting) -> None:
    for _ in range(3):
        waiting.count("visit", "code", 3)
    with pytest.raises(RateLimited):
        waiting.count("visit", "code", 3)
    waiting.count("other", "code", 3)
    for _ in range(SIGN_INS_PER_MINUTE):
        waiting.count_sign_in("network:a")
    with pytest.raises(RateLimited):
        waiting.count_sign_in("network:a")
    waiting.count_sign_in("network:b")
