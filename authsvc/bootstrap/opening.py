"""Opens the stores that the settings name: the durable one, which the command line needs too, and the short-lived one."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Protocol

from authsvc.audit.remembered import RememberedHeads
from authsvc.audit.taken_away import TakenAway
from authsvc.clock import Clock, SystemClock
from authsvc.config import Settings
from authsvc.ephemeral import Ephemeral
from authsvc.errors import AuthsvcError, ConfigurationError
from authsvc.events import Tally
from authsvc.keys.keyring import KeyRing
from authsvc.keys.token import Token
from authsvc.storage.adopting import Adopting
from authsvc.storage.auditlog import StoredAuditLog
from authsvc.storage.bound import Binder
from authsvc.storage.chains import ChainSlot
from authsvc.storage.database import Database
from authsvc.storage.ephemeral_sqlite import SqliteEphemeral
from authsvc.storage.ledger import Ledger
from authsvc.storage.noticed import TAG, Noticed, tell
from authsvc.storage.postgres import PostgresDatabase
from authsvc.storage.sealing import Sealer
from authsvc.storage.sqlite import SqliteDatabase
from authsvc.storage.transaction import StoreTransaction, Writing

StoreLedger = Ledger[StoreTransaction]


class Closeable(Protocol):
    def close(self) -> None: ...


class ClosingEphemeral(Ephemeral, Closeable, Protocol):
    """A short-lived store that is closed at the end."""


class Uncounted:
    """Nobody watches: on the command line, and in tests."""

    def judged(self, factor: str, outcome: str) -> None: ...

    def happened(self, tag: str) -> None: ...

    def scored(self, model: str, score: float) -> None: ...

    def committed(self, seconds: float, units: int) -> None: ...

    def store_failed(self, store: str) -> None: ...

    def chore_done(self, name: str, result: str) -> None: ...

    def clock_jumped(self, direction: str) -> None: ...

    def biometrics_asked(self, op: str, result: str, seconds: float) -> None: ...


@dataclass(frozen=True, slots=True)
class Store:
    """The durable side: what every process needs that touches the database, the command line included."""

    ledger: StoreLedger
    ring: KeyRing
    sealer: Sealer
    audit: StoredAuditLog
    slot: ChainSlot
    clock: Clock
    remember: Callable[[], None]
    adopting: Adopting
    noticed: Noticed
    happened: Callable[[str], None]
    taken_away: TakenAway

    def tell(self) -> None:
        """Write down which rows were met that are broken; raises Unavailable, and then they are told the next time."""
        waiting, now = self.noticed.take(), self.clock.now()
        if not waiting:
            return
        try:
            self.ledger.transact(lambda tx: tell(tx, waiting, now))
        except AuthsvcError:
            self.noticed.give_back(waiting)
            raise
        for broken in waiting:
            if broken.user is None:
                self.happened(TAG)

    def close(self) -> None:
        with suppress(AuthsvcError):
            self.tell()
        self.ledger.close()
        self.remember()
        self.slot.release()


def token_of(settings: Settings) -> Token | None:
    """The token that keeps keys of the ring, if one is named; it is not asked for anything yet."""
    if settings.pkcs11_module is None:
        return None
    if not settings.pkcs11_pin:
        raise ConfigurationError("a token needs its PIN: set `AUTHSVC_PKCS11_PIN_FILE`")
    return Token(settings.pkcs11_module, settings.pkcs11_label, settings.pkcs11_pin, settings.pkcs11_timeout)


def open_store(
    settings: Settings, clock: Clock | None = None, tally: Tally | None = None, *, restored: bool = False
) -> Store:
    """The durable store. Make it after a fork: it has a thread and connections of its own.

    `restored` takes audit chains as they are found, and is for the one command that accepts a restored database.
    """
    clock = clock or SystemClock()
    ring = KeyRing.load(settings.keyring, clock, token_of(settings))
    sealer = Sealer(ring)
    noticed = Noticed(clock)
    binder = Binder(ring, lambda: _requires(settings, ring), noticed)
    database = open_database(settings)
    slot = ChainSlot.claim(settings.data_dir / "run")
    counted = tally or Uncounted()
    happened = counted.happened
    remembered = RememberedHeads(settings.memory, settings.audit_witness)
    taken_away = TakenAway(settings.memory, ring)
    writing = Writing(
        slot.name,
        sealer,
        binder,
        ring,
        ring.audit_signing_key,
        clock,
        database.dialect,
        happened,
        None if restored else remembered,
        taken_away,
    )
    ledger: StoreLedger = Ledger(
        database,
        writing.open,
        connected=writing.resume,
        seal=writing.seal,
        committed=writing.committed,
        patience=settings.store_timeout.total_seconds(),
        timed=counted.committed,
        failed=partial(counted.store_failed, "database"),
    )
    audit = StoredAuditLog(ledger, ring.audit_public_keys, ring.audit_signing_key, clock, remembered)
    return Store(
        ledger,
        ring,
        sealer,
        audit,
        slot,
        clock,
        writing.remember,
        Adopting(ledger, binder, clock),
        noticed,
        happened,
        taken_away,
    )


def _requires(settings: Settings, ring: KeyRing) -> bool:
    """Whether a row that carries authority must have a MAC: what the setting says, else what the key ring says."""
    return settings.authority == "required" or (settings.authority == "" and ring.all_bound)


def open_database(settings: Settings) -> Database:
    patience = settings.store_timeout.total_seconds()
    if settings.database_url:
        return PostgresDatabase(settings.database_url, patience)
    return SqliteDatabase(settings.database_file, patience)


def open_ephemeral(settings: Settings, clock: Clock) -> ClosingEphemeral:
    patience = settings.store_timeout.total_seconds()
    if settings.redis_url:
        from authsvc.storage.ephemeral_redis import (
            RedisEphemeral,  # A quarter of a second of every start without it.
        )

        return RedisEphemeral(settings.redis_url, patience)
    return SqliteEphemeral(settings.ephemeral_file, clock, patience=patience)
