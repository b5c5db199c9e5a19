"""What is told about users: their enrollment, devices, account and data. See `answers`."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from authsvc.biometric.words import Modality
from authsvc.device.credential import DeviceState
from authsvc.domain.account import AccountStatus
from authsvc.domain.decision import Status
from authsvc.factor import Factor
from authsvc.web.answers import CaptureBegun, ChallengeOpened, Decision, PayeeShown, Received
from authsvc.web.response_part import Count, ResponsePart
from authsvc.web.words import AnyJson

Factors = Literal[Modality.FACE, Modality.VOICE]
"""The modalities that prove something: closed words, to which the pilot does not belong."""

Step = Literal["recovery", "proof_face", "proof_otp", "consent", "otp", "face", "voice", "device"]


class Ticket(ResponsePart):
    """A one-time ticket: `token` opens the enrollment for the person's page at `url`."""

    id: str
    token: str
    url: str
    user_id: str
    expires_at: datetime


class Recovery(ResponsePart):
    """How far a recovery is; with `operators` who vouch, the code alone is asked for."""

    proven: bool
    operators: Count
    attempts_remaining: Count


class GaitEnrolling(ResponsePart):
    """The pilot, which stands apart from the steps that enroll proofs: whether a walk can be recorded, may be, and was."""

    offered: bool
    consented: bool
    received: bool


class Enrollment(ResponsePart):
    id: str
    user_id: str
    locale: str
    offered: list[Step]
    received: list[Step]
    consented: list[Factors]
    gait: GaitEnrolling
    recovery: Recovery | None
    return_url: str | None
    expires_at: datetime


class RecoveryBegun(ResponsePart):
    attempts_remaining: Count


class ConsentAgreed(ResponsePart):
    modality: Factors
    text_version: str
    given_at: datetime


class GaitAsked(ResponsePart):
    """What is asked beside the modalities that prove, in which wording, and since when the person has agreed, if they have."""

    text_version: str
    agreed_at: datetime | None


class ConsentBegun(ResponsePart):
    """What is asked, and what the person agreed to earlier: to be kept, or taken back by a refusal."""

    text_version: str
    modalities: list[Factors]
    agreed: list[ConsentAgreed]
    gait: GaitAsked | None


class AppBegun(ResponsePart):
    """The secret for the authenticator app: as text, as provisioning URI, and as a QR code (SVG)."""

    secret: str
    uri: str
    qr_svg: str


class PhraseBegun(CaptureBegun):
    """The digits to read, and which of how many phrases it is."""

    phrase: Count
    phrases: Count


class PhraseReceived(Received):
    """The phrase is good; so many remain to be read."""

    remaining: Count


class GaitBegun(ResponsePart):
    """How long to walk, and the nonce that goes with the recording."""

    nonce: str
    seconds: Count


class DeviceBegun(ResponsePart):
    """The longest name, and the options with which the browser makes a device key."""

    name_length: int
    publicKey: AnyJson  # noqa: N815  # The standard's name.


class DeviceSecret(ResponsePart):
    id: str
    secret: str


class DeviceReceived(Received):
    """The secret is shown once; the phone keeps it."""

    device: DeviceSecret


class Enrolled(ResponsePart):
    """Everything counts from now on. The recovery codes are shown once."""

    status: Literal["completed"]
    factors: list[Factor]
    recovery_codes: list[str]
    return_url: str | None


class Device(ResponsePart):
    """`looks_like` is the product that its key names, a hint unless `attested`; a `synced` key may be on other devices too."""

    id: str
    name: str
    state: DeviceState
    probation: bool
    created_at: datetime
    trusted_from: datetime
    seen_at: datetime | None
    synced: bool | None
    looks_like: str | None
    attested: bool


class Devices(ResponsePart):
    devices: list[Device]


class LowValue(ResponsePart):
    """Payments let through by the low-value exemption since the last strong authentication."""

    count: Count
    sum_minor: Count


class UserStatus(ResponsePart):
    user_id: str
    status: AccountStatus
    factors: list[Factor]
    locked_until: dict[str, datetime]
    verify_always: bool
    low_value: LowValue


