"""Puts the service together from its settings. The only place that knows every room, and the only one that imports storage."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import cache, partial

from authsvc.biometric.manifest import Manifest, manifest_folder, read_manifests
from authsvc.biometric.words import Modality
from authsvc.bootstrap.health import Faces, RoomHealth, ServiceHealth, Voices
from authsvc.bootstrap.opening import (
    ClosingEphemeral,
    Store,
    StoreLedger,
    Uncounted,
    open_ephemeral,
    open_store,
)
from authsvc.bootstrap.running import Chore, Wired, attempt
from authsvc.clock import Clock
from authsvc.config import Settings
from authsvc.device.attestation import TrustedModels
from authsvc.device.payment_confirmation import PaymentConfirmation
from authsvc.device.relying_party import RelyingParty
from authsvc.device.rules import DeviceRules
from authsvc.device.verifier import DeviceVerifier
from authsvc.domain.receipt import ReceiptIssuer, ReceiptReader
from authsvc.domain.store import Transaction
from authsvc.enrolling.flow import Enrolling, EnrollmentParts
from authsvc.enrolling.recovery import Recovering, RecoveryParts
from authsvc.enrolling.staging import Staging
from authsvc.enrolling.steps.app import AppStep
from authsvc.enrolling.steps.biometric import FaceStep, VoiceStep
from authsvc.enrolling.steps.consent import ConsentStep
from authsvc.enrolling.steps.device import DeviceStep
from authsvc.enrolling.steps.look_alikes import LookAlikes
from authsvc.enrolling.steps.step import Step
from authsvc.ephemeral import Ephemeral
from authsvc.errors import ConfigurationError
from authsvc.events import Tally
from authsvc.face.verifier import FaceVerifier
from authsvc.factor import Factor, FactorVerifier
from authsvc.keys.access import ApiKey, KeyAdmission
from authsvc.keys.keyring import KeyRing
from authsvc.operators.console import Console, assembled
from authsvc.operators.parts import OperatorParts
from authsvc.otp import OtpVerifier
from authsvc.policy import loading
from authsvc.policy.engine import Policy
from authsvc.policy.level import Level
from authsvc.policy.life import Source
from authsvc.policy.thresholds import Model, models_in_use
from authsvc.policy_life.active import ActivePolicy, PolicyWatch
from authsvc.policy_life.analyst import Analyst, ChildAnalyst
from authsvc.policy_life.service import PolicyService
from authsvc.policy_life.shadowing import Shadowing
from authsvc.services.base import ServiceParts
from authsvc.services.services import Services
from authsvc.stepup.ceremony import Ceremonies
from authsvc.stepup.flow import Parts, StepUp
from authsvc.stepup.once import Answers
from authsvc.storage.boxes import ServiceBox
from authsvc.voice.held import HeldPhrases
from authsvc.voice.verifier import VoiceVerifier
from authsvc.webhook.guard import Guard, networks_of
from authsvc.workers.client import WorkerClient
from authsvc.workers.face import RemoteFace
from authsvc.workers.voice import RemoteVoice


def installed_policy(settings: Settings) -> tuple[Policy, Source]:
    """What an empty store is seeded with: the operator's document, or the shipped one; raises PolicyInvalid."""
    if settings.policy_file is None:
        return loading.shipped(), loading.shipped_source()
    return loading.from_file(settings.policy_file), loading.source_of(settings.policy_file)


def watch_policy(settings: Settings, store: Store) -> ActivePolicy:
    """The policy that the store says, seeded where it is empty. An outage at the start only puts this off."""
    origin = "shipped" if settings.policy_file is None else f"file:{settings.policy_file.name}"
    active = ActivePolicy(store.ledger, installed_policy(settings), origin, store.clock)
    attempt("seeding the policy", active.seed)
    return active


