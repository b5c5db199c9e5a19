"""What a payer meets in one cell, in the form in which versions are compared: level, exemption, and the ways to prove it.

Two answers are equal where no payer can tell them apart, whatever they have enrolled and whatever is known of their captures.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from authsvc.factor import Category
from authsvc.policy.engine import NOTHING_TO_PROVE, Outcome
from authsvc.policy.level import FactorSet, Level
from authsvc.policy.ways import Offer


@dataclass(frozen=True, slots=True)
class Answer:
    """`exemption` is the kind that lifted the level; `proven` what a backend has proved, where somebody asked for it.

    `covered` is false where no rule applied and no default answered.
    """

    level: Level
    exemption: str | None
    offers: tuple[Offer, ...]
    proven: tuple[Category, ...] = ()
    covered: bool = True

    @classmethod
    def of(cls, outcome: Outcome) -> Answer:
        """The answer of one evaluation."""
        covered = outcome.matched != 0 or outcome.policy.document.default is not None
        offers = most_lenient(way.offer for way in outcome.ways)
        return cls(outcome.level, outcome.exemption, offers, covered=covered)

    @property
    def sets(self) -> tuple[FactorSet, ...]:
        if self.level is Level.NONE:
            return NOTHING_TO_PROVE
        return tuple(dict.fromkeys(offer.factors for offer in self.offers))

    def asks_less_than(self, other: Answer) -> bool:
        """A milder level, or the same one with an offer that nothing of the other's comes up to."""
        if self.level is not other.level:
            return self.level.rank < other.level.rank
        return any(not any(old.asks_no_more_than(new) for old in other.offers) for new in self.offers)

    def to_json(self) -> dict[str, object]:
        return {
            "level": self.level.value,
            "exemption": self.exemption,
            "sets": [[factor.value for factor in each] for each in self.sets],
            "ways": [offer.to_json() for offer in self.offers],
        }

    def __str__(self) -> str:
        return self.level.value if self.exemption is None else f"{self.level.value} ({self.exemption})"


def most_lenient(offers: Iterable[Offer]) -> tuple[Offer, ...]:
    """Without those of the same factors that another one makes needless."""
    each_once = tuple(dict.fromkeys(offers))
    return tuple(
        offer
        for offer in each_once
        if not any(
            other is not offer and other.factors == offer.factors and other.asks_no_more_than(offer)
            for other in each_once
        )
    )
