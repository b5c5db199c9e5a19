"""What a caller sends, as types that validate it and publish it.

What may be left out may also be `null`: the same, since many libraries write every member of an object.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from authsvc.biometric.words import Modality
from authsvc.factor import Category, Factor
from authsvc.gait.words import LEAST_RATE, LONGEST_TEXT, MOST_RATE, Recording
from authsvc.payment import Payee, Payment
from authsvc.policy.recorded import Ending
from authsvc.subject import Novelty, Subject
from authsvc.web.words import (
    Amount,
    AnyJson,
    AnyValue,
    ChainCursor,
    Code,
    Currency,
    Cursor,
    DeviceName,
    DisplayName,
    Identifier,
    IpAddress,
    Json,
    Limit,
    Locale,
    MerchantName,
    Name,
    OnlyTrue,
    OwnId,
    PathIdentifier,
    Place,
    Reason,
    Receipt,
    ReturnUrl,
    RiskScore,
    Secret,
    Sentence,
    Wanted,
    Word,
)


class Nothing(Wanted):
    """An empty object; the body may be left out altogether."""


# -- The payment backend ----------------------------------------------------------------------------------------------


class PayeeStated(Wanted):
    id: Identifier
    name: Name


class Transaction(Wanted):
    """The payment; `amount_minor` counts the currency's smallest unit (fen, cents)."""

    id: Identifier
    type: Word
    amount_minor: Amount
    currency: Currency
    payee: PayeeStated

    def payment_of(self, subject: Subject) -> Payment:
        """The payment as the service knows it; raises InvalidRequest for text without a canonical form."""
        return Payment.stated(
            transaction_id=self.id,
            type=self.type,
            amount_minor=self.amount_minor,
            currency=self.currency,
            payee=Payee(self.payee.id, self.payee.name),
            subject=subject,
        )


class DeviceStated(Wanted):
    """The phone: an id counts only with the secret it was given. `novelty` may make it worse than we know it, never better."""

    id: PathIdentifier | None = None
    secret: Secret | None = None
    novelty: Novelty | None = None


class Risk(Wanted):
    """The payment layer's own estimate: 0 is harmless, 100 the worst. Absent reads as 100."""

    score: RiskScore
    reasons: Annotated[tuple[Reason, ...], Field(max_length=32)] | None = None


class Context(Wanted):
    """`place` is a coarse one, such as a province: only whether it is a usual one is looked at."""

    channel: Word | None = None
    place: Place | None = None
    ip: IpAddress | None = None
    locale: Locale | None = None


class GaitRecorded(Wanted):
    """How somebody walked, as an accelerometer in a pocket recorded it: `samples` are base64 of little-endian 16-bit integers,

    x, y, z after x, y, z, in thousandths of a standard gravity, gravity included.
    """

    rate: Annotated[float, Field(ge=LEAST_RATE, le=MOST_RATE, strict=False)]
    samples: Annotated[str, Field(min_length=1, max_length=LONGEST_TEXT)]

    @property
    def recording(self) -> Recording:
        """Raises InvalidRequest for what is none."""
        return Recording.read(self.rate, self.samples)


class GaitEvidence(GaitRecorded):
    """The same, beside the `nonce` that the step began with."""

    nonce: Secret


class DecisionWanted(Wanted):
    """What must this payer prove for this payment? Whatever is left out reads as the riskier value."""

    transaction: Transaction
    user_id: PathIdentifier
    device: DeviceStated | None = None
    risk: Risk | None = None
    proven: Annotated[tuple[Literal[Category.KNOWLEDGE], ...], Field(max_length=1)] | None = None
    context: Context | None = None
    gait: GaitRecorded | None = None
    return_url: ReturnUrl | None = None
    merchant_name: MerchantName | None = None
    show_why: bool | None = None
    amount_afterwards: Literal["shown", "masked", "hidden"] | None = None


class CodeWanted(Wanted):
    """A code for this payment alone; `locale` chooses the language of the sentence to send."""

    locale: Locale | None = None


class Outcome(Wanted):
    """How the payment ended, so that policies can be judged by it."""

    outcome: Ending


class ReceiptShown(Wanted):
    """A receipt beside the backend's **own** record of the payment, never a copy of what the payer sent.

    With `user_id` the payer is checked as well; without, the receipt's own is taken.
    """

    receipt: Receipt
    transaction: Transaction
    user_id: PathIdentifier | None = None


# -- The payer ---------------------------------------------------------------------------------------------------------


class CodeEvidence(Wanted):
    """The code that the authenticator app shows, or that came with the payment."""

    code: Code


