"""The ways to prove a level: sets of factors, each within the bounds that it states.

A bound only ever shuts a way: on a larger amount, on a device that is less well known, for a capture of which less is known.
So more risk leaves fewer ways and never another level; where none is left, nothing proves the payment.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from functools import cached_property
from typing import Annotated, NamedTuple, Self

from pydantic import AfterValidator, Discriminator, Field, Tag, model_validator

from authsvc.biometric.words import Capture
from authsvc.factor import Factor
from authsvc.policy.conditions import Condition, Reason, Seen
from authsvc.policy.level import FactorSet, factor_set
from authsvc.policy.rules import Minor, Part
from authsvc.subject import Novelty


def _each_once(factors: tuple[Factor, ...]) -> tuple[Factor, ...]:
    if len(set(factors)) < len(factors):
        raise ValueError("a set names each factor once")
    return factors


Factors = Annotated[tuple[Factor, ...], Field(min_length=1), AfterValidator(_each_once)]


class Offer(NamedTuple):
    """One open way: its factors, the least that must be known of its captures, and whether factors on probation count in it."""

    factors: FactorSet
    capture: Capture
    on_probation: bool

    def asks_no_more_than(self, other: Offer) -> bool:
        """Whether everybody who gets through the other gets through this one."""
        return (
            set(self.factors) <= set(other.factors)
            and self.capture.rank <= other.capture.rank
            and (self.on_probation or not other.on_probation)
        )

    def to_json(self) -> dict[str, object]:
        return {
            "factors": [factor.value for factor in self.factors],
            "capture_at_least": self.capture.value,
            "on_probation": self.on_probation,
        }


class Way(Part):
    """One set of factors, all of it, within every bound that is stated.

    `device_at_most` is the worst device that it is open on, `capture_at_least` what must be known of where its face and
    voice came from. A factor on probation counts only in a way that states `amount_at_most`.
    """

    factors: Factors
    amount_at_most: Minor | None = None
    device_at_most: Novelty | None = None
    capture_at_least: Capture | None = None

    @model_validator(mode="after")
    def _captures_something(self) -> Self:
        if self.capture_at_least is not None and not self.is_biometric:
            raise ValueError("`capture_at_least` bounds a face or a voice, and this set has neither")
        return self

    @cached_property
    def set(self) -> FactorSet:
        return factor_set(self.factors)

    @cached_property
    def bounds(self) -> tuple[Condition, ...]:
        """Its bounds on the payment; that on the capture is met later, by what the payer sends."""
        stated = {"amount_at_most": self.amount_at_most, "device_at_most": self.device_at_most}
        return tuple(Condition(key, bound) for key, bound in stated.items() if bound is not None)

    @property
    def is_biometric(self) -> bool:
        return any(factor.is_server_side_biometric for factor in self.factors)

    @property
    def capture(self) -> Capture:
        """The least that must be known of its captures."""
        return Capture.BROWSER if self.capture_at_least is None else self.capture_at_least

    @property
    def admits_probation(self) -> bool:
        return self.amount_at_most is not None

    @property
    def offer(self) -> Offer:
        return Offer(self.set, self.capture, self.admits_probation)

    @property
    def is_open_from_afar(self) -> bool:
        """Whether captures alone prove it on a device that is new or unknown."""
        known_only = self.device_at_most is not None and self.device_at_most.rank < Novelty.NEW.rank
        return not known_only and all(factor.is_server_side_biometric for factor in self.factors)

    @property
    def falls_with_the_cloud(self) -> bool:
        """Whether whoever takes over a cloud account has it: the passkey that is synced through it, often the codes as well."""
        return not self.is_biometric and not _POSSESSED_KEYS.isdisjoint(self.factors)

    def is_usable(self, strong: Collection[Factor], on_probation: Collection[Factor]) -> bool:
        """Whether somebody with these factors may take it."""
        young = [factor for factor in self.factors if factor not in strong]
        return not young or (self.admits_probation and all(factor in on_probation for factor in young))

    def is_as_wide_as(self, other: Way) -> bool:
        """Whether this one is open to whatever the other is, and asks no more there."""
        amounts, devices = self.amount_at_most, self.device_at_most
        return (
            self.offer.asks_no_more_than(other.offer)
            and (amounts is None or (other.amount_at_most is not None and other.amount_at_most <= amounts))
            and (
                devices is None
                or (other.device_at_most is not None and other.device_at_most.rank <= devices.rank)
            )
        )

    def shut_by(self, level: str, seen: Seen) -> Iterator[Reason]:
        """The bounds that a payment is beyond, as reasons that name level and set: `face:voice+otp`."""
        name = f"{level}:{'+'.join(self.set)}"
        return (bound.reason(name, seen) for bound in self.bounds if not bound.holds(seen))


def sets_of(ways: Iterable[Way]) -> tuple[FactorSet, ...]:
    """The sets of some ways, each once, in their order."""
    return tuple(dict.fromkeys(way.set for way in ways))


def capture_of(ways: Iterable[Way], factors: FactorSet) -> Capture:
    """The least that must be known of a set's captures, by the most lenient way that has it; ValueError where none has."""
    return min((way.capture for way in ways if way.set == factors), key=lambda capture: capture.rank)


def _form_of_way(stated: object) -> str:
    return "list" if isinstance(stated, list | tuple) else "table"


BareOrLimited = Annotated[
    Annotated[Factors, Tag("list")] | Annotated[Way, Tag("table")], Discriminator(_form_of_way)
]


class LevelSets(Part):
    """The alternatives of one level; any one of them proves it. A bare list of factors is good for every payment."""

    sets: Annotated[tuple[BareOrLimited, ...], Field(min_length=1, max_length=100)]

    @cached_property
    def ways(self) -> tuple[Way, ...]:
        """Every alternative in its full form."""
        return tuple(each if isinstance(each, Way) else Way(factors=each) for each in self.sets)


_POSSESSED_KEYS = frozenset({Factor.DEVICE_UV, Factor.DEVICE_KEY})
