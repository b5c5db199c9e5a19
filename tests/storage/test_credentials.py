"""Device keys as they are stored, in SQLite and PostgreSQL alike: unique for ever, counted once, gone with their device."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy

from authsvc.clock import FrozenClock
from authsvc.device.credential import Device, DeviceState
from authsvc.device.record import CredentialRecord, CredentialState
from authsvc.device.verifier import DeviceVerifier
from authsvc.domain.account import Account
from authsvc.events import Event
from authsvc.factor import Factor, Submission
from authsvc.keys.keyring import KeyRing
from authsvc.stepup.ceremony import Ceremonies
from authsvc.storage.accounts import AccountStore
from authsvc.storage.bound import Binder
from authsvc.storage.credentials import CredentialStore
from authsvc.storage.database import Connection, Database
from authsvc.storage.ephemeral_sqlite import SqliteEphemeral
from authsvc.storage.ledger import Ledger
from authsvc.storage.postgres import PostgresDatabase
from authsvc.storage.rows import Rows
from authsvc.storage.schema import credentials, devices, metadata, users
from authsvc.storage.sealing import Sealer
from authsvc.storage.sqlite import SqliteDatabase
from authsvc.subject import Subject
from tests.device.scene import ALICE, BOB, NOW, ORIGIN, PARTY, FixedMacs, registered, step
from tests.support.authenticator import BE, Authenticator

STEP = step()
RING = KeyRing.create()
BINDER = Binder(RING, lambda: True, lambda broken: None)
LATER = NOW + timedelta(seconds=2)


@dataclass
class Tx:
    """As much of a transaction as the device room needs."""

    connection: Connection
    events: list[Event] = field(default_factory=list)

    @property
    def rows(self) -> Rows:
        return Rows(self.connection, BINDER)

    @property
    def credentials(self) -> CredentialStore:
        return CredentialStore(self.connection, self.rows)

    @property
    def accounts(self) -> AccountStore:
        return AccountStore(self.connection, self.rows, Sealer(RING))

    def publish(self, event: Event) -> None:
        self.events.append(event)


Store = Ledger[Tx]


@dataclass
class Place:
    """A database, to be opened by as many workers as a test likes."""

    database: Callable[[], Database]
    opened: list[Store] = field(default_factory=list)

    def open(self) -> Store:
        ledger: Store = Ledger(
            self.database(),
            Tx,
            connected=lambda connection: None,
            seal=lambda tx, connection: None,
            committed=lambda tx: None,
            patience=5,
        )
        self.opened.append(ledger)
        return ledger


@pytest.fixture(params=["sqlite", "postgres"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    if request.param == "sqlite":
        path = tmp_path / "store.db"
        url, place = f"sqlite:///{path}", Place(lambda: SqliteDatabase(path, 5))
    else:
        location = request.getfixturevalue("postgres_url")
        url, place = (
            "postgresql+psycopg" + location[location.index("://") :],
            Place(lambda: PostgresDatabase(location, 5)),
        )
    engine = sqlalchemy.create_engine(url, poolclass=sqlalchemy.NullPool)
    metadata.create_all(engine, tables=[users, devices, credentials])
    yield place
    for ledger in place.opened:
        ledger.close()


@pytest.fixture
def store(place: Place) -> Store:
    """A store in which Alice and Bob have two phones each."""
    ledger = place.open()
    for subject in (ALICE, BOB):
        ledger.transact(lambda tx, subject=subject: people(tx, subject))  # type: ignore[misc]
    return ledger


def people(tx: Tx, subject: Subject) -> None:
    tx.accounts.add(Account(subject, NOW))
    for device_id in ("dev_1", "dev_2"):
        tx.accounts.add_device(
            Device(subject, device_id, "phone", DeviceState.ACTIVE, b"mac", created_at=NOW, trusted_from=NOW)
        )


def add(store: Store, record: CredentialRecord) -> bool:
    return store.transact(lambda tx: tx.credentials.add(record))


def live(store: Store, subject: Subject = ALICE) -> tuple[CredentialRecord, ...]:
    return store.read(lambda tx: tx.credentials.live(subject))


def use(store: Store, record: CredentialRecord, count: int, backed_up: bool = False) -> bool:
    return store.transact(lambda tx: tx.credentials.use(record.subject, record.id, count, backed_up, LATER))


@pytest.fixture
def record(store: Store) -> CredentialRecord:
    made = registered(Authenticator(ORIGIN), pays=True)
    assert add(store, made)
    return made


@pytest.fixture
def synced(store: Store) -> CredentialRecord:
    made = registered(Authenticator(ORIGIN, flags=BE))
    assert add(store, made)
    return made


def test_a_record_comes_back_as_it_was_stored(store: Store, record: CredentialRecord) -> None:
    assert store.read(lambda tx: tx.credentials.find(ALICE, record.id)) == record
    assert live(store) == (record,)
    assert store.read(lambda tx: tx.credentials.user_handle(ALICE)) == record.user_handle


def test_another_users_key_is_not_found(store: Store, record: CredentialRecord) -> None:
    assert store.read(lambda tx: tx.credentials.find(BOB, record.id)) is None
    assert live(store, BOB) == ()
    assert store.read(lambda tx: tx.credentials.user_handle(BOB)) is None
    assert not store.transact(lambda tx: tx.credentials.use(BOB, record.id, 5, False, LATER))
    assert not store.transact(lambda tx: tx.credentials.suspend(BOB, record.id))


@pytest.mark.parametrize("subject", [ALICE, BOB], ids=["the same user", "another user"])
@pytest.mark.parametrize("end", ["in use", "removed", "erased"])
def test_an_id_is_registered_once_for_ever(
    store: Store, record: CredentialRecord, subject: Subject, end: str
) -> None:
    if end == "removed":
        assert store.transact(lambda tx: tx.credentials.remove_of_device(ALICE, "dev_1")) == 1
    if end == "erased":
        store.transact(lambda tx: tx.credentials.forget(ALICE))
    assert not add(store, replace(record, subject=subject, device_id="dev_2"))
    assert len(live(store, subject)) == (1 if end == "in use" and subject == ALICE else 0)


def test_sixteen_registrations_of_one_id_are_one(store: Store) -> None:
    made = registered(Authenticator(ORIGIN))
    assert sum(race(lambda: add(store, made))) == 1


def test_a_count_rises_and_the_use_is_remembered(store: Store, record: CredentialRecord) -> None:
    assert use(store, record, 7, backed_up=True)
    (after,) = live(store)
    assert (after.sign_count, after.backed_up, after.used_at) == (7, True, LATER)


@pytest.mark.parametrize("count", [0, 6, 7])
def test_a_count_that_does_not_rise_is_refused(store: Store, record: CredentialRecord, count: int) -> None:
    assert use(store, record, 7)
    assert not use(store, record, count)
    assert live(store)[0].sign_count == 7


@pytest.mark.parametrize("count", [0, 1, 6, 7, 8, 2**32 - 1])
def test_any_count_of_a_synced_key_is_taken(store: Store, synced: CredentialRecord, count: int) -> None:
    assert live(store) == (synced,)
    assert use(store, synced, 7)
    assert use(store, synced, count)
    assert live(store)[0].sign_count == count


def test_a_key_becomes_synced_once_and_is_counted_no_more(store: Store, record: CredentialRecord) -> None:
    assert use(store, record, 7)
    assert not store.transact(lambda tx: tx.credentials.become_synced(BOB, record.id))
    assert sum(race(lambda: store.transact(lambda tx: tx.credentials.become_synced(ALICE, record.id)))) == 1
    assert live(store)[0].backup_eligible
    assert use(store, record, 1)


def test_the_highest_count_there_is_can_be_stored(store: Store, record: CredentialRecord) -> None:
    assert use(store, record, 2**32 - 1)


def test_a_key_without_a_counter_is_used_again_and_again(store: Store) -> None:
    made = registered(Authenticator(ORIGIN, counts=False))
    assert add(store, made)
    assert use(store, made, 0)
    assert use(store, made, 0)
    assert use(store, made, 1)
    assert not use(store, made, 0)


def test_of_sixteen_uses_with_one_count_one_succeeds(store: Store, record: CredentialRecord) -> None:
    assert sum(race(lambda: use(store, record, 9))) == 1


def test_of_uses_with_one_count_on_two_workers_one_succeeds(
    place: Place, store: Store, record: CredentialRecord
) -> None:
    workers = itertools.cycle([store, place.open()])
    assert sum(race(lambda: use(next(workers), record, 9))) == 1


def test_a_suspended_key_is_out_of_use_and_still_listed(store: Store, record: CredentialRecord) -> None:
    assert store.transact(lambda tx: tx.credentials.suspend(ALICE, record.id))
    assert live(store) == ()
    assert not use(store, record, 5)
    (listed,) = store.read(lambda tx: tx.credentials.of_user(ALICE))
    assert listed.state is CredentialState.SUSPENDED
    assert not store.transact(lambda tx: tx.credentials.suspend(ALICE, record.id))


@pytest.mark.parametrize("state", [DeviceState.SUSPENDED, DeviceState.REVOKED])
def test_a_key_is_out_of_use_as_soon_as_its_device_is(
    store: Store, record: CredentialRecord, state: DeviceState
) -> None:
    def stop(tx: Tx) -> None:
        device = next(each for each in tx.accounts.devices(ALICE) if each.id == "dev_1")
        tx.accounts.save_device(replace(device, state=state))

    store.transact(stop)
    assert live(store) == ()
    assert not use(store, record, 5)


def test_removing_a_device_leaves_the_keys_of_the_others(store: Store, record: CredentialRecord) -> None:
    other = registered(Authenticator(ORIGIN), device_id="dev_2")
    assert add(store, other)
    assert store.transact(lambda tx: tx.credentials.remove_of_device(ALICE, "dev_1")) == 1
    assert live(store) == (other,)
    assert store.transact(lambda tx: tx.credentials.remove_of_device(ALICE, "dev_1")) == 0


def test_erasure_leaves_the_id_alone(store: Store, record: CredentialRecord) -> None:
    store.transact(lambda tx: tx.credentials.forget(ALICE))
    left = store.read(lambda tx: tx.credentials.find(ALICE, record.id))
    assert left is not None
    assert (left.public_key, left.user_handle, left.aaguid, left.transports) == (b"", b"", "", ())
    assert left.state is CredentialState.REMOVED
    assert store.read(lambda tx: tx.credentials.user_handle(ALICE)) is None


# -- Together with the factor ------------------------------------------------------------------------------------------


class PlainBox:
    def seal(self, name: str, plaintext: bytes) -> bytes:
        return plaintext

    def open(self, name: str, sealed: bytes) -> bytes:
        return sealed


@pytest.fixture
def ceremonies(tmp_path: Path) -> Iterator[Ceremonies]:
    ephemeral = SqliteEphemeral(tmp_path / "ephemeral.db", FrozenClock(NOW))
    yield Ceremonies(ephemeral, PlainBox())
    ephemeral.close()


def race(act: Callable[[], Any], times: int = 16) -> list[Any]:
    """What `times` threads get that start in the same moment."""
    start = threading.Barrier(times)

    def run(_: int) -> Any:
        start.wait()
        return act()

    with ThreadPoolExecutor(times) as pool:
        return list(pool.map(run, range(times)))


@pytest.mark.parametrize("counts", [True, False], ids=["counting", "not counting"])
def test_of_sixteen_uses_of_one_assertion_one_succeeds(
    store: Store, ceremonies: Ceremonies, counts: bool
) -> None:
    """Where the key does not count, the challenge alone, used up when it is taken, keeps the other fifteen out."""
    phone = Authenticator(ORIGIN, counts=counts)
    assert add(store, registered(phone))
    verifier = DeviceVerifier(Factor.DEVICE_UV, PARTY, store.read, FixedMacs())
    begun = verifier.begin(STEP, NOW)
    ceremonies.begin(STEP, Factor.DEVICE_UV, begun)
    options: Any = begun.sent["publicKey"]
    credential = phone.get(options).to_json()

    def answer_and_complete() -> bool:
        kept = ceremonies.take_begun(STEP, Factor.DEVICE_UV)
        if kept is not None:
            received = verifier.receive(STEP, kept, Submission(credential), NOW)
            ceremonies.keep_received(STEP, Factor.DEVICE_UV, received.kept)
        taken = ceremonies.take_received(STEP, [Factor.DEVICE_UV])
        if not taken:
            return False
        return store.transact(lambda tx: verifier.settle(tx, STEP, taken[Factor.DEVICE_UV], LATER).passed)

    assert sum(race(answer_and_complete)) == 1
    (after,) = live(store)
    assert after.state is CredentialState.ACTIVE


def test_a_cloned_key_is_suspended_in_the_store(store: Store) -> None:
    phone = Authenticator(ORIGIN)
    assert add(store, registered(phone))
    clone = phone.clone()
    verifier = DeviceVerifier(Factor.DEVICE_UV, PARTY, store.read, FixedMacs())

    def pay(authenticator: Authenticator) -> Any:
        begun = verifier.begin(STEP, NOW)
        options: Any = begun.sent["publicKey"]
        received = verifier.receive(STEP, begun.kept, Submission(authenticator.get(options).to_json()), NOW)
        return store.transact(lambda tx: verifier.settle(tx, STEP, received.kept, LATER))

    assert pay(phone).passed
    assert pay(phone).passed
    assert pay(clone).alarm == "clone"
    assert live(store) == ()
    assert not pay(phone).passed
