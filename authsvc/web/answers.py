"""What backends and payers get back, as types: published in the OpenAPI document, and held against every answer by the tests.

A caller must ignore fields that it does not know.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from authsvc.biometric.words import Capture
from authsvc.domain.decision import Status
from authsvc.domain.warned import Answer, WarningState
from authsvc.factor import Factor
from authsvc.gait.words import Likeness
from authsvc.habit.words import Signal
from authsvc.policy.level import Level
from authsvc.policy.recorded import Ending
from authsvc.policy.warnings import Scam
from authsvc.services.why import Why
from authsvc.subject import Novelty
from authsvc.web.response_part import Count, Digest, ResponsePart
from authsvc.web.words import AnyJson

# -- The payment backend ----------------------------------------------------------------------------------------------


class Reason(ResponsePart):
    """Why the level is what it is: for the backend, never for the phone."""

    rule: str
    field: str
    is_: Annotated[object, Field(alias="is")] = None
    bound: object = None


class SignalSentence(ResponsePart):
    """The same in Chinese and in English."""

    zh_cn: Annotated[str, Field(alias="zh-CN")]
    en: str


class SignalPresent(ResponsePart):
    """One thing in which a payment is unlike its payer's habits, with the numbers that this rests on."""

    signal: Signal
    numbers: dict[str, int | str]
    sentence: SignalSentence


class SignalsFound(ResponsePart):
    """How unlike the payer's habits a payment is. What is in neither list is as usual."""

    present: list[SignalPresent]
    unknown: list[Signal]


class PolicyUsed(ResponsePart):
    id: str
    version: int
    digest: Digest


class BindingShown(ResponsePart):
    """What everything proven is tied to: the digest of the canonical payment."""

    v: Literal[1]
    digest: Digest


class DeviceJudged(ResponsePart):
    novelty: Novelty


class WarningGiven(ResponsePart):
    """What the payer reads before any proof, by which of the policy's rules, and what became of it.

    `text` is the digest of the words that were shown.
    """

    kind: Scam
    strict: bool
    rule: str
    state: WarningState
    text: Digest | None
    shown_at: datetime | None
    answer: Answer | None
    answered_at: datetime | None


class ChallengeOpened(ResponsePart):
    """`token` opens the challenge for the payer's page at `url`; each of `sets` is a way to prove it, all of it.

    `capture_at_least` says for each of them what must be known of where its face and voice come from.
    """

    id: str
    token: str | None
    expires_at: datetime
    url: str | None
    sets: list[list[Factor]]
    capture_at_least: list[Capture]
    attempts_remaining: Count


class Decision(ResponsePart):
    """What the payer must prove, and what became of it. `receipt` comes with the statuses that let the payment go."""

    id: str
    status: Status
    level: Level
    transaction_id: str
    user_id: str
    device: DeviceJudged
    reasons: list[Reason]
    signals: SignalsFound | None
    gait: Likeness | None
    warning: WarningGiven | None
    exemption: str | None
    missing: list[Factor]
    possible_from: datetime | None
    policy: PolicyUsed
    binding: BindingShown
    challenge: ChallengeOpened | None
    receipt: str | None
    created_at: datetime
    expires_at: datetime


class CodeIssued(ResponsePart):
    """A code for this payment alone, and the sentence to send it in over a channel of your own."""

    code: Annotated[str, Field(pattern=r"^[0-9]{8}$")]
    text: str
    expires_at: datetime
    tries: Count


class OutcomeRecorded(ResponsePart):
    decision: str
    outcome: Ending
    recorded_at: datetime


class ReceiptVerified(ResponsePart):
    """The claims of a receipt for this payment, and whether it can still be consumed; nothing was used up."""

    valid: bool
    consumed_at: datetime | None
    claims: AnyJson


class ReceiptConsumed(ResponsePart):
    consumed_at: datetime
    decision: str


# -- The payer ---------------------------------------------------------------------------------------------------------


class PayeeShown(ResponsePart):
    name: str


class PaymentShown(ResponsePart):
    """What is shown to the payer is what is signed."""

    amount_minor: int
    currency: str
    payee: PayeeShown
    type: str


