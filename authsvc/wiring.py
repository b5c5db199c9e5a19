"""Puts the service together from its settings. The only place that knows every room, and the only one that imports storage."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Protocol

from authsvc.access import ApiKey, KeyDesk
from authsvc.biometric import Modality
from authsvc.ceremony import Ceremonies
from authsvc.clock import Clock, SystemClock
from authsvc.config import Settings
from authsvc.desk import ServiceParts
from authsvc.device.relying_party import RelyingParty
from authsvc.device.verifier import DeviceVerifier
from authsvc.enrolling import Enrolling, EnrollmentParts
from authsvc.ephemeral import Ephemeral, Key
from authsvc.errors import AuthsvcError, Unavailable
from authsvc.face.verifier import FaceVerifier, Worker
from authsvc.factor import Factor, FactorVerifier, Json
from authsvc.keyring import KeyRing
from authsvc.manifest import Manifest, manifest_folder, read_manifests
from authsvc.once import Answers
from authsvc.otp import OtpVerifier
from authsvc.policy import loading
from authsvc.policy.engine import Policy
from authsvc.receipt import ReceiptIssuer, ReceiptReader
from authsvc.recovery import Recovering, RecoveryParts
from authsvc.services import Services
from authsvc.staging import Staging
from authsvc.steps.app import AppStep
from authsvc.steps.biometric import FaceStep, VoiceStep
from authsvc.steps.consent import ConsentStep
from authsvc.steps.device import DeviceStep
from authsvc.steps.step import Step
from authsvc.stepup import Parts, StepUp
from authsvc.storage.auditlog import StoredAuditLog
from authsvc.storage.boxes import ServiceBox
from authsvc.storage.chains import ChainSlot
from authsvc.storage.database import Database
from authsvc.storage.ephemeral_sqlite import SqliteEphemeral
from authsvc.storage.ledger import Ledger
from authsvc.storage.postgres import PostgresDatabase
from authsvc.storage.sealing import Sealer
from authsvc.storage.sqlite import SqliteDatabase
from authsvc.storage.transaction import StoreTransaction, Writing
from authsvc.store import Transaction
from authsvc.voice.held import HeldPhrases
from authsvc.voice.verifier import VoiceVerifier
from authsvc.workers.client import WorkerClient
from authsvc.workers.face import RemoteFace
from authsvc.workers.voice import RemoteVoice

logger = logging.getLogger(__name__)

StoreLedger = Ledger[StoreTransaction]

NOT_DETECTING = ("none", "UNSAFE_NO_PAD", None)
"""The liveness modes of a worker that tell no attack from a person."""


class Closeable(Protocol):
    def close(self) -> None: ...


class ClosingEphemeral(Ephemeral, Closeable, Protocol):
    """A short-lived store that is closed at the end."""


class Tally(Protocol):
    """Counts what happens, for `/metrics`."""

    def judged(self, factor: str, outcome: str) -> None: ...

    def happened(self, tag: str) -> None: ...


class Uncounted:
    """Nobody watches: on the command line, and in tests."""

    def judged(self, factor: str, outcome: str) -> None: ...

    def happened(self, tag: str) -> None: ...


class Faces(Worker, Protocol):
    """The face room, here or in a worker process."""

    def describe(self) -> Json: ...


@dataclass(frozen=True, slots=True)
class Store:
    """The durable side: what every process needs that touches the database, the command line included."""

    ledger: StoreLedger
    ring: KeyRing
    sealer: Sealer
    audit: StoredAuditLog
    slot: ChainSlot
    clock: Clock

    def close(self) -> None:
        self.ledger.close()
        self.slot.release()


class Wired:
    """A running service: what the web asks, and what must be closed at the end."""

    def __init__(
        self, services: Services, store: Store, face: FaceHealth, parts: tuple[Closeable, ...]
    ) -> None:
        self.services = services
        self.store = store
        self._face = face
        self._parts = parts
        self._stop = threading.Event()
        self._chores: threading.Thread | None = None

    def start_chores(self, settings: Settings) -> None:
        """Begin what is done now and then: closing what expired, fresh keys, checkpoints."""
        self._chores = threading.Thread(target=self._do_chores, args=(settings,), name="chores", daemon=True)
        self._chores.start()

    def close(self) -> None:
        self._stop.set()
        if self._chores is not None:
            self._chores.join(timeout=5)
        self.store.close()
        for part in self._parts:
            part.close()

    def _do_chores(self, settings: Settings) -> None:
        checkpoint_every = max(1, round(settings.checkpoint_every.total_seconds()))
        second = 0
        while not self._stop.wait(1):
            second += 1
            _attempt("refreshing keys", self.store.ring.refresh)
            if second % 5 == 1:
                _attempt("asking the biometric worker", self._face.refresh)
            if second % 10 == 0:
                _attempt("closing what expired", self.services.sweep)
            if second % checkpoint_every == 0:
                _attempt("taking a checkpoint", self.store.audit.take_checkpoint)


class FaceHealth:
    """What the biometric worker last said of itself: engine, model, liveness mode."""

    def __init__(self, face: Faces) -> None:
        self._face = face
        self._said: Json | None = None

    def refresh(self) -> Json:
        self._said = self._face.describe()
        return self._said

    def detects_attacks(self) -> bool:
        """Whether a liveness detector is at work; nothing heard yet is no."""
        return self._said is not None and self._said.get("liveness") not in NOT_DETECTING


class ServiceHealth:
    """Asks the database, the short-lived store and the biometric worker."""

    def __init__(
        self, ledger: StoreLedger, ephemeral: Ephemeral, face: FaceHealth, settings: Settings
    ) -> None:
        self._ledger = ledger
        self._ephemeral = ephemeral
        self._face = face
        self._settings = settings

    def check(self) -> tuple[bool, Json]:
        found: dict[str, object] = {
            "database": self._state(lambda: self._ledger.read(lambda tx: tx.keys.find(""))),
            "ephemeral": self._state(lambda: self._ephemeral.get(Key("health", "check"))),
        }
        ready = all(state == "ok" for state in found.values())
        try:
            found["face"] = self._face.refresh()
        except AuthsvcError as error:
            # Without biometrics the service still decides; the levels that need a face are then not possible.
            found["face"] = {"error": error.detail}
        found["warnings"] = list(self._settings.warnings)
        return ready, {"status": "ready" if ready else "unavailable", **found}

    def _state(self, ask: Callable[[], object]) -> str:
        try:
            ask()
        except Unavailable as error:
            return error.detail
        return "ok"


def open_store(settings: Settings, clock: Clock | None = None, tally: Tally | None = None) -> Store:
    """The durable store. Make it after a fork: it has a thread and connections of its own."""
    clock = clock or SystemClock()
    ring = KeyRing.load(settings.keyring, clock)
    sealer = Sealer(ring)
    database = open_database(settings)
    slot = ChainSlot.claim(settings.data_dir / "run")
    happened = (tally or Uncounted()).happened
    writing = Writing(slot.name, sealer, ring.audit_signing_key, clock, database.dialect, happened)
    ledger: StoreLedger = Ledger(
        database,
        writing.open,
        connected=writing.resume,
        seal=writing.seal,
        committed=writing.committed,
        patience=settings.store_timeout.total_seconds(),
    )
    audit = StoredAuditLog(ledger, ring.audit_public_keys, ring.audit_signing_key, clock)
    return Store(ledger, ring, sealer, audit, slot, clock)


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


def load_policy(settings: Settings) -> Policy:
    """The operator's document, or the shipped one; raises PolicyInvalid."""
    return loading.shipped() if settings.policy_file is None else loading.from_file(settings.policy_file)