def device_rules(settings: Settings) -> DeviceRules:
    """By what device keys are registered and used; raises ConfigurationError for settings that cannot hold."""
    models, name = settings.attestation_models, settings.shown_name
    return DeviceRules(
        RelyingParty.at(
            settings.public_url, name, id=settings.rp_id or None, related=settings.related_origins
        ),
        None if models is None else TrustedModels.load(models),
        PaymentConfirmation(name, _icon(settings)) if settings.payment_confirmation else None,
    )


def _icon(settings: Settings) -> str:
    """What a browser shows beside a payment lies with the pages."""
    if not settings.pages:
        raise ConfigurationError(
            "`AUTHSVC_PAYMENT_CONFIRMATION` needs the pages, and `AUTHSVC_PAGES` is empty"
        )
    return f"{settings.public_url}/pages/shield.svg"


@dataclass(frozen=True, slots=True)
class Kept:
    """What is kept, and by which policy: the durable store, the short-lived one, the document that decides now."""

    store: Store
    ephemeral: ClosingEphemeral
    policy: ActivePolicy
    answers: Answers
    tally: Tally


@dataclass(frozen=True, slots=True)
class Rooms:
    """The biometric rooms in their worker, and how they are. `voice` is None where the settings leave it out."""

    face: Faces
    voice: Voices | None
    health: Mapping[Modality, RoomHealth]
    connections: tuple[WorkerClient, ...]


@dataclass(frozen=True, slots=True)
class Flows:
    """The two flows, and what watches the first."""

    stepup: StepUp
    enrolling: Enrolling
    shadow: Shadowing
    issuer: ReceiptIssuer


def wire(
    settings: Settings,
    clock: Clock | None = None,
    face: Faces | None = None,
    tally: Tally | None = None,
    analyst: Analyst | None = None,
    voice: Voices | None = None,
) -> Wired:
    """The whole service for one process. By default rooms are the biometric worker's, and `analyst` a program of its own."""
    kept = _open(settings, clock, tally)
    rooms = _reach(settings, face, voice)
    rules = device_rules(settings)
    flows = _join(settings, kept, rooms, rules)
    policies = PolicyService(
        kept.store.ledger,
        kept.policy,
        kept.answers,
        analyst or ChildAnalyst(settings.policy_most_cells),
        kept.store.clock,
        _models_in_use(settings),
    )
    console = _console(settings, kept.store, kept.ephemeral, rules.party.at_home(), policies)
    services = Services.of(_parts(settings, kept, rooms, rules.party, flows, policies, console))
    return Wired(
        services,
        console,
        kept.store,
        _chores(settings, kept.store, rooms, services, console),
        PolicyWatch(kept.policy, flows.shadow.compare),
        (kept.ephemeral, *rooms.connections),
    )


def _open(settings: Settings, clock: Clock | None, tally: Tally | None) -> Kept:
    store = open_store(settings, clock, tally)
    ephemeral = open_ephemeral(settings, store.clock)
    answers = Answers(ServiceBox(store.sealer, "idempotency"))
    return Kept(store, ephemeral, watch_policy(settings, store), answers, tally or Uncounted())


def _reach(settings: Settings, face: Faces | None, voice: Voices | None) -> Rooms:
    workers = WorkerClient(settings.worker_socket, settings.biometric_timeout)
    # A worker that hangs must not hold up a health check for as long as a capture.
    probe = WorkerClient(settings.worker_socket, settings.store_timeout, connections=2)
    health = {Modality.FACE: RoomHealth(face or RemoteFace(probe))}
    if settings.voice:
        health[Modality.VOICE] = RoomHealth(voice or RemoteVoice(probe))
        voice = voice or RemoteVoice(workers)
    return Rooms(face or RemoteFace(workers), voice, health, (workers, probe))