class WarningCarried(ResponsePart):
    """A challenge's warning: until it is acknowledged no proof is taken."""

    kind: Scam
    strict: bool
    state: WarningState


class WarningQuestion(ResponsePart):
    """What a strict warning asks, and its answers by their names."""

    asks: str
    own_decision: str
    asked: str
    unsure: str


class WarningText(ResponsePart):
    """The words of a warning in one language."""

    heading: str
    sentences: list[str]
    question: WarningQuestion


class WarningTexts(ResponsePart):
    """The same in Chinese and in English."""

    zh_cn: Annotated[WarningText, Field(alias="zh-CN")]
    en: WarningText


class WarningBegun(ResponsePart):
    """Show the heading as large as the amount, with amount, payee and `why`; and, if it is `strict`, the question.

    Show `answers` in this order, with none chosen. Only stopping is possible before `answer_from`.
    """

    kind: Scam
    strict: bool
    why: list[Why]
    text: WarningTexts
    answers: list[Answer]
    answer_from: datetime
    wait_seconds: Count


class WarningAnswerTaken(ResponsePart):
    """`acknowledged`: go on with the proofs. `stopped`: nothing is paid; offer to freeze the account where that is possible."""

    state: WarningState
    status: Status
    can_freeze: bool


class Frozen(ResponsePart):
    """Nothing is paid from this account until it is unfrozen."""

    frozen: Literal[True]


class Challenge(ResponsePart):
    """A challenge as its payer sees it: no factor's outcome, and no reasons but the coarse `why` that the backend asked for."""

    id: str | None
    status: Status
    payment: PaymentShown
    sets: list[list[Factor]]
    capture_at_least: list[Capture]
    chosen: list[Factor]
    received: list[Factor]
    attempts_remaining: Count
    expires_at: datetime
    locale: str
    return_url: str | None
    merchant_name: str | None
    why: list[Why]
    warning: WarningCarried | None
    can_freeze: bool
    frozen: bool
    declined: Literal["not_me", "cancel", "warned"] | None
    device_suspended: bool
    suspended_device: str | None


class CodeBegun(ResponsePart):
    """How many digits the code may have, and for how many seconds each is current."""

    digits: list[int]
    period: int


class CaptureBegun(ResponsePart):
    """A capture counts only with this nonce, once, until `expires_at`; `gestures` are made, `digits` spoken.

    A face shows one gesture at a time: `part` says which of how many, the gesture is made once `pause_ms` have passed, and its
    frames are here by `deadline_at`. Where it `can_swap`, `meta.swap` asks for another gesture instead.
    """

    nonce: str
    expires_at: datetime
    gestures: list[str] | None = None
    part: Count | None = None
    parts: Count | None = None
    can_swap: bool | None = None
    pause_ms: Count | None = None
    deadline_at: datetime | None = None
    digits: str | None = None
    language: str | None = None


class CredentialBegun(ResponsePart):
    """WebAuthn request options for `navigator.credentials.get()`."""

    publicKey: AnyJson  # noqa: N815  # The standard's name.


class StatementBegun(ResponsePart):
    """What a statement about a capture signs: WebAuthn request options for a registered key, the bare challenge for an app."""

    challenge: str
    formats: list[str]
    publicKey: AnyJson  # noqa: N815  # The standard's name.
    expires_at: datetime


class Received(ResponsePart):
    """The evidence came in. Whether it is right is not said before `complete`."""

    state: Literal["received"]


class PartReceived(ResponsePart):
    """The frames came in. With `more` the next gesture follows, with a nonce of its own, as `begin` shows the first one.

    Whether it was right is not said before `complete`.
    """

    state: Literal["received", "more"]
    nonce: str | None = None
    gestures: list[str] | None = None
    part: Count | None = None
    parts: Count | None = None
    can_swap: bool | None = None
    pause_ms: Count | None = None
    deadline_at: datetime | None = None
    expires_at: datetime | None = None


class Authenticated(ResponsePart):
    status: Literal["authenticated"]


class Declined(ResponsePart):
    """`device_suspended`: whoever says so showed the device's secret or another factor, and the device is suspended."""

    status: Status
    device_suspended: bool
