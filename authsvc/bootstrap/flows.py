"""The two flows over the same verifiers and the same ceremonies: one line a factor, one line a step of an enrollment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

from authsvc.biometric.manifest import Manifest, manifest_folder, read_manifests
from authsvc.biometric.words import Modality
from authsvc.bootstrap.opening import ClosingEphemeral, Store
from authsvc.bootstrap.rooms import Rooms
from authsvc.config import Settings
from authsvc.device.rules import DeviceRules
from authsvc.device.statement import CaptureStatements
from authsvc.device.verifier import DeviceVerifier
from authsvc.domain.once import Answers
from authsvc.domain.receipt import ReceiptIssuer
from authsvc.domain.store import Transaction
from authsvc.enrolling.flow import Enrolling, EnrollmentParts
from authsvc.enrolling.recovery import Recovering, RecoveryParts
from authsvc.enrolling.staging import Staging
from authsvc.enrolling.steps.app import AppStep
from authsvc.enrolling.steps.biometric import FaceStep, VoiceStep
from authsvc.enrolling.steps.consent import ConsentStep
from authsvc.enrolling.steps.device import DeviceStep
from authsvc.enrolling.steps.gait import GaitStep
from authsvc.enrolling.steps.look_alikes import LookAlikes
from authsvc.enrolling.steps.step import Step
from authsvc.errors import ConfigurationError
from authsvc.events import Tally
from authsvc.face.verifier import FaceVerifier
from authsvc.factor import Factor, FactorVerifier
from authsvc.keys.keyring import KeyRing
from authsvc.otp import OtpVerifier
from authsvc.policy.level import Level
from authsvc.policy_life.active import ActivePolicy
from authsvc.policy_life.shadowing import Shadowing
from authsvc.stepup.ceremony import Ceremonies
from authsvc.stepup.flow import Parts, StepUp
from authsvc.storage.boxes import ServiceBox
from authsvc.voice.held import HeldPhrases
from authsvc.voice.verifier import VoiceVerifier

Verifiers = Mapping[Factor, FactorVerifier[Transaction]]


@dataclass(frozen=True, slots=True)
class Kept:
    """What is kept, and by which policy: the durable store, the short-lived one, the document that decides now."""

    store: Store
    ephemeral: ClosingEphemeral
    policy: ActivePolicy
    answers: Answers
    tally: Tally


@dataclass(frozen=True, slots=True)
class Flows:
    """The two flows, and what watches the first."""

    stepup: StepUp
    enrolling: Enrolling
    shadow: Shadowing
    issuer: ReceiptIssuer


@dataclass(frozen=True, slots=True)
class _Shared:
    """What both flows stand on."""

    settings: Settings
    kept: Kept
    rooms: Rooms
    rules: DeviceRules
    verifiers: Verifiers
    ceremonies: Ceremonies


def join(settings: Settings, kept: Kept, rooms: Rooms, rules: DeviceRules) -> Flows:
    """Both flows, and what watches the first."""
    store = kept.store
    ceremonies = Ceremonies(kept.ephemeral, ServiceBox(store.sealer, "ceremonies"))
    verifiers = (*_verifiers(settings, store, rules, rooms), *_voice_verifiers(kept, rooms))
    shared = _Shared(
        settings, kept, rooms, rules, {verifier.factor: verifier for verifier in verifiers}, ceremonies
    )
    issuer = ReceiptIssuer(settings.issuer, store.ring.receipt_signing_key, settings.warnings)
    shadow = Shadowing(store.ledger, lambda: kept.policy.last_seen)
    return Flows(_stepup(shared, issuer), _enrolling(shared), shadow, issuer)


def _stepup(shared: _Shared, issuer: ReceiptIssuer) -> StepUp:
    store = shared.kept.store
    return StepUp(
        Parts(
            ledger=store.ledger,
            policy=shared.kept.policy,
            verifiers=shared.verifiers,
            statements=CaptureStatements(
                shared.rules.party, store.ledger.read, store.ring, shared.rules.attesters
            ),
            ceremonies=shared.ceremonies,
            receipts=issuer,
            macs_of_secret=partial(_macs_of_secret, store.ring),
            tally=shared.kept.tally,
            clock=store.clock,
            cooling=shared.settings.probation,
            reuses_faces=shared.settings.unsafe_no_pad,
        )
    )


def _enrolling(shared: _Shared) -> Enrolling:
    store = shared.kept.store
    staging = Staging(shared.kept.ephemeral, ServiceBox(store.sealer, "enrollments"))
    return Enrolling(
        EnrollmentParts(
            ledger=store.ledger,
            staging=staging,
            macs=store.ring,
            keys=store.sealer,
            steps=_steps(shared, staging),
            recovering=_recovering(shared),
            clock=store.clock,
            cooling=shared.settings.probation,
            reuses_faces=shared.settings.unsafe_no_pad,
        )
    )


def _recovering(shared: _Shared) -> Recovering:
    store, policy = shared.kept.store, shared.kept.policy
    return Recovering(
        RecoveryParts(
            ledger=store.ledger,
            verifiers=shared.verifiers,
            ceremonies=shared.ceremonies,
            target_fmr=partial(_target_fmr, policy),
            liveness=lambda: policy().liveness(Level.FACE_FINGERPRINT),
            gestures=lambda: policy().gestures(Level.FACE_FINGERPRINT),
            macs=store.ring,
            tally=shared.kept.tally,
            clock=store.clock,
            reuses_faces=shared.settings.unsafe_no_pad,
        )
    )


def _verifiers(
    settings: Settings, store: Store, rules: DeviceRules, rooms: Rooms
) -> tuple[FactorVerifier[Transaction], ...]:
    """One line a factor."""
    read, faces = store.ledger.read, _manifests(Modality.FACE)
    return (
        OtpVerifier(read),
        DeviceVerifier(Factor.DEVICE_UV, rules.party, read, store.ring, rules.confirmation),
        DeviceVerifier(Factor.DEVICE_KEY, rules.party, read, store.ring),
        FaceVerifier(
            rooms.face,
            read,
            faces,
            model=_digest(faces, settings.face_model),
            gates=rooms.health[Modality.FACE].gates,
            seed=partial(_seed, store.ring),
            clock=store.clock,
            without_pad=settings.unsafe_no_pad,
        ),
    )


def _voice_verifiers(kept: Kept, rooms: Rooms) -> tuple[FactorVerifier[Transaction], ...]:
    if rooms.voice is None:
        return ()
    store = kept.store
    held = HeldPhrases(kept.ephemeral, ServiceBox(store.sealer, "held-phrases"))
    manifests, is_at_work = _manifests(Modality.VOICE), rooms.health[Modality.VOICE].is_at_work
    seed = partial(_digits_seed, store.ring)
    return (VoiceVerifier(rooms.voice, store.ledger.read, manifests, held, is_at_work, seed),)


def _steps(shared: _Shared, staging: Staging) -> tuple[Step, ...]:
    """One line a step, in the order in which people take them."""
    store, settings = shared.kept.store, shared.settings
    faces, voices = _face_step(shared, staging), _voice_steps(shared, staging)
    gaits = (GaitStep(staging),) if settings.gait else ()
    return (
        ConsentStep((faces, *voices, *gaits), store.ledger, look_alikes=settings.look_alikes),
        DeviceStep(store.ledger, shared.rules, store.ring),
        AppStep(staging, settings.service_name),
        faces,
        *voices,
        *gaits,
    )


def _face_step(shared: _Shared, staging: Staging) -> FaceStep:
    store, settings, face = shared.kept.store, shared.settings, shared.rooms.face
    return FaceStep(
        staging,
        face,
        seed=partial(_seed, store.ring),
        clock=store.clock,
        asks_gestures=not settings.unsafe_no_pad,
        ledger=store.ledger,
        look_alikes=LookAlikes(store.ledger, face) if settings.look_alikes else None,
    )


def _voice_steps(shared: _Shared, staging: Staging) -> tuple[VoiceStep, ...]:
    rooms, ring = shared.rooms, shared.kept.store.ring
    if rooms.voice is None:
        return ()
    is_at_work = rooms.health[Modality.VOICE].is_at_work
    return (VoiceStep(staging, rooms.voice, is_at_work, partial(_digits_seed, ring)),)


def _manifests(modality: Modality) -> Mapping[str, Manifest]:
    """The manifests of one modality by digest: what turns a target FMR into a score."""
    manifests = read_manifests(manifest_folder())
    return {each.digest: each for each in manifests if each.modality is modality}


def _digest(manifests: Mapping[str, Manifest], model: str) -> str:
    """Of the matcher of that name; raises ConfigurationError where there is none."""
    for digest, manifest in manifests.items():
        if (manifest.id, manifest.role) == (model, "matcher"):
            return digest
    raise ConfigurationError(f"no manifest of a face matcher calls itself `{model}` (AUTHSVC_FACE_MODEL)")


def _target_fmr(active: ActivePolicy, modality: Modality) -> str | None:
    """What a modality is judged at, None where the policy never asks for it."""
    policy = active()
    return policy.target_fmr(modality) if modality in policy.document.biometrics else None


def _seed(ring: KeyRing, name: str) -> bytes:
    """What gestures are drawn from: the same for the same attempt, whatever was lost in between."""
    return ring.mac("gestures", name.encode())


def _digits_seed(ring: KeyRing, name: str) -> bytes:
    """What digits are drawn from: the same for one attempt, whatever was lost in between."""
    return ring.mac("digits", name.encode())


def _macs_of_secret(ring: KeyRing, secret: str) -> tuple[bytes, ...]:
    return ring.mac_candidates("device-secret", secret.encode())
