"""What the payer has been asked, and how far they have come: a value without a clock, a store or a secret."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from datetime import timedelta

from authsvc.biometric.words import Capture
from authsvc.errors import ChallengeClosed, InvalidRequest
from authsvc.factor import Factor

FactorSet = tuple[Factor, ...]

ATTEMPTS = 3
SECONDS = {Factor.DEVICE_KEY: 2, Factor.DEVICE_UV: 3, Factor.FACE: 10, Factor.OTP: 12, Factor.VOICE: 20}
"""What a factor costs a payer who has it at hand, about: to recommend by, and nothing is decided by it."""
ELSEWHERE = 30
"""The same for a key that lies on another device: it is fetched with a second phone."""
CHALLENGE_LIFE = timedelta(minutes=5)


def seconds(choice: FactorSet, *, at_hand: bool) -> int:
    """How long a set takes; `at_hand` says whether the device in hand is one that was registered."""
    keys = (Factor.DEVICE_KEY, Factor.DEVICE_UV)
    return sum(SECONDS[each] if at_hand or each not in keys else ELSEWHERE for each in choice)


@dataclass(frozen=True, slots=True)
class Challenge:
    """`sets` are the alternatives, each to be proven whole, the quickest one first; `chosen` is the one on show.

    `captures` says of each set what must be known of where its face and voice come from; without it nothing need be.
    """

    id: str
    sets: tuple[FactorSet, ...]
    chosen: FactorSet
    attempts_remaining: int = ATTEMPTS
    captures: tuple[Capture, ...] = ()

    @classmethod
    def asking(cls, id: str, sets: Iterable[FactorSet], captures: Iterable[Capture] = ()) -> Challenge:
        """A fresh challenge; raises ValueError without a set, since an empty choice would be proven by nothing."""
        choices = tuple(sets)
        if not choices or not all(choices):
            raise ValueError("a challenge needs at least one set with at least one factor")
        return cls(id, choices, choices[0], captures=tuple(captures))

    @property
    def capture_at_least(self) -> tuple[Capture, ...]:
        """For each of `sets`."""
        return self.captures or (Capture.BROWSER,) * len(self.sets)

    def asks(self, factor: Factor) -> bool:
        return any(factor in choice for choice in self.sets)

    def switched(self, wanted: Collection[Factor]) -> Challenge:
        """The same challenge, another way; raises InvalidRequest for a set that is not offered."""
        for choice in self.sets:
            if set(choice) == set(wanted):
                return replace(self, chosen=choice)
        raise InvalidRequest("this set of factors is not offered")

    def proven_by(self, received: Collection[Factor]) -> FactorSet | None:
        """The set that the received evidence covers, the chosen one first; None while something is missing."""
        for choice in (self.chosen, *self.sets):
            if set(choice) <= set(received):
                return choice
        return None

    @property
    def offered(self) -> frozenset[Factor]:
        """The factors of all sets."""
        return frozenset(factor for choice in self.sets for factor in choice)

    def charged(self) -> Challenge:
        """The challenge with one attempt less, judged only afterwards; raises ChallengeClosed when none is left.

        The last one may be in judgement at this moment, or have died with the process that judged it.
        """
        if self.attempts_remaining <= 0:
            raise ChallengeClosed("no attempt is left")
        return replace(self, attempts_remaining=self.attempts_remaining - 1)
