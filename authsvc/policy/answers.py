"""What a payer meets in one cell, in the form in which versions are compared: level, exemption, and the ways to prove it.

Two answers are equal where no payer can tell them apart, whatever they have enrolled and whatever is known of their captures.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from authsvc.factor import Category
from authsvc.policy.engine import NOTHING_TO_PROVE, Outcome
from authsvc.policy.level import FactorSet, Level
from authsvc.policy.warnings import PayerWarning, emphasis_of
from authsvc.policy.ways import Offer


@dataclass(frozen=True, slots=True)
class Answer:
    """`exemption` is the kind that lifted the level; `proven` what a backend has proved, where somebody asked for it.

    `covered` is false where no rule applied and no default answered; `warning` is what is read before any of it is proved.
    An exemption lifts it with its level, and still it is told: another risk reason may ask for more and bring it back.
    """

    level: Level
    exemption: str | None
    offers: tuple[Offer, ...]
    proven: tuple[Category, ...] = ()
    covered: bool = True
    warning: PayerWarning | None = None

    @classmethod
    def of(cls, outcome: Outcome) -> Answer:
        """The answer of one evaluation."""
        covered = outcome.matched != 0 or outcome.policy.document.default is not None
        offers = most_lenient(way.offer for way in outcome.ways)
        warning = None if (rule := outcome.carried) is None else rule.warning
        return cls(outcome.level, outcome.exemption, offers, covered=covered, warning=warning)

    @property
    def sets(self) -> tuple[FactorSet, ...]:
        if self.level is Level.NONE:
            return NOTHING_TO_PROVE
        return tuple(dict.fromkeys(offer.factors for offer in self.offers))

    def asks_less_than(self, other: Answer) -> bool:
        """A weaker answer, or the same level with an offer that nothing of the other's comes up to."""
        if self.is_weaker_than(other):
            return True
        if self.level is not other.level:
            return False
        return any(not any(old.asks_no_more_than(new) for old in other.offers) for new in self.offers)

    def is_weaker_than(self, other: Answer) -> bool:
        """A milder level, or one that warns less: without a warning, or with one that is done with by a click."""
        if self.level.rank < other.level.rank:
            return True
        return self.level is not Level.DENY and emphasis_of(self.warning) < emphasis_of(other.warning)

    def to_json(self) -> dict[str, object]:
        return {
            "level": self.level.value,
            "exemption": self.exemption,
            "warning": None if self.warning is None else self.warning.to_json(),
            "sets": [[factor.value for factor in each] for each in self.sets],
            "ways": [offer.to_json() for offer in self.offers],
        }

    def __str__(self) -> str:
        said = self.level.value if self.exemption is None else f"{self.level.value} ({self.exemption})"
        return said if self.warning is None else f"{said}, warning {self.warning}"


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