class CredentialEvidence(Wanted):
    """A WebAuthn `PublicKeyCredential` as its `toJSON()` gives it; what a browser adds to it is passed over."""

    model_config = ConfigDict(extra="ignore", strict=True, frozen=True)

    id: Annotated[str, Field(min_length=1, max_length=1400)]
    rawId: Annotated[str, Field(min_length=1, max_length=1400)]  # noqa: N815  # The standard's name.
    type: Literal["public-key"]
    response: Json
    authenticatorAttachment: AnyValue = None  # noqa: N815  # The standard's name.


class CaptureStatement(Wanted):
    """Who stands for a capture: `webauthn` with a public key credential, or the format and the statement of an attested app."""

    format: Annotated[str, Field(min_length=1, max_length=32)]
    statement: Json


class Switch(Wanted):
    """Another of the offered sets of factors."""

    factors: Annotated[tuple[Factor, ...], Field(min_length=1, max_length=len(Factor))]


class Decline(Wanted):
    """`cancel`: I no longer want to. `not_me`: I never wanted to; the device is suspended if its secret or a factor was shown."""

    choice: Literal["not_me", "cancel"]


class WarningAnswered(Wanted):
    """`read` to a warning that asks nothing, `own_decision` to one that asks; `asked` and `unsure` stop the payment at once."""

    answer: Literal["read", "own_decision", "asked", "unsure"]


# -- Enrollment and users -----------------------------------------------------------------------------------------------


class EnrollmentWanted(Wanted):
    """A ticket for one person.

    An account that has factors already needs `proof`, a receipt of its highest level. Somebody who has lost the phone asks for a
    `recovery` instead; two different `operators` may stand for its second proof. `display_name` is what the person's passkey and
    authenticator app call the account, by default its `user_id`.
    """

    user_id: PathIdentifier
    locale: Locale | None = None
    proof: Receipt | None = None
    return_url: ReturnUrl | None = None
    recovery: bool | None = None
    operators: Annotated[tuple[Identifier, ...], Field(max_length=8)] | None = None
    display_name: DisplayName | None = None


class RecoveryEvidence(Wanted):
    """One of the ten recovery codes, with or without its hyphens; 0 is read as O, 1 as I or L, 8 as B."""

    code: Code


class ConsentEvidence(Wanted):
    """What the person agreed to, each modality by itself, in the wording of `text_version`.

    What is `refused` and was agreed to earlier is withdrawn with the enrollment; what neither names stays as it was.
    """

    modalities: Annotated[tuple[Modality, ...], Field(max_length=len(Modality))]
    refused: Annotated[tuple[Modality, ...], Field(max_length=len(Modality))] | None = None
    text_version: Reason | None = None
    under_14: bool | None = None
    guardian: Name | None = None
    look_alikes: bool | None = None


class DeviceEvidence(Wanted):
    """What the person calls this phone, and the device key that it made, if it can make one."""

    name: DeviceName
    credential: AnyJson | None = None


class OverviewWanted(Wanted):
    """An overview for a person whom the backend has signed in."""

    user_id: PathIdentifier
    locale: Locale | None = None
    return_url: ReturnUrl | None = None


class Tightened(Wanted):
    """No low-value exemption from now on; a person's own page cannot take that back."""

    verify_always: OnlyTrue


class DeviceRenamed(Wanted):
    name: DeviceName


class Freeze(Wanted):
    reason: Sentence


class Unfreeze(Wanted):
    """Either `proof`, a receipt of the highest level, or the names of two `operators`."""

    proof: Receipt | None = None
    operators: Annotated[tuple[Identifier, ...], Field(max_length=8)] | None = None


class Restore(Unfreeze):
    """Either `proof`, a receipt for a `restore`, or the names of two `operators`."""


class StatusWanted(Wanted):
    """`verify_always`: the user wants no low-value exemption."""

    verify_always: bool


# -- Queries -----------------------------------------------------------------------------------------------------------


class EventsAfter(Wanted):
    """A page of the feed: what came after the cursor of the last page."""

    after: Cursor = 0
    limit: Limit = 100


class ActivityBefore(Wanted):
    """A page of what a user was asked: what came before the last one of the page before."""

    before: OwnId | None = None
    limit: Limit = 100


class CheckpointsAfter(Wanted):
    """A page of the checkpoints: what came after the last one of the page before."""

    after: Cursor = 0
    limit: Limit = 500


class AuditAfter(Wanted):
    """A page of the audit log: what came after the cursor of the last page."""

    after: ChainCursor | None = None
    limit: Limit = 100
