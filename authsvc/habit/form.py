"""Habits as bytes, always equally many, so that their size says nothing of a person.

    version 1 · landmark 2 · last 4 · hours 24 × 2 · weekdays 7 × 2 · gaps 12 × 2 · bursts 8 × 2 ·
    four kinds: key 4, powers 10 × 1, weights 10 × 2 · 18 payees, 3 devices, 3 channels, 3 places: keys, weights × 2, days × 2

Weights are half-precision numbers (IEEE 754), so what is read back is what was written after its first rounding.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from itertools import chain

from authsvc.errors import Tampered
from authsvc.habit.habits import (
    AMOUNTS,
    BURSTS,
    CHANNELS,
    DEVICES,
    GAPS,
    KINDS,
    NAME,
    PAYEES,
    PLACES,
    WORD,
    Counts,
    Habits,
    Kind,
    Known,
    kind_key,
)
from authsvc.habit.words import Act

VERSION = 1

_HEAD, _HOURS, _WEEKDAYS = struct.Struct(">BHI"), struct.Struct(">24e"), struct.Struct(">7e")
_GAPS, _BURSTS = struct.Struct(f">{GAPS}e"), struct.Struct(f">{BURSTS}e")
_KIND = struct.Struct(f">{WORD}s{AMOUNTS}B{AMOUNTS}e")
_AMOUNTS = struct.Struct(f">{AMOUNTS}e")
_KINDS_AT = tuple(69 + 2 * (GAPS + BURSTS) + number * _KIND.size for number in range(KINDS))
_KINDS_END = _KINDS_AT[-1] + _KIND.size


def _tables() -> Iterator[tuple[struct.Struct, int, int]]:
    """Of payees, devices, channels and places: the form, where it begins, and how many there are."""
    at = _KINDS_END
    for places, size in ((PAYEES, NAME), (DEVICES, NAME), (CHANNELS, WORD), (PLACES, WORD)):
        form = struct.Struct(f">{f'{size}s' * places}{places}e{places}H")
        yield form, at, places
        at += form.size


_KNOWN = tuple(_tables())
_KEYS = {
    name: (at, at + places * size, size, struct.Struct(f">{places}e"))
    for name, size, (_, at, places) in zip(
        ("payees", "devices", "channels", "places"), (NAME, NAME, WORD, WORD), _KNOWN, strict=True
    )
}
"""Where the digests of each lie, how long one is, and the weights behind them."""

_FORMS = (_HEAD, _HOURS, _WEEKDAYS, _GAPS, _BURSTS, *(_KIND,) * KINDS, *(form for form, _, _ in _KNOWN))
_FORM = struct.Struct(">" + "".join(form.format[1:] for form in _FORMS))
SIZE = _FORM.size


def packed(habits: Habits) -> bytes:
    counts = (habits.hours, habits.weekdays, habits.gaps, habits.bursts)
    kinds = ((kind.key, *kind.powers, *kind.weights) for kind in habits.kinds)
    known = (*habits.payees, *habits.devices, *habits.channels, *habits.places)
    return _FORM.pack(VERSION, habits.landmark, habits.last, *chain(*counts, *kinds, *known))


def unpacked(data: bytes) -> Habits:
    """Raises Tampered for what is none."""
    found = Packed(data)
    return Habits(
        found.landmark,
        found.last,
        found.hours,
        found.weekdays,
        found.gaps,
        found.bursts,
        tuple(_kind(data, at) for at in _KINDS_AT),
        found.payees,
        found.devices,
        found.channels,
        found.places,
    )


class Packed:
    """Habits as they lie in their bytes: for a decision, which asks a few questions and takes out what these need."""

    __slots__ = ("_data", "landmark", "last")

    def __init__(self, data: bytes) -> None:
        """Raises Tampered for what is none."""
        if len(data) != SIZE or data[0] != VERSION:
            raise Tampered("habits are cut off or of an unknown version")
        self._data = data
        _, self.landmark, self.last = _HEAD.unpack_from(data)

    @property
    def hours(self) -> Counts:
        return _HOURS.unpack_from(self._data, 7)

    @property
    def weekdays(self) -> Counts:
        return _WEEKDAYS.unpack_from(self._data, 55)

    @property
    def gaps(self) -> Counts:
        return _GAPS.unpack_from(self._data, 69)

    @property
    def bursts(self) -> Counts:
        return _BURSTS.unpack_from(self._data, 69 + 2 * GAPS)

    def kind_of(self, act: Act) -> Kind | None:
        data, key = self._data, kind_key(act)
        at = data.find(key, _KINDS_AT[0], _KINDS_END)
        while at >= 0 and at not in _KINDS_AT:
            at = data.find(key, at + 1, _KINDS_END)
        if at < 0:
            return None
        powers = at + WORD
        weights = powers + AMOUNTS
        return Kind(key, data[powers:weights], _AMOUNTS.unpack_from(data, weights))

    def knows(self, what: str, key: bytes) -> bool:
        """Whether a digest is among payees, devices, channels or places: searched for where it lies."""
        begin, end, size, _ = _KEYS[what]
        at = self._data.find(key, begin, end)
        while at >= 0 and (at - begin) % size:
            at = self._data.find(key, at + 1, end)
        return at >= 0

    def weights_of(self, what: str) -> Counts:
        _, at, _, form = _KEYS[what]
        return form.unpack_from(self._data, at)

    @property
    def payees(self) -> Known:
        return _known(self._data, 0)

    @property
    def devices(self) -> Known:
        return _known(self._data, 1)

    @property
    def channels(self) -> Known:
        return _known(self._data, 2)

    @property
    def places(self) -> Known:
        return _known(self._data, 3)


def _kind(data: bytes, at: int) -> Kind:
    values = _KIND.unpack_from(data, at)
    return Kind(values[0], values[1 : 1 + AMOUNTS], values[1 + AMOUNTS :])


def _known(data: bytes, number: int) -> Known:
    form, at, places = _KNOWN[number]
    values = form.unpack_from(data, at)
    return Known(values[:places], values[places : 2 * places], values[2 * places :])
