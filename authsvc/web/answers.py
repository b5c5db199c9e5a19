"""What callers get back, as types: published in the OpenAPI document, and held against every answer by the tests.

They describe, they do not filter: the services' answers go out as they are. A caller must ignore fields it does not know.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, Field

from authsvc.account import AccountStatus
from authsvc.biometric import Modality
from authsvc.decision import Status
from authsvc.device.credential import DeviceState
from authsvc.events import TAGS
from authsvc.factor import Factor
from authsvc.policy.level import Level
from authsvc.subject import Novelty
from authsvc.web.words import AnyJson

Digest = Annotated[str, Field(pattern=r"^sha256:[0-9a-f]{64}$")]
Count = Annotated[int, Field(ge=0)]
Step = Literal["consent", "otp", "face", "voice", "device"]


class Reply(BaseModel):
    """A part of an answer."""


# -- The payment backend ----------------------------------------------------------------------------------------------


class Reason(Reply):
    """Why the level is what it is: for the backend, never for the phone."""

    rule: str
    field: str
    is_: Annotated[object, Field(alias="is")] = None
    bound: object = None


class PolicyUsed(Reply):
    id: str
    version: int
    digest: Digest


class BindingShown(Reply):
    """What everything proven is tied to: the digest of the canonical payment."""

    v: Literal[1]
    digest: Digest


class DeviceJudged(Reply):
    novelty: Novelty


class ChallengeOpened(Reply):
    """`token` opens the challenge for the payer's page at `url`; each of `sets` is a way to prove it, all of it."""

    id: str
    token: str | None
    expires_at: datetime
    url: str | None
    sets: list[list[Factor]]
    attempts_remaining: Count


class Decision(Reply):
    """What the payer must prove, and what became of it. `receipt` comes with the statuses that let the payment go."""

    id: str
    status: Status
    level: Level
    transaction_id: str
    user_id: str
    device: DeviceJudged
    reasons: list[Reason]
    exemption: str | None
    missing: list[Factor]
    policy: PolicyUsed
    binding: BindingShown
    challenge: ChallengeOpened | None
    receipt: str | None
    created_at: datetime
    expires_at: datetime


class CodeIssued(Reply):
    """A code for this payment alone, and the sentence to send it in over a channel of your own."""

    code: Annotated[str, Field(pattern=r"^[0-9]{8}$")]
    text: str
    expires_at: datetime
    tries: Count


class OutcomeRecorded(Reply):
    decision: str
    outcome: Literal["settled", "fraud", "refunded", "disputed"]
    recorded_at: datetime


class ReceiptVerified(Reply):
    """The claims of a receipt for this payment, and whether it can still be consumed; nothing was used up."""

    valid: bool
    consumed_at: datetime | None
    claims: AnyJson


class ReceiptConsumed(Reply):
    consumed_at: datetime
    decision: str


# -- The payer ---------------------------------------------------------------------------------------------------------


class PayeeShown(Reply):
    name: str


class PaymentShown(Reply):
    """What is shown to the payer is what is signed."""

    amount_minor: int
    currency: str
    payee: PayeeShown
    type: str


class Challenge(Reply):
    """A challenge as its payer sees it: no reasons, and no factor's outcome."""

    id: str | None
    status: Status
    payment: PaymentShown
    sets: list[list[Factor]]
    chosen: list[Factor]
    received: list[Factor]
    attempts_remaining: Count
    expires_at: datetime
    locale: str
    return_url: str | None


class CodeBegun(Reply):
    """How many digits the code may have, and for how many seconds each is current."""

    digits: list[int]
    period: int


class CaptureBegun(Reply):
    """A capture counts only with this nonce, once, until `expires_at`; `gestures` are made, `digits` spoken."""

    nonce: str
    expires_at: datetime
    gestures: list[str] | None = None
    digits: str | None = None
    language: str | None = None


class CredentialBegun(Reply):
    """WebAuthn request options for `navigator.credentials.get()`."""

    publicKey: AnyJson  # noqa: N815  # The standard's name.


class Received(Reply):
    """The evidence came in. Whether it is right is not said before `complete`."""

    state: Literal["received"]


class Authenticated(Reply):
    status: Literal["authenticated"]


class Declined(Reply):
    status: Status


# -- Enrolment and users -----------------------------------------------------------------------------------------------


class Ticket(Reply):
    """A one-time ticket: `token` opens the enrolment for the person's page at `url`."""

    id: str
    token: str
    url: str
    user_id: str
    expires_at: datetime


class Enrollment(Reply):
    id: str
    user_id: str
    locale: str
    steps: list[Step]
    received: list[Step]
    expires_at: datetime


