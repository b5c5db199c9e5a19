"""Warnings that a rule may carry: by which kind of fraud a payer is perhaps being talked into a payment of their own.

A warning only adds to what is asked. Of several the payer reads one: a strict one before the others.
"""

from __future__ import annotations

from enum import IntEnum, StrEnum

from pydantic import BaseModel, ConfigDict


class Scam(StrEnum):
    """How people are talked into paying."""

    REFUND = "refund"
    INVESTMENT = "investment"
    ACQUAINTANCE = "acquaintance"
    RENTED_ACCOUNT = "rented_account"
    SCREEN_SHARING = "screen_sharing"


class Emphasis(IntEnum):
    """How much a warning asks of its reader."""

    NONE = 0
    TO_READ = 1
    TO_ANSWER = 2


class PayerWarning(BaseModel):
    """Shown before any proof. A `strict` one is not done with by a click: a pause, and a question with answers in drawn order."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Scam
    strict: bool = False

    @property
    def emphasis(self) -> Emphasis:
        return Emphasis.TO_ANSWER if self.strict else Emphasis.TO_READ

    def to_json(self) -> dict[str, object]:
        return {"kind": self.kind.value, "strict": self.strict}

    def __str__(self) -> str:
        return f"{self.kind}{' (strict)' if self.strict else ''}"


def emphasis_of(warning: PayerWarning | None) -> Emphasis:
    return Emphasis.NONE if warning is None else warning.emphasis
