"""How often may somebody fail (requirement 8)? Pure counting; the store keeps the counters, one conditional write at a time.

Charged before it is judged: an attempt counts as a failure from the moment it is admitted, and a success hands just that
one back. Three biometric failures close that factor, five consecutive failures of any kind block the user for half an hour,
and fifty failures within thirty days stop everything until an operator looks.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from authsvc.factor import Factor

ANY = "any"
"""The scope that counts failures whatever the factor."""

LOCK_TIME = timedelta(minutes=30)
WINDOW = timedelta(days=30)
HARD_STOP = 50
CONSECUTIVE_LIMIT = 5
BIOMETRIC_LIMIT = 3


@dataclass(frozen=True, slots=True)
class Counter:
    """Failures of one scope. `recent` holds the instants of those within thirty days, oldest first."""

    consecutive: int = 0
    locked_until: datetime | None = None
    recent: tuple[datetime, ...] = ()

    def is_locked(self, now: datetime) -> bool:
        return self.locked_until is not None and now < self.locked_until

    def charge(self, now: datetime, limit: int) -> Counter:
        """The counter after one more failure; the `limit`-th consecutive one locks."""
        recent = (*(at for at in self.recent if now - at < WINDOW), now)
        consecutive = self.consecutive + 1
        if len(recent) >= HARD_STOP:
            return Counter(consecutive, recent[0] + WINDOW, recent)
        if consecutive >= limit:
            # Counting starts again after the lock, so that its end admits a full round and not a single try.
            return Counter(0, now + LOCK_TIME, recent)
        return Counter(consecutive, self.locked_until, recent)

    def hand_back(self, charged_at: datetime) -> Counter:
        """The counter after the attempt charged at `charged_at` succeeded: older failures stay in the month."""
        recent = list(self.recent)
        if charged_at in recent:
            recent.remove(charged_at)
        return replace(self, consecutive=0, locked_until=None, recent=tuple(recent))


@dataclass(frozen=True, slots=True)
class Attempts:
    """All counters of one user, by scope: `any` and the factors."""

    counters: Mapping[str, Counter] = field(default_factory=dict)

    def locked_until(self, scope: str, now: datetime) -> datetime | None:
        """When the scope opens again, or None when it is open."""
        counter = self.counters.get(scope)
        return counter.locked_until if counter is not None and counter.is_locked(now) else None

    def is_blocked(self, now: datetime) -> bool:
        """Five failures in a row of any kind, or fifty in a month: nothing is judged."""
        return self.locked_until(ANY, now) is not None

    def admits(self, factors: Iterable[Factor], now: datetime) -> bool:
        """Whether an attempt with these factors may be judged at all."""
        return not self.is_blocked(now) and all(self.locked_until(factor, now) is None for factor in factors)

    def charge(self, factors: Iterable[Factor], now: datetime) -> Attempts:
        """Count one attempt, before anything of it is judged."""
        counters = dict(self.counters)
        for scope, limit in ((ANY, CONSECUTIVE_LIMIT), *((factor, _limit(factor)) for factor in factors)):
            counters[scope] = counters.get(scope, Counter()).charge(now, limit)
        return Attempts(counters)

    def hand_back(self, factors: Iterable[Factor], charged_at: datetime) -> Attempts:
        """Count the attempt charged at `charged_at` as the success that it was."""
        counters = dict(self.counters)
        for scope in (ANY, *factors):
            if scope in counters:
                counters[scope] = counters[scope].hand_back(charged_at)
        return Attempts(counters)


def _limit(factor: Factor) -> int:
    return BIOMETRIC_LIMIT if factor.is_server_side_biometric else CONSECUTIVE_LIMIT
