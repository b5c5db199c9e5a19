"""Rules, which make an answer stricter, and exemptions, which may lift a challenge within bounds.

These types are part of the schema of a policy document. A rule applies when all of its conditions hold; its conditions
only tighten, an exemption's only bound. That is why order cannot matter and more risk never lowers the level.
"""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum
from functools import cached_property
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from authsvc.factor import Category
from authsvc.payment import LARGEST_AMOUNT
from authsvc.policy.conditions import KEYS, Condition
from authsvc.policy.inputs import MOST_TIMES, RISKIEST
from authsvc.policy.level import Level
from authsvc.policy.warnings import PayerWarning
from authsvc.subject import Novelty

Id = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,63}$")]
Minor = Annotated[int, Field(ge=0, le=LARGEST_AMOUNT)]
Risk = Annotated[int, Field(ge=0, le=RISKIEST)]
Words = Annotated[tuple[Annotated[str, Field(min_length=1, max_length=64)], ...], Field(min_length=1)]

RESERVED = frozenset({"default", "no-rule", "account-frozen", "account-blocked", "device-revoked"})
"""Rule ids that decisions name and no document may take."""

_LOOSENS = "Only for `analyze`, which shows what slips through; a document with it is never put to use."


class Part(BaseModel):
    """A piece of a document: what it does not know it refuses, and it never changes."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Rule(Part):
    """Asks for `level` where all conditions hold. `why` is the danger that it answers, `warning` what the payer reads of it."""

    id: Id
    level: Level
    why: str | None = None
    warning: PayerWarning | None = None
    amount_at_least: Minor | None = None
    risk_at_least: Risk | None = None
    device_at_least: Novelty | None = None
    device_worse_than: Novelty | None = None
    type_in: Words | None = None
    channel_in: Words | None = None
    risk_reason_in: Words | None = None
    synced: Literal[True] | None = None
    proven_lacks: Category | None = None
    verify_always: Literal[True] | None = None
    amount_unusual_at_least: Annotated[int, Field(ge=2, le=MOST_TIMES)] | None = None
    payee_new: Literal[True] | None = None
    hour_unusual: Literal[True] | None = None
    weekday_unusual: Literal[True] | None = None
    burst: Literal[True] | None = None
    dormant: Literal[True] | None = None
    place_new: Literal[True] | None = None
    device_unused: Literal[True] | None = None
    channel_unused: Literal[True] | None = None
    gait_unlike: Literal[True] | None = None
    amount_at_most: Minor | None = Field(None, description=_LOOSENS)
    risk_at_most: Risk | None = Field(None, description=_LOOSENS)
    device_at_most: Novelty | None = Field(None, description=_LOOSENS)

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if self.level is Level.NONE:
            raise ValueError("a rule cannot ask for `none`: it can only make an answer stricter")
        if self.id in RESERVED:
            raise ValueError(f"`{self.id}` is the name of a built-in rule")
        if not self.conditions:
            raise ValueError("a rule without conditions is the `default`")
        if self.warning is not None and not self.level.asks:
            raise ValueError("a rule that refuses a payment has nobody to warn")
        return self

    @cached_property
    def conditions(self) -> tuple[Condition, ...]:
        """In the order of the condition table, so that reasons come in one order."""
        return tuple(Condition(key, bound) for key in KEYS if (bound := getattr(self, key, None)) is not None)


class Kind(StrEnum):
    """The named exemptions: Commission Delegated Regulation (EU) 2018/389, Art. 16, 17 and 18."""

    LOW_VALUE = "low_value"
    SECURE_CORPORATE = "secure_corporate"
    TRA = "tra"


class Exemption(Part):
    """Lifts a challenge up to level `waives`, for payments within every bound that is stated.

    `cumulative_at_most` and `in_a_row_at_most` include the payment itself. `fraud_rate_percent` is the reported rate
    that a transaction risk analysis rests on, for the `instrument` it was measured with.
    """

    id: Id
    kind: Kind
    why: str | None = None
    waives: Literal[Level.OTP, Level.FACE, Level.FACE_FINGERPRINT] = Level.OTP
    amount_at_most: Minor | None = None
    risk_at_most: Risk
    device_at_most: Novelty = Novelty.TRUSTED
    cumulative_at_most: Minor | None = None
    in_a_row_at_most: Annotated[int, Field(ge=0)] | None = None
    type_in: Words | None = None
    channel_in: Words | None = None
    fraud_rate_percent: Annotated[Decimal, Field(ge=0, le=100)] | None = None
    instrument: Literal["card", "transfer"] | None = None

    @model_validator(mode="after")
    def _is_bounded(self) -> Self:
        if self.id in RESERVED:
            raise ValueError(f"`{self.id}` is the name of a built-in rule")
        for key in _REQUIRED[self.kind]:
            if getattr(self, key) is None:
                raise ValueError(f"a `{self.kind}` exemption needs `{key}`")
        return self

    @cached_property
    def conditions(self) -> tuple[Condition, ...]:
        """Its bounds on the payment itself; the two counters are the engine's."""
        bounds = {
            key: getattr(self, key) for key in ("amount_at_most", "risk_at_most", "device_at_most", "type_in")
        }
        bounds["channel_among"] = self.channel_in
        return tuple(Condition(key, bound) for key, bound in bounds.items() if bound is not None)


_REQUIRED = {
    Kind.LOW_VALUE: ("amount_at_most", "cumulative_at_most", "in_a_row_at_most"),
    Kind.SECURE_CORPORATE: ("type_in", "channel_in"),
    Kind.TRA: ("amount_at_most", "fraud_rate_percent", "instrument"),
}
