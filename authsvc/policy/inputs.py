"""Everything a policy may see of one payment, and its loss-free JSON form: the input that a decision records.

What is not known is None and reads as the riskier value, so that a silent caller never gets the milder answer.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields

from pydantic import ConfigDict, TypeAdapter, ValidationError

from authsvc.errors import InvalidRequest
from authsvc.factor import Category
from authsvc.subject import Novelty
from authsvc.text import did_you_mean

RISKIEST = 100

MOST_TIMES = 1_000
"""How many times the usual an amount can be: what is more reads as that, and so does what is not known."""


FLAGS = (
    "payee_new",
    "hour_unusual",
    "weekday_unusual",
    "burst",
    "dormant",
    "place_new",
    "device_unused",
    "channel_unused",
    "gait_unlike",
)
"""The habit signals that are there or not; not known, they are taken to be there."""

HABITS = ("amount_unusual", *FLAGS)


@dataclass(frozen=True, slots=True)
class Inputs:
    """One payment as a policy sees it.

    `amount_minor` counts the smallest unit of `currency`, `low_value_sum` that of the document's reference currency.
    `low_value_count` and `low_value_sum` are the payments let through since the last strong authentication, without
    this one; not known, no exemption that counts applies. `risk_score` is 0 to 100, higher is riskier. `device_synced`
    says that the passkey may leave the phone. `verify_always` is the user's own wish, `account_blocked` a lock-out.

    From `payee_new` on stands how unlike the payer's habits a payment is; `amount_unusual` is how many times the usual it is, and
    1 where it is not more, `gait_unlike` whether somebody walks unlike the payer. A snapshot leaves out what is not known of
    them, and all of them where a policy looks at none.
    """

    __pydantic_config__ = ConfigDict(extra="forbid")

    type: str
    amount_minor: int
    currency: str
    novelty: Novelty = Novelty.UNKNOWN
    risk_score: int | None = None
    risk_reasons: tuple[str, ...] = ()
    channel: str | None = None
    device_synced: bool | None = None
    proven: tuple[Category, ...] = ()
    verify_always: bool = False
    low_value_count: int | None = None
    low_value_sum: int | None = None
    account_frozen: bool = False
    account_blocked: bool = False
    payee_new: bool | None = None
    amount_unusual: int | None = None
    hour_unusual: bool | None = None
    weekday_unusual: bool | None = None
    burst: bool | None = None
    dormant: bool | None = None
    place_new: bool | None = None
    device_unused: bool | None = None
    channel_unused: bool | None = None
    gait_unlike: bool | None = None

    @property
    def times_usual(self) -> int:
        """What rules compare: not known, or no possible number of times, reads as the most."""
        times = self.amount_unusual
        return times if times is not None and 0 <= times <= MOST_TIMES else MOST_TIMES

    @property
    def risk(self) -> int:
        """The score that rules compare: what is absent or outside 0 to 100 reads as 100."""
        score = self.risk_score
        return score if score is not None and 0 <= score <= RISKIEST else RISKIEST

    def to_snapshot(self) -> dict[str, object]:
        """Every field under its own name, in plain JSON values."""
        # Field by field: `asdict` copies deeply, and would cost a decision as much as its signature.
        return {
            "type": self.type,
            "amount_minor": self.amount_minor,
            "currency": self.currency,
            "novelty": self.novelty.value,
            "risk_score": self.risk_score,
            "risk_reasons": list(self.risk_reasons),
            "channel": self.channel,
            "device_synced": self.device_synced,
            "proven": [category.value for category in self.proven],
            "verify_always": self.verify_always,
            "low_value_count": self.low_value_count,
            "low_value_sum": self.low_value_sum,
            "account_frozen": self.account_frozen,
            "account_blocked": self.account_blocked,
            **{name: stated for name in HABITS if (stated := getattr(self, name)) is not None},
        }

    @classmethod
    def from_snapshot(cls, snapshot: Mapping[str, object]) -> Inputs:
        """The inputs of a snapshot; fields left out are not known. Raises InvalidRequest for anything else."""
        try:
            return cls.from_json(json.dumps(snapshot))
        except TypeError as error:
            raise InvalidRequest("a snapshot holds plain JSON values only") from error

    @classmethod
    def from_json(cls, text: str | bytes) -> Inputs:
        """`from_snapshot` for a snapshot that is still text, as recorded decisions are."""
        try:
            return _FORM.validate_json(text, strict=True)
        except ValidationError as error:
            raise InvalidRequest(_first_fault(error)) from error


def _first_fault(error: ValidationError) -> str:
    fault = error.errors(include_url=False)[0]
    where = ".".join(map(str, fault["loc"])) or "snapshot"
    if fault["type"] != "unexpected_keyword_argument":
        return f"input `{where}`: {fault['msg'][0].lower()}{fault['msg'][1:]}"
    return f"unknown input `{where}`" + did_you_mean(where, [field.name for field in fields(Inputs)])


_FORM = TypeAdapter(Inputs)
