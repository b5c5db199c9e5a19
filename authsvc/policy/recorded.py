"""A decision as it was recorded, in the form that a backtest reads: one JSON object a line."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from pydantic import ConfigDict, TypeAdapter, ValidationError

from authsvc.factor import Factor
from authsvc.policy.inputs import Inputs
from authsvc.policy.level import Level

Ending = Literal["settled", "fraud", "refunded", "disputed"]

ABANDONED = frozenset({"expired", "declined_by_user"})
"""The statuses of a challenge that a payer walked away from."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """`policy` is the digest it was decided by, `fired` what the policy said, if that was kept; `status` how it stands.

    `factors` are those that the payer was working on, `ending` what the backend told of the payment afterwards; `warning` is what
    became of one that was shown.
    """

    __pydantic_config__ = ConfigDict(extra="forbid")

    id: str
    policy: str
    level: Level
    inputs: Inputs
    exemption: str | None = None
    fired: tuple[str, ...] | None = None
    status: str | None = None
    factors: tuple[Factor, ...] = ()
    ending: Ending | None = None
    warning: Literal["unanswered", "acknowledged", "stopped"] | None = None


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A line that is no recorded decision; `reason` names the first field that is wrong."""

    reason: str


@dataclass(frozen=True, slots=True)
class Excluded:
    """A decision that no policy can repeat from what was recorded of it, and why."""

    reason: str


def read(line: str | bytes) -> Recorded | Unreadable:
    """One recorded decision from its JSON, or why it is none."""
    try:
        return _FORM.validate_json(line, strict=True)
    except ValidationError as error:
        fault = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, fault["loc"])) or "line"
        return Unreadable(f"{where}: {fault['type']}")


_FORM = TypeAdapter(Recorded)