class ConsentBegun(Reply):
    text_version: str
    modalities: list[Modality]


class AppBegun(Reply):
    """The secret for the authenticator app: as text, as provisioning URI, and as a QR code (SVG)."""

    secret: str
    uri: str
    qr_svg: str


class DeviceBegun(Reply):
    name_length: int


class DeviceSecret(Reply):
    id: str
    secret: str


class DeviceReceived(Received):
    """The secret is shown once; the phone keeps it."""

    device: DeviceSecret


class Enrolled(Reply):
    """Everything counts from now on. The recovery codes are shown once."""

    status: Literal["completed"]
    factors: list[Factor]
    recovery_codes: list[str]


class Device(Reply):
    id: str
    name: str
    state: DeviceState
    probation: bool
    created_at: datetime
    trusted_from: datetime
    seen_at: datetime | None


class Devices(Reply):
    devices: list[Device]


class LowValue(Reply):
    """Payments let through by the low-value exemption since the last strong authentication."""

    count: Count
    sum_minor: Count


class UserStatus(Reply):
    user_id: str
    status: AccountStatus
    factors: list[Factor]
    locked_until: dict[str, datetime]
    verify_always: bool
    low_value: LowValue


class Withdrawn(Reply):
    modality: Modality
    withdrawn_at: datetime


class AuditPosition(Reply):
    chain: str
    seq: int


class Erased(Reply):
    """The user's key is destroyed, and so is everything sealed under it; `audit` is the receipt for that."""

    user_id: str
    erased_at: datetime
    audit: AuditPosition


class ConsentGiven(Reply):
    modality: Modality
    text_version: str
    given_at: datetime
    withdrawn_at: datetime | None


class Export(Reply):
    """Everything that is stored about a user, for that user: no template and no secret."""

    user: UserStatus
    devices: list[Device]
    consents: list[ConsentGiven]
    decisions: list[Decision]
    exported_at: datetime


# -- Events, audit and the public --------------------------------------------------------------------------------------


class EventShown(Reply):
    seq: int
    type: Annotated[str, Field(json_schema_extra={"enum": list(TAGS)})]
    user_id: str
    at: datetime
    data: AnyJson


class Events(Reply):
    """Oldest first; `next` is the `after` of the next page, also when nothing came."""

    events: list[EventShown]
    next: int


class AuditSubject(Reply):
    client: str
    user: str


class AuditLine(Reply):
    """Who did what to what, about whom, when, and how it ended."""

    chain: str
    seq: int
    hash: str
    actor: str
    action: str
    at: datetime
    details: AnyJson
    object: str
    result: str
    subject: AuditSubject | None


class AuditLines(Reply):
    events: list[AuditLine]
    next: str | None


class Checkpoint(Reply):
    """`body` is the signed text, `signature` Ed25519 in base64."""

    seq: int
    body: str
    key_id: str
    signature: str


class Checkpoints(Reply):
    """Signed heads of every chain: a line that goes missing before a head is noticed."""

    checkpoints: list[Checkpoint]


class Evidence(Reply):
    """One decision with everything it rests on, for a third party to check without this service."""

    format: Literal["authsvc-evidence-v1"]
    evidence: AnyJson
    evidence_hash: Digest
    policy_document: AnyJson
    timeline: list[AnyJson]


class KeySet(Reply):
    """JSON Web Key Set (RFC 7517): what receipts are signed with, earlier keys included."""

    keys: list[AnyJson]


class Document(Reply):
    """An OpenAPI document."""

    model_config = {"extra": "allow"}

    openapi: Literal["3.1.0"]
    info: AnyJson
    paths: AnyJson
    components: AnyJson


class Health(Reply):
    status: Literal["alive"]


class Ready(Reply):
    """What was found: the stores, the engine and model digest of each modality, and the frightening settings in force."""

    model_config = {"extra": "allow"}

    status: Literal["ready"]
    warnings: list[str]


class ProblemExplained(Reply):
    """What a slug means, in English and Chinese."""

    slug: str
    status: int
    title: str
    en: str
    zh: str


class FieldError(Reply):
    field: str
    message: str


class HintShown(Reply):
    """What the person can do better; `code` is stable, `text` is in their language."""

    code: str
    text: str


class Problem(Reply):
    """RFC 9457. `type` is stable and leads to its explanation."""

    model_config = {"extra": "allow"}

    type: Annotated[str, Field(json_schema_extra={"format": "uri-reference"})]
    title: str
    status: int
    detail: str
    errors: list[FieldError] | None = None
    hints: list[HintShown] | None = None
    attempts_remaining: Count | None = None
    retry_after: Count | None = None
