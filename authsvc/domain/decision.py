"""One decision: what was asked, by which rules, and what became of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from authsvc.domain.challenge import Challenge
from authsvc.domain.warned import Warned
from authsvc.errors import ChallengeClosed
from authsvc.gait.words import Likeness
from authsvc.habit.words import Signals
from authsvc.payment import Binding, Payment

Json = Mapping[str, object]


class Status(StrEnum):
    APPROVED = "approved"
    EXEMPTED = "exempted"
    CHALLENGE_REQUIRED = "challenge_required"
    AUTHENTICATED = "authenticated"
    FAILED = "failed"
    DECLINED_BY_USER = "declined_by_user"
    DENIED = "denied"
    NOT_POSSIBLE = "not_possible"
    EXPIRED = "expired"
    CANCELLED = "cancelled"


# Whatever is not here is final.
TRANSITIONS: Mapping[Status, frozenset[Status]] = {
    Status.CHALLENGE_REQUIRED: frozenset(
        {
            Status.AUTHENTICATED,
            Status.FAILED,
            Status.DECLINED_BY_USER,
            Status.DENIED,
            Status.EXPIRED,
            Status.CANCELLED,
        }
    ),
    Status.APPROVED: frozenset({Status.CANCELLED}),
    Status.EXEMPTED: frozenset({Status.CANCELLED}),
    Status.AUTHENTICATED: frozenset({Status.CANCELLED}),
}

RELEASING = frozenset({Status.APPROVED, Status.EXEMPTED, Status.AUTHENTICATED})
"""The statuses that come with a receipt."""


@dataclass(frozen=True, slots=True)
class PolicyRef:
    """The very policy that decided."""

    id: str
    version: int
    digest: str


@dataclass(frozen=True, slots=True)
class ReceiptRef:
    """The receipt as issued; `consumed_at` is written once."""

    token: str
    jti: str
    expires_at: datetime
    consumed_at: datetime | None = None


FOR_THE_PAGES = frozenset({"return_url", "merchant_name", "show_why", "amount_afterwards"})


@dataclass(frozen=True, slots=True)
class Passed:
    """What the backend stated and gets back as it came, by the contract's own names: kept with the decision, judged by nobody.

    These are for the payer's pages: `return_url` leads back to the shop, `merchant_name` is how it calls itself, `show_why`
    has the payer told in coarse words why they are asked, `amount_afterwards` how their list of payments shows the amount.
    """

    return_url: str | None = None
    merchant_name: str | None = None
    show_why: bool | None = None
    amount_afterwards: str | None = None

    @classmethod
    def among(cls, stated: Json) -> Passed:
        """These fields among others; one that is not there keeps its default."""
        return cls(**{each.name: stated[each.name] for each in fields(cls) if each.name in stated})  # type: ignore[arg-type]  # Typed where they come in.

    @classmethod
    def of(cls, stated: object) -> Passed:
        """The attributes of what has them all."""
        return cls(*map(stated.__getattribute__, cls.__slots__))

    def to_json(self) -> Json:
        # Not `asdict`, which copies deeply what is only written: every decision comes by here.
        stated = ((each, getattr(self, each)) for each in self.__slots__)
        return {name: value for name, value in stated if value is not None}

    def returned(self) -> Json:
        """What the backend gets back with its decision: nothing of what is for the payer's pages."""
        return {name: value for name, value in self.to_json().items() if name not in FOR_THE_PAGES}


class Habit(NamedTuple):
    """What the payer's habits said: signals that are present with their numbers, and those of which too little was known.

    `recent` payments were asked for within the hour, this one among them; `place` is the coarse one that the backend stated.
    """

    present: Mapping[str, Mapping[str, int | str]]
    unknown: tuple[str, ...]
    recent: int = 1
    place: str | None = None

    @property
    def inputs(self) -> dict[str, bool | int]:
        """As a policy's inputs; what is not known is left out."""
        return Signals(self.present, self.unknown).inputs()

    @classmethod
    def of(cls, stored: Json | None) -> Habit | None:
        return None if stored is None else cls(**{**stored, "unknown": tuple(stored["unknown"])})  # type: ignore[arg-type]  # As `to_json` wrote it.

    def to_json(self) -> Json:
        place = {} if self.place is None else {"place": self.place}
        return {"present": self.present, "unknown": self.unknown, "recent": self.recent, **place}


@dataclass(frozen=True, slots=True)
class Decision:
    """`inputs` is the full snapshot the policy saw, `reasons` and `fired` what it answered, `novelty` the device's.

    `missing` says what would have to be enrolled, and `possible_from` when it could be proved without; `evidence` is the hash of
    all that a release rests on; `declined` says with which words the payer did, `suspended` that this suspended the device;
    `habit` is what the payer's habits said, None where nobody asked them; `gait` what a recording of a walk said, None without
    one; `warning` is what the payer reads before any proof.
    """

    id: str
    status: Status
    level: str
    payment: Payment
    binding: Binding
    inputs: Json
    reasons: tuple[Json, ...]
    fired: tuple[str, ...]
    policy: PolicyRef
    novelty: str
    created_at: datetime
    expires_at: datetime
    exemption: str | None = None
    device_id: str | None = None
    locale: str = "zh-CN"
    passed: Passed = field(default_factory=Passed)
    missing: tuple[str, ...] = ()
    possible_from: datetime | None = None
    declined: str | None = None
    suspended: bool = False
    habit: Habit | None = None
    gait: Likeness | None = None
    warning: Warned | None = None
    proofs: tuple[Json, ...] = ()
    evidence: str | None = None
    challenge: Challenge | None = None
    receipt: ReceiptRef | None = None
    version: int = 1

    @property
    def known_inputs(self) -> Json:
        """`inputs` with what habits said, also where the policy of that time did not look at it."""
        return self.inputs if self.habit is None else {**self.inputs, **self.habit.inputs}

    @property
    def devices_that_spoke(self) -> frozenset[str]:
        """Those whose keys answered or signed a capture, whether or not the payment named them."""
        return frozenset(
            str(said["device"])
            for proof in self.proofs
            for said in (proof, proof.get("statement"))
            if isinstance(said, Mapping) and "device" in said
        )

    @property
    def is_open(self) -> bool:
        """Whether the transaction id still belongs to this decision."""
        return self.status is Status.CHALLENGE_REQUIRED or (
            self.status in RELEASING and self.receipt is not None and self.receipt.consumed_at is None
        )

    def as_of(self, now: datetime) -> Decision:
        """The decision as it stands now: an open challenge whose time is over has expired."""
        if self.status is Status.CHALLENGE_REQUIRED and now >= self.expires_at:
            return self.become(Status.EXPIRED)
        return self

    def become(self, status: Status, **changes: object) -> Decision:
        """The next value; raises ChallengeClosed for a step that the table does not have."""
        if status not in TRANSITIONS.get(self.status, frozenset()):
            raise ChallengeClosed(f"the decision is {self.status} already")
        return replace(self, status=status, **changes)  # type: ignore[arg-type]  # replace() refuses unknown fields.

    def open_challenge(self) -> Challenge:
        """The challenge while it can be answered; raises ChallengeClosed otherwise."""
        if self.status is not Status.CHALLENGE_REQUIRED or self.challenge is None:
            raise ChallengeClosed(f"the decision is {self.status}")
        return self.challenge

    def with_challenge(self, challenge: Challenge) -> Decision:
        return replace(self, challenge=challenge)
