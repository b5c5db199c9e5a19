"""What is usual for one payer: a value of fading counts, which takes a payment in and takes it back.

Everything has as many places as it may ever fill, and a place of no weight is free: so it is read from its bytes at once.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from typing import NamedTuple

from authsvc.habit.fading import EPOCH, MOST, half_lives, minute_of, weight
from authsvc.habit.words import Act

GAPS, BURSTS, AMOUNTS = 12, 8, 10
"""How many powers of two are told apart: of hours between two payments, of payments an hour, of amounts of one kind."""

KINDS, PAYEES, DEVICES, CHANNELS, PLACES = 4, 18, 3, 3, 3
"""How many are remembered. Who comes last takes the place of whoever weighs least, who is new again: that only tightens."""

NAME, WORD = 8, 4
"""Bytes of a digest: of names that somebody could choose to collide, and of words that the backend gives."""

MINUTE = timedelta(minutes=1)
Counts = tuple[float, ...]


class Known(NamedTuple):
    """Who was paid, or what was paid from, heaviest first: digests of names, their weights, and the last day of each."""

    keys: tuple[bytes, ...]
    weights: Counts
    days: tuple[int, ...]


class Kind(NamedTuple):
    """The amounts of one kind of payment in one currency: powers of two of the smallest unit, and their weights."""

    key: bytes
    powers: Sequence[int]
    weights: Counts


class Habits(NamedTuple):
    """Weights as of `landmark`, a number of half-lives since 1970. Hours and days of the week are those of UTC.

    `last` is the minute of the latest payment, 0 before the first. `hours` and `weekdays` count all payments.
    """

    landmark: int
    last: int
    hours: Counts
    weekdays: Counts
    gaps: Counts
    bursts: Counts
    kinds: tuple[Kind, ...]
    payees: Known
    devices: Known
    channels: Known
    places: Known

    def learned(self, act: Act) -> Habits:
        """With one more payment, which weighs what its day says, however late it is learned."""
        minute, before = minute_of(act.at), self._as_of(act.at)
        more = weight(act.at, before.landmark)
        after = before._with(act, more)._replace(last=max(self.last, minute))
        if not 0 < self.last < minute:
            return after
        gap = _power((minute - self.last) // 60, GAPS)
        return after._replace(gaps=_plus(before.gaps, gap, more))

    def unlearned(self, act: Act) -> Habits:
        """Without a payment that was learned. The time since the one before it stays counted: one gap among all."""
        return self._with(act, -weight(act.at, self.landmark))

    def kind_of(self, act: Act) -> Kind | None:
        key = kind_key(act)
        return next((kind for kind in self.kinds if kind.key == key), None)

    def knows(self, what: str, key: bytes) -> bool:
        """Whether a digest is among payees, devices, channels or places."""
        known: Known = getattr(self, what)
        return key in known.keys

    def weights_of(self, what: str) -> Counts:
        known: Known = getattr(self, what)
        return known.weights

    def _with(self, act: Act, more: float) -> Habits:
        day = (act.at - EPOCH).days
        return self._replace(
            hours=_plus(self.hours, act.at.hour, more),
            weekdays=_plus(self.weekdays, act.at.weekday(), more),
            bursts=_plus(self.bursts, _power(act.recent, BURSTS), more),
            kinds=_kinds(self.kinds, kind_key(act), act.amount_minor.bit_length(), more),
            payees=_known(self.payees, act.payee, NAME, more, day),
            devices=_known(self.devices, act.device, NAME, more, day),
            channels=_known(self.channels, act.channel, WORD, more, day),
            places=_known(self.places, act.place, WORD, more, day),
        )

    def _as_of(self, at: datetime) -> Habits:
        """The same with its landmark where this moment's half-life began; never earlier than it is."""
        landmark = max(self.landmark, int(half_lives(at)))
        fading = 2.0 ** (self.landmark - landmark)
        if fading == 1:
            return self
        return self._replace(
            landmark=landmark,
            hours=_times(self.hours, fading),
            weekdays=_times(self.weekdays, fading),
            gaps=_times(self.gaps, fading),
            bursts=_times(self.bursts, fading),
            kinds=tuple(kind._replace(weights=_times(kind.weights, fading)) for kind in self.kinds),
            payees=_faded(self.payees, fading),
            devices=_faded(self.devices, fading),
            channels=_faded(self.channels, fading),
            places=_faded(self.places, fading),
        )