def wire(
    settings: Settings, clock: Clock | None = None, face: Faces | None = None, tally: Tally | None = None
) -> Wired:
    """The whole service for one process; `face` is the biometric worker's by default."""
    store = open_store(settings, clock, tally)
    clock = store.clock
    ephemeral = open_ephemeral(settings, clock)
    policy = load_policy(settings)
    workers = WorkerClient(settings.worker_socket, settings.biometric_timeout)
    # A worker that hangs must not hold up a health check for as long as a capture.
    probe = WorkerClient(settings.worker_socket, settings.store_timeout, connections=2)
    face_health = FaceHealth(face or RemoteFace(probe))
    face = face or RemoteFace(workers)
    party = RelyingParty.at(settings.public_url, settings.issuer)
    voice = RemoteVoice(workers) if settings.voice else None
    verifiers = {
        verifier.factor: verifier
        for verifier in (
            *_verifiers(settings, store, party, face, face_health),
            *_voice_verifiers(store, ephemeral, voice),
        )
    }
    ceremonies = Ceremonies(ephemeral, ServiceBox(store.sealer, "ceremonies"))
    stepup = StepUp(
        Parts(
            ledger=store.ledger,
            policy=lambda: policy,
            verifiers=verifiers,
            ceremonies=ceremonies,
            receipts=ReceiptIssuer(settings.issuer, store.ring.receipt_signing_key, settings.warnings),
            macs_of_secret=partial(_macs_of_secret, store.ring),
            tally=tally or Uncounted(),
            clock=clock,
        )
    )
    staging = Staging(ephemeral, ServiceBox(store.sealer, "enrollments"))
    enrolling = Enrolling(
        EnrollmentParts(
            ledger=store.ledger,
            staging=staging,
            macs=store.ring,
            keys=store.sealer,
            steps=_steps(settings, store, staging, party, face, voice),
            recovering=Recovering(
                RecoveryParts(
                    ledger=store.ledger,
                    verifiers=verifiers,
                    ceremonies=ceremonies,
                    target_fmr=partial(_target_fmr, policy),
                    macs=store.ring,
                    tally=tally or Uncounted(),
                    clock=clock,
                )
            ),
            clock=clock,
        )
    )
    parts = ServiceParts(
        ledger=store.ledger,
        stepup=stepup,
        enrolling=enrolling,
        keys=KeyDesk(store.ring, partial(_find_key, store.ledger)),
        macs=store.ring,
        answers=Answers(ServiceBox(store.sealer, "idempotency")),
        receipts=ReceiptReader(settings.issuer, store.ring.receipt_public_keys),
        audit=store.audit,
        health=ServiceHealth(store.ledger, ephemeral, face_health, settings),
        jwks=store.ring.jwks,
        clock=clock,
        base_url=settings.public_url,
        longest_waits=max(1, settings.threads // 2),
    )
    _remember_policy(store, policy)
    return Wired(Services(parts), store, face_health, (ephemeral, workers, probe))


def _verifiers(
    settings: Settings, store: Store, party: RelyingParty, face: Faces, health: FaceHealth
) -> tuple[FactorVerifier[Transaction], ...]:
    """One line a factor."""
    read = store.ledger.read
    return (
        OtpVerifier(read),
        DeviceVerifier(Factor.DEVICE_UV, party, read, store.ring),
        DeviceVerifier(Factor.DEVICE_KEY, party, read, store.ring),
        FaceVerifier(
            face,
            read,
            _manifests(Modality.FACE),
            detects_attacks=health.detects_attacks,
            without_pad=settings.unsafe_no_pad,
        ),
    )


def _voice_verifiers(
    store: Store, ephemeral: Ephemeral, voice: RemoteVoice | None
) -> tuple[FactorVerifier[Transaction], ...]:
    if voice is None:
        return ()
    held = HeldPhrases(ephemeral, ServiceBox(store.sealer, "held-phrases"))
    return (VoiceVerifier(voice, store.ledger.read, _manifests(Modality.VOICE), held),)


def _steps(
    settings: Settings,
    store: Store,
    staging: Staging,
    party: RelyingParty,
    face: Faces,
    voice: RemoteVoice | None,
) -> tuple[Step, ...]:
    """One line a step, in the order in which people take them."""
    modalities = (Modality.FACE,) if voice is None else (Modality.FACE, Modality.VOICE)
    return (
        ConsentStep(modalities),
        DeviceStep(store.ledger, party, store.ring, settings.probation),
        AppStep(staging, settings.issuer),
        FaceStep(staging, face, asks_gestures=not settings.unsafe_no_pad),
        *(() if voice is None else (VoiceStep(staging, voice),)),
    )


def _manifests(modality: Modality) -> Mapping[str, Manifest]:
    """The manifests of one modality by digest: what turns a target FMR into a score."""
    manifests = read_manifests(manifest_folder())
    return {each.digest: each for each in manifests if each.modality is modality}


def _target_fmr(policy: Policy, modality: Modality) -> str | None:
    """What a modality is judged at, None where the policy never asks for it."""
    return policy.target_fmr(modality) if modality in policy.document.biometrics else None


def _macs_of_secret(ring: KeyRing, secret: str) -> tuple[bytes, ...]:
    return ring.mac_candidates("device-secret", secret.encode())


def _find_key(ledger: StoreLedger, key_id: str) -> ApiKey | None:
    return ledger.read(lambda tx: tx.keys.find(key_id))


def _remember_policy(store: Store, policy: Policy) -> None:
    """Put the active document on record, so that evidence can quote it. An outage at the start only puts this off."""
    now = store.clock.now()
    document = policy.canonical.decode()

    def unit(tx: StoreTransaction) -> None:
        tx.policies.remember(policy.digest, policy.id, policy.version, document, now)

    _attempt("remembering the policy", lambda: store.ledger.transact(unit))


def _attempt(what: str, chore: Callable[[], object]) -> None:
    """A chore that fails is tried again the next time; the service goes on."""
    try:
        chore()
    except AuthsvcError as error:
        logger.warning("%s failed: %s", what, error.detail)