def _join(settings: Settings, kept: Kept, rooms: Rooms, rules: DeviceRules) -> Flows:
    """Both flows over the same verifiers and the same ceremonies."""
    store, policy = kept.store, kept.policy
    verifiers = {
        verifier.factor: verifier
        for verifier in (
            *_verifiers(settings, store, rules, rooms.face, rooms.health[Modality.FACE]),
            *_voice_verifiers(store, kept.ephemeral, rooms.voice, rooms.health),
        )
    }
    ceremonies = Ceremonies(kept.ephemeral, ServiceBox(store.sealer, "ceremonies"))
    issuer = ReceiptIssuer(settings.issuer, store.ring.receipt_signing_key, settings.warnings)
    stepup = StepUp(
        Parts(
            ledger=store.ledger,
            policy=policy,
            verifiers=verifiers,
            ceremonies=ceremonies,
            receipts=issuer,
            macs_of_secret=partial(_macs_of_secret, store.ring),
            tally=kept.tally,
            clock=store.clock,
            cooling=settings.probation,
            reuses_faces=settings.unsafe_no_pad,
        )
    )
    recovering = Recovering(
        RecoveryParts(
            ledger=store.ledger,
            verifiers=verifiers,
            ceremonies=ceremonies,
            target_fmr=partial(_target_fmr, policy),
            liveness=lambda: policy().liveness(Level.FACE_FINGERPRINT),
            macs=store.ring,
            tally=kept.tally,
            clock=store.clock,
            reuses_faces=settings.unsafe_no_pad,
        )
    )
    staging = Staging(kept.ephemeral, ServiceBox(store.sealer, "enrollments"))
    enrolling = Enrolling(
        EnrollmentParts(
            ledger=store.ledger,
            staging=staging,
            macs=store.ring,
            keys=store.sealer,
            steps=_steps(settings, store, staging, rules, rooms.face, rooms.voice, rooms.health),
            recovering=recovering,
            clock=store.clock,
            cooling=settings.probation,
            reuses_faces=settings.unsafe_no_pad,
        )
    )
    return Flows(stepup, enrolling, Shadowing(store.ledger, lambda: policy.last_seen), issuer)


