"""Open ceremonies: private, short-lived, used once, and bounded in number."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from authsvc.clock import FrozenClock
from authsvc.errors import RateLimited
from authsvc.factor import Begun, Factor
from authsvc.keys.keyring import KeyRing
from authsvc.stepup.ceremony import BEGUN_LIFE, CAPTURES_AN_HOUR, STEPS_PER_CHALLENGE, Ceremonies
from authsvc.storage.boxes import ServiceBox
from authsvc.storage.ephemeral_sqlite import SqliteEphemeral
from authsvc.storage.sealing import Sealer
from tests.device.scene import step

STEP, OTHER = step(), replace(step(), challenge_id="chl_2")


@pytest.fixture
def clock() -> FrozenClock:
    return FrozenClock(datetime(2026, 11, 30, 12, tzinfo=UTC))


@pytest.fixture
def ceremonies(tmp_path: Path, clock: FrozenClock) -> Iterator[Ceremonies]:
    store = SqliteEphemeral(tmp_path / "ephemeral.db", clock)
    yield Ceremonies(store, ServiceBox(Sealer(KeyRing.create()), "ceremonies"))
    store.close()


def test_a_ceremony_is_taken_once_by_its_own_challenge(ceremonies: Ceremonies) -> None:
    ceremonies.begin(STEP, Factor.FACE, Begun({}, {"nonce": "n1"}))
    assert ceremonies.take_begun(OTHER, Factor.FACE) is None
    assert ceremonies.take_begun(STEP, Factor.VOICE) is None
    assert ceremonies.take_begun(STEP, Factor.FACE) == {"nonce": "n1"}
    assert ceremonies.take_begun(STEP, Factor.FACE) is None


def test_beginning_again_voids_what_was_begun(ceremonies: Ceremonies) -> None:
    for nonce in ("n1", "n2"):
        ceremonies.begin(STEP, Factor.FACE, Begun({}, {"nonce": nonce}))
    assert ceremonies.take_begun(STEP, Factor.FACE) == {"nonce": "n2"}


def test_a_ceremony_ends_after_two_minutes(ceremonies: Ceremonies, clock: FrozenClock) -> None:
    ceremonies.begin(STEP, Factor.FACE, Begun({}, {}))
    clock.advance(BEGUN_LIFE + timedelta(seconds=1))
    assert ceremonies.take_begun(STEP, Factor.FACE) is None


def test_steps_are_bounded_by_challenge_and_captures_by_person(ceremonies: Ceremonies) -> None:
    for _ in range(STEPS_PER_CHALLENGE):
        ceremonies.count(STEP, Factor.OTP)
    with pytest.raises(RateLimited):
        ceremonies.count(STEP, Factor.OTP)
    ceremonies.count(OTHER, Factor.OTP)
    for number in range(CAPTURES_AN_HOUR):
        ceremonies.count_capture(STEP if number % 2 else OTHER, Factor.FACE)
    with pytest.raises(RateLimited):
        ceremonies.count_capture(OTHER, Factor.FACE)
    ceremonies.count_capture(OTHER, Factor.VOICE)


def test_what_was_received_is_forgotten_with_everything_else(ceremonies: Ceremonies) -> None:
    ceremonies.keep_received(STEP, Factor.OTP, {"step": 1})
    ceremonies.keep_revealed(STEP, Factor.OTP)
    assert ceremonies.has_received(STEP, Factor.OTP)
    ceremonies.forget(STEP, [Factor.OTP])
    assert not ceremonies.has_received(STEP, Factor.OTP)
    assert not ceremonies.take_revealed(STEP, Factor.OTP)
