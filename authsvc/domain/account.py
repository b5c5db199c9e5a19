"""A user as the one flow needs them: frozen or not, what is enrolled, how often they failed, what they were spared."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum

from authsvc.domain.attempts import Attempts
from authsvc.domain.standing import Standing
from authsvc.errors import NotFound, UserFrozen
from authsvc.factor import Factor
from authsvc.subject import Subject

DEFAULT_LOCALE = "zh-CN"
"""Of whoever said none."""


class AccountStatus(StrEnum):
    ACTIVE = "active"
    FROZEN = "frozen"
    ERASED = "erased"


@dataclass(frozen=True, slots=True)
class LowValue:
    """Payments let through by the low-value exemption since the last strong authentication (RTS Art. 16).

    `sum` counts minor units of the policy's reference currency.
    """

    count: int = 0
    sum: int = 0

    def plus(self, amount: int) -> LowValue:
        return LowValue(self.count + 1, self.sum + amount)


@dataclass(frozen=True, slots=True)
class Account:
    """`sealing_key` is the wrapped key under which everything sensitive of this user is sealed; None once erased.

    Receipts of `receipts_after` and before are void: since then the account was frozen or erased, or a device came back.
    """

    subject: Subject
    created_at: datetime
    status: AccountStatus = AccountStatus.ACTIVE
    standing: Standing = field(default_factory=Standing)
    locale: str = DEFAULT_LOCALE
    verify_always: bool = False
    low_value: LowValue = field(default_factory=LowValue)
    attempts: Attempts = field(default_factory=Attempts)
    sealing_key: bytes | None = None
    receipts_after: datetime | None = None
    version: int = 0

    @property
    def factors(self) -> frozenset[Factor]:
        """What is enrolled, on probation or not."""
        return self.standing.factors

    @property
    def is_frozen(self) -> bool:
        return self.status is AccountStatus.FROZEN

    def frozen(self, now: datetime) -> Account:
        """Denied until an unfreeze; freezing twice is freezing once. What was released before is void for good."""
        return self._alive()._with(status=AccountStatus.FROZEN, receipts_after=now)

    def unfrozen(self) -> Account:
        return self._alive()._with(status=AccountStatus.ACTIVE)

    def enrolled(self, factor: Factor, counts_from: datetime, now: datetime) -> Account:
        """With one more factor; what it replaces is owed until it counts."""
        return self._with(standing=self.standing.with_factor(factor, counts_from, now))

    def withdrawn(self, *factors: Factor, now: datetime) -> Account:
        """Without these factors; what counted of them is still owed for the cooling period."""
        return self._with(standing=self.standing.without(*factors, now=now))

    def erased(self, now: datetime) -> Account:
        """Without a key, and so without anything that was sealed under it."""
        return self._with(
            status=AccountStatus.ERASED, standing=Standing(), sealing_key=None, receipts_after=now
        )

    def knew(self, at: datetime) -> bool:
        """Whether what is of that time is about this account, and not about one of the same name that was erased since."""
        return self.status is not AccountStatus.ERASED and at >= self.created_at

    def unlocked(self, factors: Iterable[Factor], now: datetime) -> frozenset[Factor]:
        """Those of these factors that are not locked at this moment."""
        return frozenset(factor for factor in factors if self.attempts.locked_until(factor, now) is None)

    def changes_after(self, now: datetime, cooling: timedelta) -> tuple[datetime, ...]:
        """The moments to come at which a lock or a probation ends, or something taken away is no longer owed."""
        locks = (self.attempts.locked_until(scope, now) for scope in self.attempts.counters)
        ends = (*locks, *self.standing.changes(cooling))
        return tuple(sorted({end for end in ends if end is not None and end > now}))

    def must_be_active(self) -> Account:
        """This account, or UserFrozen."""
        if self._alive().is_frozen:
            raise UserFrozen("the account is frozen")
        return self

    def key(self) -> bytes:
        """The wrapped sealing key; raises NotFound once the user was erased."""
        if self.sealing_key is None:
            raise NotFound("no such user")
        return self.sealing_key

    def _alive(self) -> Account:
        if self.status is AccountStatus.ERASED:
            raise NotFound("no such user")
        return self

    def _with(self, **changes: object) -> Account:
        # Any other field name than the dataclass has is refused by `replace` itself.
        return replace(self, **changes)  # type: ignore[arg-type]
