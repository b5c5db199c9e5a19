"""Which decisions somebody wants listed: by time first, which has an index, and by what stands in them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from authsvc.domain.decision import Decision, Status


@dataclass(frozen=True, slots=True)
class Mark:
    """A place in a list by time: the decision that was listed last."""

    at: datetime
    id: str


@dataclass(frozen=True, slots=True)
class Sieve:
    """Empty is anything. Times are half-open, `fired` is a rule that asked for something, amounts are in the smallest unit.

    `factor` was judged, of kind `warned` the payer was warned, `signal` is a habit that the payment is unlike.

    Amounts are those of `currency`: a bound without one would compare fen with yen.
    """

    since: datetime
    until: datetime
    level: str = ""
    status: str = ""
    fired: str = ""
    device_id: str = ""
    factor: str = ""
    warned: str = ""
    signal: str = ""
    client: str = ""
    user: str = ""
    currency: str = ""
    at_least: int | None = None
    at_most: int | None = None
    oldest_first: bool = False

    def takes(self, decision: Decision) -> bool:
        amount = decision.payment.amount_minor
        return (
            self.level in ("", decision.level)
            and self.status in ("", decision.status.value)
            and (not self.fired or self.fired in decision.fired)
            and self.device_id in ("", decision.device_id)
            and (not self.factor or any(proof.get("factor") == self.factor for proof in decision.proofs))
            and self.warned in ("", None if decision.warning is None else decision.warning.kind)
            and (not self.signal or (decision.habit is not None and self.signal in decision.habit.present))
            and self.client in ("", decision.payment.subject.client)
            and self.user in ("", decision.payment.subject.user)
            and self.currency in ("", decision.payment.currency)
            and (self.at_least is None or amount >= self.at_least)
            and (self.at_most is None or amount <= self.at_most)
        )

    @property
    def stored_status(self) -> str:
        """The status to look for in the database; empty where time alone makes it another one."""
        return "" if self.status in (Status.EXPIRED, Status.CHALLENGE_REQUIRED) else self.status