class WalkWithdrawn(ResponsePart):
    modality: Literal[Modality.GAIT]
    withdrawn_at: datetime


class Withdrawn(ResponsePart):
    modality: Factors
    withdrawn_at: datetime


class AuditPosition(ResponsePart):
    chain: str
    seq: int


class Erased(ResponsePart):
    """The user's key is destroyed, and so is everything sealed under it.

    `receipt` is signed (JWS, `typ` `erasure-receipt+jwt`, keys in `/.well-known/jwks.json`) and says where the audit says so.
    """

    user_id: str
    erased_at: datetime
    audit: AuditPosition
    receipt: str


class ErasedByOwner(Erased):
    return_url: str | None


class Erasure(ResponsePart):
    """How far the proof for an erasure is: `challenge` opens the payer's challenge that proves it; null, nothing was begun."""

    status: Status | None
    challenge: ChallengeOpened | None


class ConsentGiven(ResponsePart):
    modality: Factors
    text_version: str
    given_at: datetime
    withdrawn_at: datetime | None


class WalkConsent(ResponsePart):
    modality: Literal[Modality.GAIT]
    text_version: str
    given_at: datetime
    withdrawn_at: datetime | None


class GaitConsent(ResponsePart):
    """The consent to the pilot that stands."""

    text_version: str
    given_at: datetime


class OverviewTicket(ResponsePart):
    """`token` opens the overview for the person's page at `url`."""

    id: str
    token: str
    url: str
    expires_at: datetime


class Vetoed(ResponsePart):
    factor: Literal["otp", "recovery_codes"]
    vetoed_at: datetime


class Waiting(ResponsePart):
    """What is on probation: until `counts_from` it counts for small payments only, and can be vetoed."""

    factor: Factor | Literal["recovery_codes"]
    counts_from: datetime


class Verification(ResponsePart):
    """One payment or act that the person was asked about; `amount` says how far its amount may be shown."""

    id: str
    at: datetime
    type: str
    payee: PayeeShown
    merchant_name: str | None
    amount: Literal["shown", "masked", "hidden"]
    amount_minor: int | None
    currency: str | None
    device_name: str | None
    channel: str | None
    status: Status
    factors: list[Factor]
    declined: Literal["not_me", "cancel"] | None
    face_renewed: bool


class Activity(ResponsePart):
    """A page of what a user was asked about, the latest first; `next` is null at the end."""

    verifications: list[Verification]
    next: str | None


class Disowned(ResponsePart):
    """`payment_stopped`: it was not over yet; `device_suspended`: it named a device, which confirms nothing any more."""

    decision: str
    status: Status
    payment_stopped: bool
    device_suspended: bool


class Overview(ResponsePart):
    """An account for the person it belongs to: removed devices and withdrawn consents included, and what is on probation."""

    id: str
    user: UserStatus
    devices: list[Device]
    consents: list[ConsentGiven]
    gait: GaitConsent | None
    verifications: list[Verification]
    recovery_codes_left: Count
    waiting: list[Waiting]
    locale: str
    return_url: str | None
    expires_at: datetime


class HabitsKept(ResponsePart):
    """Fading counts of settled payments. Names are those of payments that are still on record."""

    half_life_days: Count
    payments: float
    last_paid_at: datetime
    hours_utc: list[float]
    weekdays_utc: list[float]
    gaps: AnyJson
    payments_an_hour: AnyJson
    amounts: list[AnyJson]
    payees: list[AnyJson]
    devices: list[AnyJson]
    channels: list[AnyJson]
    places: list[AnyJson]


class WalkKept(ResponsePart):
    """Of the pilot: each consent, the method that made the template, and of how many recordings a trace is kept."""

    consents: list[WalkConsent]
    model: str | None
    recordings: Count


class Export(ResponsePart):
    """Everything that is stored about a user, for that user: no template and no secret."""

    user: UserStatus
    devices: list[Device]
    consents: list[ConsentGiven]
    habits: HabitsKept | None
    gait: WalkKept | None
    decisions: list[Decision]
    exported_at: datetime
