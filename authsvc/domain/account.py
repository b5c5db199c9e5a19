"""A user as the one flow needs them: frozen or not, what is enrolled, how often they failed, what they were spared."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from authsvc.attempts import Attempts
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
    """`sealing_key` is the wrapped key under which everything sensitive of this user is sealed; None once erased."""

    subject: Subject
    created_at: datetime
    status: AccountStatus = AccountStatus.ACTIVE
    factors: frozenset[Factor] = frozenset()
    locale: str = DEFAULT_LOCALE
    verify_always: bool = False
    low_value: LowValue = field(default_factory=LowValue)
    attempts: Attempts = field(default_factory=Attempts)
    sealing_key: bytes | None = None
    version: int = 0

    @property
    def is_frozen(self) -> bool:
        return self.status is AccountStatus.FROZEN

    def frozen(self) -> Account:
        """Denied until an unfreeze; freezing twice is freezing once."""
        return self._alive()._with(status=AccountStatus.FROZEN)

    def unfrozen(self) -> Account:
        return self._alive()._with(status=AccountStatus.ACTIVE)

    def enrolled(self, factor: Factor) -> Account:
        return self._with(factors=self.factors | {factor})

    def withdrawn(self, *factors: Factor) -> Account:
        return self._with(factors=self.factors - set(factors))

    def erased(self) -> Account:
        """Without a key, and so without anything that was sealed under it."""
        return self._with(status=AccountStatus.ERASED, factors=frozenset(), sealing_key=None)

    def usable_factors(self, now: datetime) -> frozenset[Factor]:
        """What is enrolled and not locked at this moment."""
        return frozenset(factor for factor in self.factors if self.attempts.locked_until(factor, now) is None)

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
