"""How often may somebody fail (requirement 8)? Pure counting; the store keeps the counters, one conditional write at a time.

Charged before it is judged: an attempt counts as a failure from the moment it is admitted, and a success hands just that
one back. Three biometric failures close that factor, five consecutive failures of any kind block the user for half an hour,
and fifty failures within thirty days stop everything until two operators, or a recovery, lift it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
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
    """Failures of one scope. `recent` holds the instants of those within thirty days, oldest first, and of no more than stop."""

    consecutive: int = 0
    locked_until: datetime | None = None
    recent: tuple[datetime, ...] = ()

    @property
    def stopped_until(self) -> datetime | None:
        """When the first of fifty failures will be a month old; None while there are fewer."""
        return self.recent[-HARD_STOP] + WINDOW if len(self.recent) >= HARD_STOP else None

    def is_stopped(self, now: datetime) -> bool:
        return self.stopped_until is not None and now < self.stopped_until

    def is_locked(self, now: datetime) -> bool:
        return self.opens_at(now) is not None

    def opens_at(self, now: datetime) -> datetime | None:
        """When the row of failures or the month's stop ends, whichever is later; None when neither holds."""
        return max(
            (end for end in (self.locked_until, self.stopped_until) if end and now < end), default=None
        )

    def charge(self, now: datetime, limit: int) -> Counter:
        """The counter after one more failure; the `limit`-th consecutive one locks."""
        recent = (*(at for at in self.recent if now - at < WINDOW), now)[-HARD_STOP:]
        consecutive = self.consecutive + 1
        if consecutive >= limit:
            # Counting starts again after the lock, so that its end admits a full round and not a single try.
            return Counter(0, now + LOCK_TIME, recent)
        return Counter(consecutive, self.locked_until, recent)

    def hand_back(self, charged_at: datetime, limit: int = CONSECUTIVE_LIMIT) -> Counter:
        """The counter after the attempt charged at `charged_at` succeeded: older failures stay in the month.

        A success ends the row before it. What was charged after it stands, and keeps a lock that it alone would have made.
        """
        recent = list(self.recent)
        if charged_at in recent:
            recent.remove(charged_at)
        since = sum(at > charged_at for at in recent)
        if since >= limit:
            return replace(self, recent=tuple(recent))
        return Counter(since, None, tuple(recent))


@dataclass(frozen=True, slots=True)
class Attempts:
    """All counters of one user, by scope: `any` and the factors."""

    counters: Mapping[str, Counter] = field(default_factory=dict)

    def locked_until(self, scope: str, now: datetime) -> datetime | None:
        """When the scope opens again, or None when it is open."""
        counter = self.counters.get(scope)
        return None if counter is None else counter.opens_at(now)

    def is_blocked(self, now: datetime) -> bool:
        """Five failures in a row of any kind, or fifty in a month: nothing is judged."""
        return self.locked_until(ANY, now) is not None

    def admits(self, factors: Iterable[Factor], now: datetime) -> bool:
        """Whether an attempt with these factors may be judged at all."""
        return not self.is_blocked(now) and all(self.locked_until(factor, now) is None for factor in factors)

    def is_stopped(self, now: datetime) -> bool:
        """Fifty failures in a month: until it is lifted, nothing but a recovery is judged."""
        counter = self.counters.get(ANY)
        return counter is not None and counter.is_stopped(now)

    def admits_recovery(self, factors: Iterable[Factor], now: datetime) -> bool:
        """As `admits`, but for the month's stop: it would shut out who comes to have it lifted."""
        counter = self.counters.get(ANY)
        waits = counter is not None and counter.locked_until is not None and now < counter.locked_until
        return not waits and all(self.locked_until(factor, now) is None for factor in factors)

    def charge(self, factors: Iterable[Factor], now: datetime) -> Attempts:
        """Count one attempt, before anything of it is judged."""
        counters = dict(self.counters)
        for scope, limit in _limits(factors):
            counters[scope] = counters.get(scope, Counter()).charge(now, limit)
        return Attempts(counters)

    def hand_back(self, factors: Iterable[Factor], charged_at: datetime) -> Attempts:
        """Count the attempt charged at `charged_at` as the success that it was."""
        counters = dict(self.counters)
        for scope, limit in _limits(factors):
            if scope in counters:
                counters[scope] = counters[scope].hand_back(charged_at, limit)
        return Attempts(counters)


def _limits(factors: Iterable[Factor]) -> Iterator[tuple[str, int]]:
    yield ANY, CONSECUTIVE_LIMIT
    yield from ((factor, _limit(factor)) for factor in factors)


def _limit(factor: Factor) -> int:
    return BIOMETRIC_LIMIT if factor.is_server_side_biometric else CONSECUTIVE_LIMIT
