"""A service that is watched: each fault is made in it, and what `/metrics` said before and afterwards is kept."""

from __future__ import annotations

import fcntl
import os
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from authsvc.biometric.drift import ScoreHistogram
from authsvc.bootstrap import gauges
from authsvc.bootstrap.app import create_app
from authsvc.bootstrap.backup.taking import take_backup
from authsvc.bootstrap.gauges import Gauges, note_start
from authsvc.bootstrap.wiring import wire
from authsvc.clock import FrozenClock
from authsvc.config import Settings
from authsvc.domain.once import Once
from authsvc.errors import Unavailable
from authsvc.events import Event
from authsvc.http import QUEUED_AT
from authsvc.keys.access import ALL_SCOPES, new_api_key
from authsvc.keys.keyring import KeyRing
from authsvc.services.outbox import StoredOutbox
from authsvc.storage.upgrade import database_url, upgrade
from authsvc.subject import Subject
from authsvc.web.metrics import Metrics
from authsvc.web.settings import WebSettings
from authsvc.workers.client import WorkerClient
from tests.support.service import NamedFaces
from tests.web.support import BASE_URL, DECISION

MODEL = "sha256:a"
CALIBRATED = ScoreHistogram.of([0.95 + 0.0004 * number for number in range(100)] * 10)


class Observed:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.counting = folder / "counting"
        self.counting.mkdir()
        self.settings = Settings(
            data_dir=folder,
            base_url=BASE_URL,
            metrics_dir=self.counting,
            backup_dir=folder / "backups",
            store_timeout=timedelta(seconds=5),
        )
        KeyRing.create(self.settings.keyring)
        upgrade(database_url(self.settings))
        self.clock = FrozenClock(datetime.now(UTC))
        self.metrics = Metrics(expected={MODEL: CALIBRATED}, spaces={"data": folder})
        self.wired = wire(self.settings, self.clock, face=NamedFaces(), tally=self.metrics)
        store = self.wired.store
        self.key, shown = new_api_key(store.ring, "shop", ALL_SCOPES, self.clock.now())
        store.ledger.transact(lambda tx: tx.keys.add(self.key))
        self.bearer = {"Authorization": f"Bearer {shown}"}
        self.client = create_app(self.wired.services, WebSettings(BASE_URL), self.metrics).test_client()
        self.count = 0
        self.monkey = pytest.MonkeyPatch()
        self.watch()
        self.settle()

    def watch(self) -> None:
        self.metrics.watch(Gauges(self.settings, self.wired.store))

    def settle(self) -> None:
        """Everything that is done now and then was done, a backup was taken, payments are decided."""
        for chore in self.wired.chores:
            self.wired.do(chore)
        take_backup(self.settings, self.wired.store, self.folder / "backups")
        self.wired.store.audit.take_checkpoint()
        note_start(self.counting, "webhooks", 1)
        for _ in range(20):
            assert self.pay() in (200, 201)

    def pay(self, **environ: Any) -> int:
        self.count += 1
        headers = {**self.bearer, "Idempotency-Key": f"pay-{self.count}"}
        transaction = {**DECISION["transaction"], "id": f"pay_{self.count}"}  # type: ignore[dict-item]  # A JSON object.
        answer = self.client.post(
            "/v1/decisions",
            json={**DECISION, "transaction": transaction},
            headers=headers,
            environ_overrides=environ,
        )
        return answer.status_code

    def text(self) -> str:
        return self.metrics.text()[0].decode()

    def close(self) -> None:
        self.monkey.undo()
        self.wired.close()


def _database_silent(it: Observed) -> None:
    """Its file cannot be opened any more."""
    database = it.wired.store.ledger._database
    it.monkey.setattr(database, "connect", _refuse)
    it.wired.store.ledger._readers.close()
    for _ in range(4):
        it.wired.store.ledger._readers._idle.put(None)
    it.wired.store.ledger._disconnect()
    for _ in range(5):
        assert it.pay() == 503
    for _ in range(4):
        for chore in it.wired.chores:
            it.wired.do(chore)


def _refuse() -> None:
    raise Unavailable("the database did not answer")


def _slow(it: Observed) -> None:
    def slowly(*words: Any) -> Any:
        time.sleep(0.3)
        return decide(*words)

    decide = it.wired.services.decisions.decide
    it.monkey.setattr(type(it.wired.services.decisions), "decide", lambda self, *words: slowly(*words))
    for _ in range(2):
        it.pay()