def _parts(
    settings: Settings,
    kept: Kept,
    rooms: Rooms,
    party: RelyingParty,
    flows: Flows,
    policies: PolicyService,
    console: Console,
) -> ServiceParts:
    store = kept.store
    return ServiceParts(
        ledger=store.ledger,
        stepup=flows.stepup,
        enrolling=flows.enrolling,
        keys=KeyAdmission(store.ring, partial(_find_key, store.ledger)),
        macs=store.ring,
        answers=kept.answers,
        receipts=ReceiptReader(settings.issuer, store.ring.receipt_public_keys),
        policies=policies,
        shadow=flows.shadow,
        issuer=flows.issuer,
        audit=store.audit,
        sessions=console.sessions,
        health=ServiceHealth(
            store.ledger, kept.ephemeral, kept.policy, rooms.health, settings, store.slot.name, store.clock
        ),
        jwks=store.ring.jwks,
        web_origins=party.web_origins,
        clock=store.clock,
        webhook_guard=Guard(networks_of(settings.webhook_networks)),
        base_url=settings.public_url,
        longest_waits=max(1, settings.threads // 2),
    )


def _chores(
    settings: Settings, store: Store, rooms: Rooms, services: Services, console: Console
) -> tuple[Chore, ...]:
    """One line a chore, with how often it is done."""
    return (
        Chore("refreshing keys", timedelta(seconds=1), store.ring.refresh),
        Chore("telling of broken rows", timedelta(seconds=1), store.tell),
        *(
            Chore(f"asking the {modality} room", timedelta(seconds=5), room.refresh, at_once=True)
            for modality, room in rooms.health.items()
        ),
        Chore("closing what expired", timedelta(seconds=10), services.housekeeping.sweep),
        Chore("counting for the console", timedelta(seconds=5), console.figures.gather),
        Chore("forgetting what the console is done with", timedelta(hours=1), console.forget),
        Chore("taking a checkpoint", settings.checkpoint_every, store.audit.take_checkpoint),
    )


def _console(
    settings: Settings, store: Store, ephemeral: Ephemeral, party: RelyingParty, policies: PolicyService
) -> Console:
    """The operators' side, over the same stores and under labels of its own."""
    return assembled(
        OperatorParts(
            ledger=store.ledger,
            macs=store.ring,
            box=ServiceBox(store.sealer, "operators"),
            ephemeral=ephemeral,
            party=party,
            display_name=settings.shown_name,
            audit=store.audit,
            clock=store.clock,
        ),
        policies,
    )


def _verifiers(
    settings: Settings, store: Store, rules: DeviceRules, face: Faces, health: RoomHealth
) -> tuple[FactorVerifier[Transaction], ...]:
    """One line a factor."""
    read = store.ledger.read
    return (
        OtpVerifier(read),
        DeviceVerifier(Factor.DEVICE_UV, rules.party, read, store.ring, rules.confirmation),
        DeviceVerifier(Factor.DEVICE_KEY, rules.party, read, store.ring),
        FaceVerifier(
            face,
            read,
            _manifests(Modality.FACE),
            gates=health.gates,
            seed=partial(_seed, store.ring),
            clock=store.clock,
            without_pad=settings.unsafe_no_pad,
        ),
    )


def _voice_verifiers(
    store: Store, ephemeral: Ephemeral, voice: Voices | None, rooms: Mapping[Modality, RoomHealth]
) -> tuple[FactorVerifier[Transaction], ...]:
    if voice is None:
        return ()
    held = HeldPhrases(ephemeral, ServiceBox(store.sealer, "held-phrases"))
    manifests, is_at_work = _manifests(Modality.VOICE), rooms[Modality.VOICE].is_at_work
    return (
        VoiceVerifier(
            voice, store.ledger.read, manifests, held, is_at_work, partial(_digits_seed, store.ring)
        ),
    )


def _steps(
    settings: Settings,
    store: Store,
    staging: Staging,
    rules: DeviceRules,
    face: Faces,
    voice: Voices | None,
    rooms: Mapping[Modality, RoomHealth],
) -> tuple[Step, ...]:
    """One line a step, in the order in which people take them."""
    voices = (
        ()
        if voice is None
        else (VoiceStep(staging, voice, rooms[Modality.VOICE].is_at_work, partial(_digits_seed, store.ring)),)
    )
    faces = FaceStep(
        staging,
        face,
        seed=partial(_seed, store.ring),
        clock=store.clock,
        asks_gestures=not settings.unsafe_no_pad,
        look_alikes=LookAlikes(store.ledger, face) if settings.look_alikes else None,
    )
    return (
        ConsentStep((faces, *voices), look_alikes=settings.look_alikes),
        DeviceStep(store.ledger, rules, store.ring),
        AppStep(staging, settings.shown_name),
        faces,
        *voices,
    )


def _manifests(modality: Modality) -> Mapping[str, Manifest]:
    """The manifests of one modality by digest: what turns a target FMR into a score."""
    manifests = read_manifests(manifest_folder())
    return {each.digest: each for each in manifests if each.modality is modality}


def _target_fmr(active: ActivePolicy, modality: Modality) -> str | None:
    """What a modality is judged at, None where the policy never asks for it."""
    policy = active()
    return policy.target_fmr(modality) if modality in policy.document.biometrics else None


def _models_in_use(settings: Settings) -> Callable[[], tuple[Model, ...]]:
    """The calibrated matchers of this machine. Looked for once, when an operator first needs them: it hashes their weights."""
    return cache(lambda: models_in_use(manifest_folder(), settings.models))


def _seed(ring: KeyRing, name: str) -> bytes:
    """What gestures are drawn from: the same for the same attempt, whatever was lost in between."""
    return ring.mac("gestures", name.encode())


def _digits_seed(ring: KeyRing, name: str) -> bytes:
    """What digits are drawn from: the same for one attempt, whatever was lost in between."""
    return ring.mac("digits", name.encode())


def _macs_of_secret(ring: KeyRing, secret: str) -> tuple[bytes, ...]:
    return ring.mac_candidates("device-secret", secret.encode())


def _find_key(ledger: StoreLedger, key_id: str) -> ApiKey | None:
    return ledger.read(lambda tx: tx.keys.find(key_id))
