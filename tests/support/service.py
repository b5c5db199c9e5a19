"""A whole service in this process, on a database and a short-lived store of its own, with a clock that stands still.

The face worker is a fake with behaviour: a "photograph" is the name of whom it shows, and alike means the same name.
"""

from __future__ import annotations

import hashlib
import json
import struct
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Protocol

import pyotp
import pytest

from authsvc.biometric.manifest import manifest_folder, read_manifests
from authsvc.biometric.words import Comparison, Liveness, LivenessResult, Modality, Template
from authsvc.bootstrap import wiring
from authsvc.bootstrap.health import Voices
from authsvc.bootstrap.opening import Uncounted
from authsvc.clock import FrozenClock, to_millis
from authsvc.config import Settings
from authsvc.device.novelty import StatedDevice
from authsvc.domain.decision import Passed
from authsvc.domain.once import Answer, Once
from authsvc.face.capture import CaptureContext, Gesture
from authsvc.face.part import Part
from authsvc.factor import Factor, Submission, Unusable
from authsvc.keys.access import ALL_SCOPES, ApiKey, new_api_key
from authsvc.payment import Payee, Payment
from authsvc.policy.engine import Policy
from authsvc.policy.examination import Past, examine
from authsvc.policy.profiles import Profile
from authsvc.policy.walk import MOST_CELLS
from authsvc.services.enrollments import TicketWanted
from authsvc.services.services import Services
from authsvc.stepup.deciding import DecisionRequest
from authsvc.stepup.proving import Completed
from authsvc.subject import Subject
from tests.support.prepared import prepare

Said = Mapping[str, Any]  # Any: a test knows what it reads from an answer.

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
CLIENT = "shop"
PATIENCE = timedelta(seconds=60)


class NamedFaces:
    """The face room with names for faces: `b"ann 1"` is a picture of ann, `b"dark"` is too dark to use."""

    def __init__(self) -> None:
        manifests = [each for each in read_manifests(manifest_folder()) if each.engine == "dlib_onnx"]
        self.model = manifests[0].digest
        self.liveness = Liveness.UNDECIDED
        self.samples = manifests[0].fusion.samples
        self.gates: tuple[str, ...] = ()
        self.contexts: list[CaptureContext] = []
        self.seen_as: Callable[[Sequence[bytes]], tuple[str, ...]] = lambda frames: ()
        self.shown: list[tuple[Gesture, ...]] = []

    def enroll(self, frames: Sequence[bytes], context: CaptureContext) -> Template | Unusable:
        if len(frames) < self.samples:
            return Unusable(("more_frames",))
        return Template(Modality.FACE, self.model, _face_of(frames[0]), self.samples, self.seen_as(frames))

    def verify(
        self, frames: Sequence[bytes], reference: Template, context: CaptureContext
    ) -> Comparison | Unusable:
        if frames[0] == b"dark":
            return Unusable(("too_dark",))
        self.contexts.append(context)
        alike = _face_of(frames[0]) == reference.vector
        return Comparison(
            0.99 if alike else 0.4,
            self.model,
            1,
            LivenessResult(self.liveness),
            fingerprints=self.seen_as(frames),
        )

    def observe(
        self, frames: Sequence[bytes], context: CaptureContext, model: str | None = None
    ) -> Part | Unusable:
        """A part shows what its first frame says: `b"ann left"` is ann turning left."""
        if frames[0] == b"dark":
            return Unusable(("too_dark",))
        name, _, gesture = frames[0].decode().partition(" ")
        shown = Gesture(gesture) if gesture in set(Gesture) else context.gestures[0]
        return Part(
            model=self.model, gesture=shown, taken_at_ms=context.taken_at_ms,
            prompted_at_ms=context.prompted_at_ms, trace="", room="", scene=("", ""), rest=name, apex="",
            scene_changes=(0.4,),
            flatness=None, fingerprints=self.seen_as(frames), quality={}, replayed=False, passive=None,
        )  # fmt: skip

    def enroll_parts(self, parts: Sequence[Part], context: CaptureContext) -> Template | Unusable:
        self.shown.append(tuple(part.gesture for part in parts))
        return Template(
            Modality.FACE, self.model, _face_of(parts[0].rest.encode()), self.samples, _seen(parts)
        )

    def verify_parts(
        self, parts: Sequence[Part], reference: Template, context: CaptureContext
    ) -> Comparison | Unusable:
        self.shown.append(tuple(part.gesture for part in parts))
        compared = self.verify([part.rest.encode() for part in parts], reference, context)
        return replace(compared, fingerprints=_seen(parts)) if isinstance(compared, Comparison) else compared

    def look_alikes(self, template: Template, others: Sequence[Template]) -> tuple[int, ...]:
        return tuple(number for number, other in enumerate(others) if other.vector == template.vector)

    def describe(self) -> Said:
        liveness = "+".join(self.gates) or "UNSAFE_NO_PAD"
        return {
            "engine": "named",
            "model": self.model,
            "calibrations": [self.model],
            "liveness": liveness,
            "gates": list(self.gates),
        }