def _queueing(it: Observed) -> None:
    it.pay(**{QUEUED_AT: time.perf_counter() - 0.4})


def _commits_slow(it: Observed) -> None:
    """Another process holds the database for most of a second."""
    lock = os.open(it.folder / "authsvc.db.lock", os.O_RDWR)
    fcntl.flock(lock, fcntl.LOCK_EX)
    timer = threading.Timer(0.8, lambda: fcntl.flock(lock, fcntl.LOCK_UN))
    timer.start()
    it.wired.store.ledger.transact(lambda tx: tx.readiness.write("slow", it.clock.now()))
    timer.join()
    os.close(lock)


def _biometrics_gone(it: Observed) -> None:
    client = WorkerClient(
        it.folder / "absent.sock", timedelta(seconds=1), counted=it.metrics.biometrics_asked
    )
    for _ in range(30):
        with suppress(Unavailable):
            client.call("face.verify", {})


def _restarting(it: Observed) -> None:
    note_start(it.counting, "webhooks", 6)


def _disk_low(it: Observed) -> None:
    class Usage:
        free = 1 << 20

    it.monkey.setattr("authsvc.web.metrics.shutil.disk_usage", lambda path: Usage)


def _memory(it: Observed) -> None:
    it.monkey.setattr(gauges, "_PAGE", 1 << 22)


def _checkpoint_old(it: Observed) -> None:
    it.clock.advance(timedelta(minutes=20))
    assert it.pay() in (200, 201)


def _webhooks_late(it: Observed) -> None:
    once = Once("endpoint", b"0" * 32)
    it.wired.services.webhooks.create(it.key, once, "https://shop.example/hook", ())
    event = Event("subject:locked", Subject("shop", "u_1"), it.clock.now(), {})
    it.wired.store.ledger.transact(lambda tx: tx.publish(event))
    StoredOutbox(it.wired.store.ledger, it.clock).spread()
    it.clock.advance(timedelta(minutes=20))


def _backup_old(it: Observed) -> None:
    it.clock.advance(timedelta(hours=27))


def _record_broken(it: Observed) -> None:
    it.wired.store.ledger.transact(
        lambda tx: tx.audit._connection.run(
            "UPDATE api_keys SET scopes = 'audit' WHERE id = :id", {"id": it.key.id}
        )
    )
    it.wired.services.admission._parts.keys._seen.clear()
    assert it.pay() == 503
    it.wired.store.tell()


def _happened(tag: str, times: int) -> Callable[[Observed], None]:
    def make(it: Observed) -> None:
        subject = Subject("shop", "u_1")
        for _ in range(times):
            event = Event(tag, subject, it.clock.now(), {})
            it.wired.store.ledger.transact(lambda tx, one=event: tx.publish(one))  # type: ignore[misc]  # A lambda's default.

    return make


def _drift(it: Observed) -> None:
    for number in range(600):
        it.metrics.scored(MODEL, 0.90 + 0.0004 * (number % 100))


def _unsafe(it: Observed) -> None:
    object.__setattr__(it.settings, "unsafe_no_pad", True)
    it.watch()


FAULTS: Mapping[str, Callable[[Observed], None]] = {
    "AuthsvcSlow": _slow,
    "AuthsvcQueueing": _queueing,
    "AuthsvcCommitsSlow": _commits_slow,
    "AuthsvcBiometricsFail": _biometrics_gone,
    "AuthsvcRestarting": _restarting,
    "AuthsvcDiskLow": _disk_low,
    "AuthsvcMemory": _memory,
    "AuthsvcCheckpointOld": _checkpoint_old,
    "AuthsvcWebhooksLate": _webhooks_late,
    "AuthsvcBackupOld": _backup_old,
    "AuthsvcAttacks": _happened("attack:suspected", 30),
    "AuthsvcLockouts": _happened("subject:locked", 60),
    "AuthsvcScoreDrift": _drift,
    "AuthsvcUnsafe": _unsafe,
    # The last in its service: its only key is broken.
    "AuthsvcRecordBroken": _record_broken,
    "AuthsvcErrors": _database_silent,
    "AuthsvcStoreErrors": _database_silent,
    "AuthsvcChoreFails": _database_silent,
}
"""What is not here is not ours to make: that Prometheus reaches nobody, and that two hosts differ."""
