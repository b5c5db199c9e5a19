"""A first phrase waits sealed for the second: of one challenge, for a while, and not for ever more hints."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from authsvc.clock import FrozenClock
from authsvc.keys.keyring import KeyRing
from authsvc.storage.boxes import ServiceBox
from authsvc.storage.ephemeral_sqlite import SqliteEphemeral
from authsvc.storage.sealing import Sealer
from authsvc.voice.held import CORRECTIONS, HELD_LIFE, HeldPhrase, HeldPhrases
from tests.device.scene import step

STEP = step()
PHRASE = HeldPhrase("n1", "tpl_1", "sha256:m", b"\x00\x01\xff", ("f:AA",))


@pytest.fixture
def clock() -> FrozenClock:
    return FrozenClock(datetime(2026, 11, 30, 12, tzinfo=UTC))


@pytest.fixture
def held(tmp_path: Path, clock: FrozenClock) -> Iterator[HeldPhrases]:
    store = SqliteEphemeral(tmp_path / "ephemeral.db", clock)
    yield HeldPhrases(store, ServiceBox(Sealer(KeyRing.create()), "held"))
    store.close()


def test_a_phrase_is_found_in_its_own_challenge_until_it_is_forgotten(held: HeldPhrases) -> None:
    held.hold(STEP, PHRASE)
    assert held.find(STEP) == PHRASE
    assert held.find(replace(STEP, challenge_id="chl_2")) is None
    held.forget(STEP)
    assert held.find(STEP) is None


def test_it_waits_three_minutes(held: HeldPhrases, clock: FrozenClock) -> None:
    held.hold(STEP, PHRASE)
    clock.advance(HELD_LIFE + timedelta(seconds=1))
    assert held.find(STEP) is None


def test_hints_without_a_charge_are_counted(held: HeldPhrases) -> None:
    assert [held.corrects(STEP) for _ in range(CORRECTIONS + 2)] == [True] * CORRECTIONS + [False] * 2
