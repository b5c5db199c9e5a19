"""What a payer can prove with, and how a room that checks such a proof presents itself to the one flow.

A factor's outcome is never revealed on its own: `receive` reduces evidence to a sealed-away record, and `settle` says
yes or no inside the transaction that decides the payment.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol, TypeVar

from authsvc.biometric.words import Capture, Gates
from authsvc.payment import Binding, Payment
from authsvc.subject import Subject

Json = Mapping[str, object]


class Category(StrEnum):
    """The elements of PSD2 RTS Art. 4: something known, held, or inherent."""

    KNOWLEDGE = "knowledge"
    POSSESSION = "possession"
    INHERENCE = "inherence"


class Factor(StrEnum):
    OTP = "otp"
    DEVICE_UV = "device_uv"
    DEVICE_KEY = "device_key"
    FACE = "face"
    VOICE = "voice"

    @property
    def category(self) -> Category:
        return Category.INHERENCE if self in (Factor.FACE, Factor.VOICE) else Category.POSSESSION

    @property
    def amr(self) -> tuple[str, ...]:
        """Authentication method references (RFC 8176). `device_uv` cannot tell a finger from a PIN, so it says `user`."""
        return _AMR[self]

    @property
    def is_server_side_biometric(self) -> bool:
        return self in (Factor.FACE, Factor.VOICE)


_AMR: Mapping[Factor, tuple[str, ...]] = {
    Factor.OTP: ("otp",),
    Factor.DEVICE_UV: ("hwk", "user"),
    Factor.DEVICE_KEY: ("hwk",),
    Factor.FACE: ("face",),
    Factor.VOICE: ("vbm",),
}


@dataclass(frozen=True, slots=True)
class KeyUse:
    """Which device keys may answer beside those that count: `young` ones on probation, those of `suspended` devices."""

    young: bool = False
    suspended: bool = False


@dataclass(frozen=True, slots=True)
class Step:
    """One factor of one challenge, as its verifier sees it. The payment is the stored snapshot, never the request's."""

    decision_id: str
    challenge_id: str
    subject: Subject
    payment: Payment
    binding: Binding
    locale: str
    device_id: str | None = None
    target_fmr: str | None = (
        None  # "1 in 10000", from the policy; the model's manifest turns it into a score.
    )
    liveness: Gates = None
    gestures: int | None = None
    keys: KeyUse = KeyUse()
    attempt: int = 0
    """How many attempts were charged before: each has a draw of its own."""


@dataclass(frozen=True, slots=True)
class Begun:
    """`sent` goes to the payer; `kept` waits, sealed, until the evidence comes, and is used up by it."""

    sent: Json
    kept: Json


@dataclass(frozen=True, slots=True)
class Submission:
    """Evidence as it came in: `fields` of a JSON or multipart body, and the files in order."""

    fields: Json
    files: Mapping[str, tuple[bytes, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Received:
    """Evidence, reduced to what `settle` needs and the audit may keep: no code, picture, sound or template."""

    kept: Json


@dataclass(frozen=True, slots=True)
class More:
    """Evidence came in, and the next part of it is wanted: halves as of `Begun`.

    `reveals` says that the payer knows more than a beginning sends, so that beginning anew costs an attempt.
    """

    sent: Json
    kept: Json
    reveals: bool = True


@dataclass(frozen=True, slots=True)
class Unusable:
    """Evidence that cannot be judged. Each hint is a stable code that the pages turn into a sentence."""

    hints: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Verification:
    """Yes or no, with its reason. `evidence` is for the audit and the receipt, never for the payer.

    `alarm` names what looked like an attack (a replay, a print, a cloned key), for an event of its own.
    """

    factor: Factor
    passed: bool
    reason: str
    evidence: Json = field(default_factory=dict)
    alarm: str | None = None


@dataclass(frozen=True, slots=True)
class Stated:
    """What is known of where a capture came from; `evidence` is for the audit and the receipt, `alarm` as of a verification."""

    capture: Capture = Capture.BROWSER
    evidence: Json = field(default_factory=dict)
    alarm: str | None = None


Tx_contra = TypeVar("Tx_contra", contravariant=True)
Tx_co = TypeVar("Tx_co", covariant=True)
Found = TypeVar("Found")


class Reader(Protocol[Tx_co]):
    """Reads from the store what a query finds there; `Tx_co` is the part of a transaction that the query needs."""

    def __call__(self, query: Callable[[Tx_co], Found]) -> Found: ...


class FactorVerifier(Protocol[Tx_contra]):
    """What the one flow knows of a factor. `Tx_contra` is the store's open transaction."""

    @property
    def factor(self) -> Factor: ...

    def is_offered(self, liveness: Gates = None) -> bool:
        """Whether such evidence can be judged here at all; a face without the liveness detection that is asked cannot."""

    def begin(self, step: Step, now: datetime) -> Begun:
        """Choose nonce, digits, gestures or options for this step."""

    def receive(
        self, step: Step, kept: Json, submission: Submission, now: datetime
    ) -> Received | More | Unusable:
        """Reduce evidence to a record; raises InvalidRequest for what is not evidence of this kind at all."""

    def settle(self, tx: Tx_contra, step: Step, kept: Json, now: datetime) -> Verification:
        """Judge, and use up whatever is good only once, by conditional writes in `tx`."""
