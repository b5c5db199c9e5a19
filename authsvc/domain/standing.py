"""What of an account counts, what waits for its cooling period to end, and what was taken away and is asked for all the same.

Three questions are kept apart. *Strong* is what an account act may be proved with. *Waiting* is what was enrolled lately: it
counts for small payments only. *Owed* is what an account act goes on demanding, whether or not it can be shown at the moment:
a lock, an outage and a removal never lower it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from authsvc.factor import Factor

KEYS = (Factor.DEVICE_UV, Factor.DEVICE_KEY)
"""The factors of a device key; a person has both or neither."""

WHILE_SUSPENDED = datetime(9000, 1, 1, tzinfo=UTC)
"""When keys were taken that are on a suspended device: they are owed until it is restored or removed."""


@dataclass(frozen=True, slots=True)
class Standing:
    """`counts_from` is when a factor on probation begins to count, `taken` when one that counted was taken away or replaced."""

    factors: frozenset[Factor] = frozenset()
    counts_from: Mapping[Factor, datetime] = field(default_factory=dict)
    taken: Mapping[Factor, datetime] = field(default_factory=dict)

    def strong(self, now: datetime) -> frozenset[Factor]:
        """What is enrolled and out of probation."""
        return self.factors - self.waiting(now)

    def provable(self, now: datetime, *, suspended: bool) -> frozenset[Factor]:
        """What counts; with `suspended`, the keys of suspended devices among it."""
        kept = {factor for factor, at in self.taken.items() if at == WHILE_SUSPENDED} if suspended else set()
        return self.strong(now) | kept

    def waiting(self, now: datetime) -> frozenset[Factor]:
        """What is enrolled and on probation."""
        if not self.counts_from:
            return frozenset()
        return frozenset(factor for factor in self.factors if now < self.counts_from.get(factor, now))

    def owed(self, now: datetime, cooling: timedelta) -> frozenset[Factor]:
        """What the owner has proved with: what counts, and what counted within the cooling period."""
        return self.strong(now) | {factor for factor, at in self.taken.items() if now - at < cooling}

    def changes(self, cooling: timedelta) -> tuple[datetime, ...]:
        """When something begins to count or is no longer owed."""
        cooled = (at + cooling for at in self.taken.values() if at != WHILE_SUSPENDED)
        return (*self.counts_from.values(), *cooled)

    def with_factor(self, factor: Factor, counts_from: datetime, now: datetime) -> Standing:
        """With a factor that replaces an earlier one of its kind; that one goes on being owed until the new one counts."""
        before = self.without(factor, now=now) if counts_from > now else self._freed(factor)
        counts = {**before.counts_from, factor: counts_from} if counts_from > now else before.counts_from
        return replace(before, factors=before.factors | {factor}, counts_from=counts)

    def without(self, *factors: Factor, now: datetime) -> Standing:
        """Without these factors; those that counted are owed from now on for the cooling period."""
        lost = self.strong(now).intersection(factors)
        freed = self._freed(*factors)
        return replace(freed, taken={**self.taken, **dict.fromkeys(sorted(lost), now)})

    def with_keys(self, live: Iterable[datetime], suspended: Iterable[datetime], now: datetime) -> Standing:
        """With the keys that stand now, each by when it begins to count; those of suspended devices are owed and not usable."""
        live = sorted(live)
        counted = any(factor in self.strong(now) for factor in KEYS)
        if not counted and self.taken.get(Factor.DEVICE_UV) == WHILE_SUSPENDED:
            counted = True
        counts = bool(live) and live[0] <= now
        waits = any(at <= now for at in suspended)
        freed = self._freed(*KEYS)
        taken = freed.taken
        if not counts and (counted or waits):
            taken = {**taken, **dict.fromkeys(KEYS, WHILE_SUSPENDED if waits else now)}
        elif not counts:
            taken = self.taken
        if not live:
            return replace(freed, taken=taken)
        counts_from = freed.counts_from if counts else {**freed.counts_from, **dict.fromkeys(KEYS, live[0])}
        return Standing(freed.factors | set(KEYS), counts_from, taken)

    def _freed(self, *factors: Factor) -> Standing:
        return Standing(
            self.factors - set(factors),
            {factor: at for factor, at in self.counts_from.items() if factor not in factors},
            {factor: at for factor, at in self.taken.items() if factor not in factors},
        )
