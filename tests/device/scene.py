"""One relying party, one payer, one payment, and a store in memory that behaves as the real one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from authsvc.device.record import CredentialRecord, CredentialState
from authsvc.device.registration import begin_registration, finish_registration
from authsvc.device.relying_party import RelyingParty
from authsvc.device.verifier import DeviceVerifier
from authsvc.events import Event
from authsvc.factor import Factor, Json, Received, Step, Submission
from authsvc.payment import Binding, Payee, Payment
from authsvc.subject import Subject
from tests.support.authenticator import Authenticator, Creation

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
ORIGIN = "https://pay.example"
PARTY = RelyingParty.at(ORIGIN, "Example Pay")
ALICE, BOB = Subject("shop", "alice"), Subject("shop", "bob")
PAYMENT = Payment("pay_1", "transfer", 125000, "CNY", Payee("cn:62", "友谊商店"), ALICE)

Answer = TypeVar("Answer")


@dataclass
class MemoryCredentials:
    """What `CredentialStore` does, in a dictionary; `dead` are devices that are not active, `young` those on probation."""

    records: dict[str, CredentialRecord] = field(default_factory=dict)
    dead: set[str] = field(default_factory=set)
    young: set[str] = field(default_factory=set)

    def live(
        self, subject: Subject, *, counted_at: datetime | None = None, suspended: bool = False
    ) -> tuple[CredentialRecord, ...]:
        shut = (set() if suspended else self.dead) | (set() if counted_at is None else self.young)
        return tuple(
            each
            for each in self.records.values()
            if each.subject == subject and each.state is CredentialState.ACTIVE and each.device_id not in shut
        )

    def use(
        self,
        subject: Subject,
        credential_id: str,
        sign_count: int,
        backed_up: bool,
        now: datetime,
        *,
        counted_at: datetime | None = None,
        suspended: bool = False,
    ) -> bool:
        live = self.live(subject, counted_at=counted_at, suspended=suspended)
        record = next((each for each in live if each.id == credential_id), None)
        if record is None or not (
            record.backup_eligible or record.sign_count < sign_count or record.sign_count == sign_count == 0
        ):
            return False
        self.records[record.id] = replace(record, sign_count=sign_count, backed_up=backed_up, used_at=now)
        return True

    def become_synced(self, subject: Subject, credential_id: str) -> bool:
        record = self.records[credential_id]
        self.records[credential_id] = replace(record, backup_eligible=True)
        return not record.backup_eligible

    def suspend(self, subject: Subject, credential_id: str) -> bool:
        self.records[credential_id] = replace(self.records[credential_id], state=CredentialState.SUSPENDED)
        return True


@dataclass
class MemoryTx:
    credentials: MemoryCredentials = field(default_factory=MemoryCredentials)
    events: list[Event] = field(default_factory=list)

    def publish(self, event: Event) -> None:
        self.events.append(event)

    def read(self, query: Callable[[MemoryTx], Answer]) -> Answer:
        return query(self)


class FixedMacs:
    def mac(self, label: str, data: bytes) -> bytes:
        return (label.encode() + data).ljust(32, b"\x00")[:32]

    def mac_candidates(self, label: str, data: bytes) -> tuple[bytes, ...]:
        return (self.mac(label, data),)


def step(payment: Payment = PAYMENT, challenge_id: str = "chl_1") -> Step:
    return Step("dec_1", challenge_id, payment.subject, payment, Binding.of(payment), "zh-CN")


def creation(
    authenticator: Authenticator, subject: Subject = ALICE, now: datetime = NOW, **options: Any
) -> tuple[Json, Creation]:
    """A registration that has begun: what is kept, and the honest answer."""
    begun = begin_registration(PARTY, subject, (), now, **options)
    shown: Any = begun.sent["publicKey"]
    return begun.kept, authenticator.create(shown)


def registered(
    authenticator: Authenticator, subject: Subject = ALICE, device_id: str = "dev_1", **options: Any
) -> CredentialRecord:
    kept, answer = creation(authenticator, subject, **options)
    return finish_registration(PARTY, kept, answer.to_json(), subject, device_id, NOW)


@dataclass
class Scene:
    """Alice's phone is registered and asked for one payment."""

    factor: Factor = Factor.DEVICE_UV
    phone: Authenticator = field(default_factory=lambda: Authenticator(ORIGIN))
    tx: MemoryTx = field(default_factory=MemoryTx)
    options: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.verifier = DeviceVerifier(self.factor, PARTY, self.tx.read, FixedMacs(), **self.options)
        self.enroll(self.phone)

    def enroll(self, phone: Authenticator, subject: Subject = ALICE, device_id: str = "dev_1") -> None:
        record = registered(phone, subject, device_id, pays="confirmation" in self.options)
        self.tx.credentials.records[record.id] = record

    def begin(self, step: Step) -> tuple[Json, dict[str, Any]]:
        begun = self.verifier.begin(step, NOW)
        return begun.kept, dict(begun.sent)

    def receive(self, step: Step, kept: Json, credential: dict[str, Any], after: int = 1) -> Received:
        return self.verifier.receive(step, kept, Submission(credential), NOW + timedelta(seconds=after))

    @property
    def record(self) -> CredentialRecord:
        (record,) = (each for each in self.tx.credentials.records.values() if each.device_id == "dev_1")
        return record
