"""What habits see of a payment, and the signals that they give."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

Numbers = Mapping[str, int | str]


class Signal(StrEnum):
    """What may be unlike a payer's habits; the names are those of the policy's inputs and of the contract."""

    PAYEE_NEW = "payee_new"
    AMOUNT_UNUSUAL = "amount_unusual"
    HOUR_UNUSUAL = "hour_unusual"
    WEEKDAY_UNUSUAL = "weekday_unusual"
    BURST = "burst"
    DORMANT = "dormant"
    PLACE_NEW = "place_new"
    DEVICE_UNUSED = "device_unused"
    CHANNEL_UNUSED = "channel_unused"


@dataclass(frozen=True, slots=True)
class Act:
    """One payment. `recent` is how many were asked for within the hour before, this one among them.

    `kind` and `currency` together say with which amounts this one is compared. What is None was not stated.
    """

    at: datetime
    kind: str
    currency: str
    amount_minor: int
    payee: str
    device: str | None = None
    channel: str | None = None
    place: str | None = None
    recent: int = 1


class Signals(NamedTuple):
    """What habits say of one payment: what is unlike them, with its numbers, and of what they know too little.

    Whatever is in neither was found to be as usual.
    """

    present: Mapping[str, Numbers]
    unknown: Sequence[str]

    @classmethod
    def nothing_known(cls) -> Signals:
        return cls({}, list(NAMES))

    def inputs(self) -> dict[str, bool | int]:
        """As inputs of a policy: how many times the usual an amount is, of all others whether. What is not known is left out."""
        found: dict[str, bool | int] = _AS_USUAL.copy()
        for name, numbers in self.present.items():
            found[name] = int(numbers["times"]) if name == AMOUNT else True
        for name in self.unknown:
            del found[name]
        return found


AMOUNT = Signal.AMOUNT_UNUSUAL.value
NAMES = tuple(each.value for each in Signal)
_AS_USUAL = {**dict.fromkeys(NAMES, False), AMOUNT: 1}