class Counted(Uncounted):
    """Keeps the scores that were counted."""

    def __init__(self) -> None:
        self.scores: list[tuple[str, float]] = []

    def scored(self, model: str, score: float) -> None:
        self.scores.append((model, score))


class Here:
    """Examines policies in this process: the same function that the program runs."""

    def __init__(self, most_cells: int = MOST_CELLS) -> None:
        self._most_cells = most_cells

    def examine(
        self, candidate: Policy, active: Policy, profile: Profile | None, past: Past | None = None
    ) -> Said:
        return examine(candidate, active, profile, self._most_cells, past)


def _seen(parts: Sequence[Part]) -> tuple[str, ...]:
    return tuple(one for part in parts for one in part.fingerprints)


def _face_of(frame: bytes) -> bytes:
    name = frame.split()[0]
    return struct.pack("<8f", *hashlib.sha256(name).digest()[:8])


class Standing(Protocol):
    """A clock that stands still until it is told to advance."""

    def now(self) -> datetime: ...

    def advance(self, by: timedelta) -> None: ...


@dataclass
class Phone:
    """What a person holds: an authenticator app, a device with its secret, and recovery codes on paper."""

    app: pyotp.TOTP | None = None
    device: StatedDevice = field(default_factory=StatedDevice)
    recovery_codes: Sequence[str] = ()

    def code(self, clock: Standing) -> str:
        assert self.app is not None
        return self.app.at(clock.now())