def _nobody(places: int, size: int) -> Known:
    return Known((bytes(size),) * places, (0.0,) * places, (0,) * places)


_NO_KIND = Kind(bytes(WORD), (0,) * AMOUNTS, (0.0,) * AMOUNTS)

NONE = Habits(
    landmark=0,
    last=0,
    hours=(0.0,) * 24,
    weekdays=(0.0,) * 7,
    gaps=(0.0,) * GAPS,
    bursts=(0.0,) * BURSTS,
    kinds=(_NO_KIND,) * KINDS,
    payees=_nobody(PAYEES, NAME),
    devices=_nobody(DEVICES, NAME),
    channels=_nobody(CHANNELS, WORD),
    places=_nobody(PLACES, WORD),
)
"""Of somebody who has never paid."""


def digest(name: str, size: int) -> bytes:
    """By what a name is found again, which nobody reads back."""
    return hashlib.blake2b(name.encode(), digest_size=size).digest()


@lru_cache(maxsize=4096)
def word_digest(word: str) -> bytes:
    """The same of a word that the backend gives, of which there are few; names of people are never kept like this."""
    return digest(word, WORD)


def kind_key(act: Act) -> bytes:
    return word_digest(f"{act.currency} {act.kind}")


def _power(number: int, most: int) -> int:
    """The place of a number among powers of two: 0, 1, 2–3, 4–7 and so on."""
    return min(number.bit_length(), most - 1)


def _plus(counts: Counts, place: int, more: float) -> Counts:
    return (*counts[:place], _within(counts[place] + more), *counts[place + 1 :])


def _times(counts: Counts, factor: float) -> Counts:
    return tuple(each * factor for each in counts)


def _faded(known: Known, factor: float) -> Known:
    return known._replace(weights=_times(known.weights, factor))


def _within(weighed: float) -> float:
    # What is left of a payment taken back is a rounding.
    return 0.0 if weighed < 0.01 else min(weighed, MOST)


def _known(known: Known, name: str | None, size: int, more: float, day: int) -> Known:
    """One that is taken back altogether is new again."""
    if name is None:
        return known
    key, most = digest(name, size), len(known.keys)
    rows = [row for row in zip(*known, strict=True) if row[1] > 0]
    before = next((row for row in rows if row[0] == key), (key, 0.0, 0))
    others = [row for row in rows if row[0] != key]
    weighed = _within(before[1] + more)
    kept = sorted(others, key=lambda row: (-row[1], -row[2], row[0]))
    if weighed >= abs(more) / 4:
        kept = [*kept[: most - 1], (key, weighed, max(before[2], day) if more > 0 else before[2])]
    kept.sort(key=lambda row: (-row[1], row[0]))
    kept += [(bytes(size), 0.0, 0)] * (most - len(kept))
    return Known(*map(tuple, zip(*kept, strict=True)))


def _kinds(kinds: tuple[Kind, ...], key: bytes, power: int, more: float) -> tuple[Kind, ...]:
    before = next((kind for kind in kinds if kind.key == key), _NO_KIND)
    weights = {at: each for at, each in zip(before.powers, before.weights, strict=True) if each > 0}
    weights[power] = _within(weights.get(power, 0.0) + more)
    heaviest = sorted(((each, at) for at, each in weights.items() if each > 0), reverse=True)[:AMOUNTS]
    others = sorted((kind for kind in kinds if kind.key != key), key=lambda kind: -sum(kind.weights))
    if not heaviest:
        return (*others, _NO_KIND)[:KINDS]
    filled = sorted((at, each) for each, at in heaviest)
    free = AMOUNTS - len(filled)
    powers = (*(at for at, _ in filled), *(0,) * free)
    return (*others[: KINDS - 1], Kind(key, powers, (*(each for _, each in filled), *(0.0,) * free)))
