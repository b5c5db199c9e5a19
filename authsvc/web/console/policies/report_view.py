"""A backtest's report as a page shows it: every rate with what it was counted from. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from authsvc.policy.level import Level

Json = Mapping[str, Any]  # Any: `Backtest.report`.

_ASKED = ("otp", "face", "face_fingerprint")
_ORDER = [level.value for level in Level]


@dataclass(frozen=True, slots=True)
class Share:
    """`part` of `whole`; the rate is None of nothing."""

    part: int
    whole: int

    @property
    def rate(self) -> float | None:
        return self.part / self.whole if self.whole else None


@dataclass(frozen=True, slots=True)
class Compared:
    """One figure with the policy that decided, and with the candidate."""

    before: Share
    after: Share


@dataclass(frozen=True, slots=True)
class Matrix:
    """How often each answer (a row) would have become which (a column); returns from the mildest on."""

    answers: tuple[str, ...]
    rows: tuple[tuple[str, tuple[int, ...]], ...]
    most: int

    @property
    def total(self) -> int:
        return sum(sum(counts) for _, counts in self.rows)

    def turn(self, before: str, after: str) -> str:
        """`stricter`, `weaker` or `same`, by level: an exemption lets through as `none` does."""
        step = _rank(after) - _rank(before)
        return "same" if step == 0 else "stricter" if step > 0 else "weaker"


def matrix(moves: Mapping[str, Mapping[str, int]]) -> Matrix:
    answers = tuple(sorted({*moves, *(after for row in moves.values() for after in row)}, key=_place))
    rows = tuple(
        (before, tuple(moves.get(before, {}).get(after, 0) for after in answers)) for before in answers
    )
    return Matrix(answers, rows, max((count for _, row in rows for count in row), default=0))


def challenge_rate(found: Matrix) -> Compared:
    before = sum(sum(counts) for answer, counts in found.rows if answer in _ASKED)
    after = sum(
        counts[place]
        for _, counts in found.rows
        for place, answer in enumerate(found.answers)
        if answer in _ASKED
    )
    return Compared(Share(before, found.total), Share(after, found.total))


def fraud_caught(report: Json) -> Compared:
    """Of the payments that their backend later labelled as fraud: those that were, and would be, asked or denied."""
    fraud = report["fraud"]
    return Compared(
        Share(fraud["before"]["caught"], fraud["labelled"]),
        Share(fraud["after"]["caught"], fraud["labelled"]),
    )


@dataclass(frozen=True, slots=True)
class Abandonment:
    """What payers did at a level, or at a factor (`factor face`)."""

    name: str
    seen: Share


def abandonment(report: Json) -> Iterator[Abandonment]:
    for name, seen in report["abandonment"]["seen"].items():
        yield Abandonment(name, Share(seen["abandoned"], seen["challenges"]))


@dataclass(frozen=True, slots=True)
class Flip:
    """A sampled decision whose level would have changed."""

    id: str
    before: str
    after: str
    ending: str | None
    inputs: Json


@dataclass(frozen=True, slots=True)
class Direction:
    """The payments that would have been asked more, or less: how many, over how much, and some of them."""

    decisions: int
    amount_minor: int
    not_convertible: int
    flips: tuple[Flip, ...]


def direction(report: Json, name: str) -> Direction:
    found = report[name]
    return Direction(
        found["decisions"],
        found["amount_minor"],
        found["not_convertible"],
        tuple(_flips(found["samples"])),
    )


def _flips(samples: Sequence[Json]) -> Iterator[Flip]:
    for sample in samples:
        before, _, after = sample["move"].partition(" > ")
        yield Flip(sample["id"], before, after, sample["ending"], sample["inputs"])


def _place(answer: str) -> tuple[int, str]:
    return _ORDER.index(answer) * 2 if answer in _ORDER else 1, answer


def _rank(answer: str) -> int:
    return Level(answer).rank if answer in _ORDER else 0


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a text would have answered to a sample of the past: counts are of the sample, rates of what was compared."""

    eligible: int
    of: int
    repeats: bool
    asked: tuple[float | None, float | None]
    abandoned: tuple[float | None, float | None]
    weaker: Mapping[str, Any]
    stricter: Mapping[str, Any]


def estimate_view(report: Mapping[str, Any] | None) -> Estimate | None:  # Any: a backtest's JSON.
    if report is None or not report["read"]:
        return None
    rate, expected = report["challenge_rate"], report["abandonment"]["expected"]
    return Estimate(
        eligible=report["eligible"],
        of=report["of"],
        repeats=report["mismatch"] is None,
        asked=(rate["before"], rate["after"]),
        abandoned=(expected["before"], expected["after"]),
        weaker=report["weaker"],
        stricter=report["stricter"],
    )