class Bench:
    """The service and those around it: the shop with its key, and people with their phones."""

    def __init__(
        self,
        settings: Settings,
        clock: Standing | None = None,
        voice: Voices | None = None,
        faces: NamedFaces | None = None,
    ) -> None:
        self.settings = settings
        self.clock = clock or FrozenClock(NOON)
        prepare(settings)
        self.faces = faces or NamedFaces()
        self.tally = Counted()
        self.wired = wiring.wire(
            settings, self.clock, face=self.faces, tally=self.tally, analyst=Here(), voice=voice
        )
        self.services: Services = self.wired.services
        self.key = self.new_key()
        self._count = 0

    def new_key(self, client: str = CLIENT) -> ApiKey:
        key, _ = new_api_key(self.wired.store.ring, client, ALL_SCOPES, self.clock.now())
        self.wired.store.ledger.transact(lambda tx: tx.keys.add(key))
        return key

    def close(self) -> None:
        self.wired.close()

    def once(self, body: bytes = b"") -> Once:
        """A fresh Idempotency-Key."""
        self._count += 1
        return Once(f"key-{self._count}", hashlib.sha256(body).digest())

    def payment(
        self, amount: int = 2_500, transaction: str | None = None, user: str = "u_1", **fields: object
    ) -> Payment:
        self._count += 1
        stated = {
            "transaction_id": transaction or f"pay_{self._count}",
            "type": "transfer",
            "amount_minor": amount,
            "currency": "CNY",
            "payee": Payee("shop_1", "友谊商店"),
            "subject": Subject(CLIENT, user),
        }
        return Payment.stated(**{**stated, **fields})  # type: ignore[arg-type]  # Tests name the fields they change.

    def decide(
        self,
        payment: Payment,
        device: StatedDevice | None = None,
        risk: int | None = 5,
        once: Once | None = None,
    ) -> Said:
        return said(self.ask(payment, device, risk, once))

    def decide_passing(self, payment: Payment, device: StatedDevice, risk: int, passed: Passed) -> Said:
        """The same, with what the backend states for the payer's pages."""
        request = DecisionRequest(payment, device, risk_score=risk, passed=passed)
        return said(self.services.decisions.decide(self.key, self.once(), request))

    def ask(
        self,
        payment: Payment,
        device: StatedDevice | None = None,
        risk: int | None = 5,
        once: Once | None = None,
    ) -> Answer:
        request = DecisionRequest(payment, device or StatedDevice(), risk_score=risk)
        return self.services.decisions.decide(self.key, once or self.once(), request)

    def enroll(
        self,
        user: str = "u_1",
        *,
        otp: bool = True,
        face: str | None = "ann",
        device: bool = True,
        proof: str | None = None,
        agrees: bool = False,
    ) -> Phone:
        """Enroll a person through the service's own steps."""
        ticket = said(
            self.services.enrollments.create(self.key, self.once(), TicketWanted(user, "zh-CN", proof))
        )
        opened = (str(ticket["id"]), str(ticket["token"]))
        phone = Phone()
        services = self.services
        if face is not None:
            services.enrollments.begin_step(*opened, "consent", {})
            services.enrollments.take_step(
                *opened, "consent", Submission({"modalities": ["face"], "look_alikes": agrees})
            )
            shown = services.enrollments.begin_step(*opened, "face", {})
            while shown.get("state") != "received":
                pictures = [f"{face} {number}" for number in range(3)]
                shown = services.enrollments.take_step(*opened, "face", self.part(shown, *pictures))
        if otp:
            begun = services.enrollments.begin_step(*opened, "otp", {})
            phone.app = pyotp.TOTP(str(begun["secret"]))
            services.enrollments.take_step(*opened, "otp", Submission({"code": phone.code(self.clock)}))
            self.clock.advance(timedelta(seconds=30))
        if device:
            services.enrollments.begin_step(*opened, "device", {})
            made = services.enrollments.take_step(*opened, "device", Submission({"name": "我的手机"}))[
                "device"
            ]
            assert isinstance(made, dict)
            phone.device = StatedDevice(made["id"], made["secret"])
        done = said(services.enrollments.complete(*opened))
        phone.recovery_codes = tuple(done["recovery_codes"])
        return phone

    def answer_otp(self, decision: Said, code: str) -> None:
        opened = challenge_of(decision)
        self.services.challenges.begin_step(*opened, Factor.OTP)
        self.services.challenges.take_step(*opened, Factor.OTP, Submission({"code": code}))

    def answer_face(self, decision: Said, *pictures: str) -> None:
        opened = challenge_of(decision)
        shown = self.services.challenges.begin_step(*opened, Factor.FACE)
        while shown.get("state") != "received":
            shown = self.services.challenges.take_step(*opened, Factor.FACE, self.part(shown, *pictures))

    def part(self, shown: Said, *pictures: str, **meta: object) -> Submission:
        """The answer to what is shown, made in one second on a phone whose clock runs as the service's does."""
        now = to_millis(self.clock.now())
        told = {"taken_at_ms": [*range(len(pictures))], "prompted_at_ms": now, "sent_at_ms": now + 1000}
        self.clock.advance(timedelta(seconds=1) if shown["gestures"] else timedelta())
        frames = tuple(picture.encode() for picture in pictures)
        return Submission({"nonce": shown["nonce"], "meta": {**told, **meta}}, {"frame": frames})

    def complete(self, decision: Said) -> Completed:
        return self.services.challenges.complete(*challenge_of(decision))

    def events(self) -> list[Said]:
        """What the shop has been told so far."""
        told: Said = self.services.records.events(self.key, 0, 500)
        return list(told["events"])

    def again(self, decision: Said) -> Said:
        """The decision as it stands now."""
        return self.services.decisions.find(self.key, str(decision["id"]))


def said(answer: Answer) -> Said:
    """The body of an answer that is no refusal."""
    assert answer.problem is None, answer.problem
    body: Said = json.loads(answer.body)
    return body


def challenge_of(decision: Said) -> tuple[str, str]:
    challenge = decision["challenge"]
    assert isinstance(challenge, dict), decision["status"]
    return challenge["id"], challenge["token"]


def embedded(folder: Path, **changes: object) -> Settings:
    """Settings for the embedded default, with liveness off as in development; stories say what is answered, not how soon."""
    settings = {"store_timeout": PATIENCE, "unsafe_no_pad": True, **changes}
    return Settings(data_dir=folder, **settings)  # type: ignore[arg-type]  # As above.


def on_store(request: pytest.FixtureRequest, folder: Path) -> Settings:
    """For a fixture of a module that has the params `embedded` and `servers`: the second has a PostgreSQL database of its own."""
    if request.param == "embedded":
        return embedded(folder)
    server = request.getfixturevalue("postgres_server")
    server.ensure_running()
    return embedded(folder, database_url=server.url(server.create_database()))
