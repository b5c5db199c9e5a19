"""What is happening? Counts by time, from the durable store, made of the audit's own lines.

A chore of every process reads what the chains have grown by and adds it up, off the decision path; a position that moves by
one conditional write has each line counted once, whichever process does it. Looking then sums a few thousand small rows.
"""

from __future__ import annotations

import json
import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial

from authsvc.audit.chain import Link
from authsvc.biometric.drift import LEAST_SCORES, STEPS, Drift, DriftVerdict, ScoreHistogram, drift
from authsvc.clock import Clock
from authsvc.operators.counting import ASKED, SCORE, SIGNAL, Figure, counted
from authsvc.operators.store import OperatorLedger, OperatorTransaction

BUCKET = timedelta(minutes=5)
KEPT_FOR = timedelta(days=35)
AT_ONCE = 500
"""Lines that one transaction counts: few enough that no decision waits for them noticeably."""

MOST_ROUNDS = 40

DAY = timedelta(days=1)
_BY_DAY = (f"{SCORE}:", f"{SIGNAL}:")

DRIFT_LOOKS_AT, DRIFT_COMPARES_WITH = 7 * DAY, 28 * DAY
"""The scores of the last week against those of the four weeks before it."""


@dataclass(frozen=True, slots=True)
class Window:
    """A stretch of time up to now, in columns of one length."""

    name: str
    length: timedelta
    column: timedelta


WINDOWS: Mapping[str, Window] = {
    window.name: window
    for window in (
        Window("hour", timedelta(hours=1), BUCKET),
        Window("day", timedelta(days=1), timedelta(hours=1)),
        Window("week", timedelta(days=7), timedelta(hours=6)),
        Window("month", timedelta(days=30), timedelta(days=1)),
    )
}


@dataclass(frozen=True, slots=True)
class Series:
    """The columns of a window, and for each name a number in each of them."""

    window: Window
    starts: tuple[datetime, ...]
    numbers: Mapping[str, Sequence[int]]

    def of(self, *parts: str) -> list[int]:
        """The numbers of all names that begin with these parts, added up column by column."""
        wanted = ":".join(parts)
        columns = [0] * len(self.starts)
        for name, numbers in self.numbers.items():
            if name == wanted or name.startswith(f"{wanted}:"):
                columns = [a + b for a, b in zip(columns, numbers, strict=True)]
        return columns

    def totals(self, *parts: str) -> dict[str, int]:
        """What follows these parts in a name, to its end, with the sum over the window."""
        prefix = ":".join(parts) + ":"
        return {
            name.removeprefix(prefix): sum(numbers)
            for name, numbers in self.numbers.items()
            if name.startswith(prefix)
        }


@dataclass(frozen=True, slots=True)
class ScoreShift:
    """The scores with which people passed, of one model: this week's beside those of the four weeks before."""

    factor: str
    model: str
    current: ScoreHistogram
    expected: ScoreHistogram

    def drift(self) -> Drift:
        return drift(self.expected, self.current)


@dataclass(frozen=True, slots=True)
class SignalShift:
    """How often payments were unlike their payers' habits in one way: this week's beside those of the four weeks before."""

    signal: str
    current: int
    expected: int
    current_asked: int
    expected_asked: int

    def drift(self) -> Drift:
        """`index` is how many times as often it is present as before; what chance does alone is no drift."""
        if min(self.current_asked, self.expected_asked) < LEAST_SCORES:
            return Drift(DriftVerdict.TOO_FEW, None, self.current_asked)
        now, then = (self.current + 0.5) / self.current_asked, (self.expected + 0.5) / self.expected_asked
        times = now / then
        if not self._is_beyond_chance():
            return Drift(DriftVerdict.STABLE, times, self.current_asked)
        large = not 0.5 < times < 2
        return Drift(DriftVerdict.ALARM if large else DriftVerdict.WATCH, times, self.current_asked)

    def _is_beyond_chance(self) -> bool:
        """Whether the two shares lie three standard errors of their difference apart."""
        both = (self.current + self.expected) / (self.current_asked + self.expected_asked)
        error = math.sqrt(both * (1 - both) * (1 / self.current_asked + 1 / self.expected_asked))
        apart = abs(self.current / self.current_asked - self.expected / self.expected_asked)
        return apart > 3 * error


@dataclass(frozen=True, slots=True)
class Shifts:
    """`scores` of those who pass, for each factor and model of the last week; `signals` of habits, over all users."""

    scores: tuple[ScoreShift, ...]
    signals: tuple[SignalShift, ...]


class Figures:
    def __init__(self, ledger: OperatorLedger, clock: Clock) -> None:
        self._ledger = ledger
        self._clock = clock

    def gather(self) -> int:
        """Count what the chains have grown by; returns how many lines there were."""
        lines = 0
        for head in self._ledger.read(lambda tx: tx.audit.last_heads()):
            for _ in range(MOST_ROUNDS):
                found = self._ledger.transact(partial(_gather, head.chain))
                lines += found
                if found < AT_ONCE:
                    break
        return lines

    def forget_old(self) -> None:
        before = self._clock.now() - KEPT_FOR
        self._ledger.transact(lambda tx: tx.figures.forget(before))

    def within(self, window: Window, *, before: bool = False) -> Series:
        """The window that ends with the present moment, or the one that ended where that begins."""
        now = self._clock.now() - (window.length if before else timedelta())
        columns = round(window.length / window.column)
        last = _start(now, window.column)
        starts = tuple(last - window.column * (columns - 1 - index) for index in range(columns))
        found = self._ledger.read(lambda tx: tx.figures.within(starts[0], now + BUCKET))
        return Series(window, starts, _by_column(found, starts, window.column))

    def shifts(self) -> Shifts:
        """What has moved in the last week, from one reading of five."""
        before, after = self._weeks()
        return Shifts(_scores(before, after), _signals(before, after))

    def _weeks(self) -> tuple[tuple[Figure, ...], tuple[Figure, ...]]:
        """The four weeks before the last one, and the last one."""
        now = self._clock.now()
        week = _start(now, DAY) - DRIFT_LOOKS_AT
        return self._ledger.read(
            lambda tx: (
                tx.figures.within(week - DRIFT_COMPARES_WITH, week),
                tx.figures.within(week, now + DAY),
            )
        )


def _scores(before: Iterable[Figure], after: Iterable[Figure]) -> tuple[ScoreShift, ...]:
    expected, nothing = _histograms(before), ScoreHistogram.of(())
    return tuple(
        ScoreShift(factor, model, current, expected.get((factor, model), nothing))
        for (factor, model), current in sorted(_histograms(after).items())
    )


def _signals(before: Iterable[Figure], after: Iterable[Figure]) -> tuple[SignalShift, ...]:
    then, now = _present(before), _present(after)
    names = sorted((then.keys() | now.keys()) - {ASKED})
    return tuple(SignalShift(name, now[name], then[name], now[ASKED], then[ASKED]) for name in names)


def _present(figures: Iterable[Figure]) -> Counter[str]:
    """How often each signal was present, and among how many payments."""
    counts: Counter[str] = Counter()
    for figure in figures:
        kind, _, name = figure.name.partition(":")
        if kind == SIGNAL:
            counts[name] += figure.count
    return counts


def _histograms(figures: Iterable[Figure]) -> dict[tuple[str, str], ScoreHistogram]:
    """The scores by factor and model."""
    counts: defaultdict[tuple[str, str], list[int]] = defaultdict(lambda: [0] * STEPS)
    for figure in figures:
        kind, _, rest = figure.name.partition(":")
        if kind == SCORE:
            factor, model, step = rest.split(":")
            counts[factor, model][int(step)] += figure.count
    return {key: ScoreHistogram(tuple(each)) for key, each in counts.items()}


def _gather(chain: str, tx: OperatorTransaction) -> int:
    """Count one chain's next lines, and move its position past them."""
    before = tx.figures.position(chain)
    links = tx.audit.links_between(chain, before + 1, before + AT_ONCE)
    if not links:
        return 0
    for at, bodies in _by_bucket(links).items():
        counts = counted(bodies)
        slow = {name: count for name, count in counts.items() if name.startswith(_BY_DAY)}
        tx.figures.add(chain, at, counts - Counter(slow))
        # There are many of these and little hurry to see them, so a day of them is one row.
        tx.figures.add(chain, _start(at, DAY), slow)
    tx.figures.advance(chain, before, links[-1].seq)
    return len(links)


def _by_bucket(links: Iterable[Link]) -> dict[datetime, list[dict[str, object]]]:
    buckets: defaultdict[datetime, list[dict[str, object]]] = defaultdict(list)
    for link in links:
        body = json.loads(link.body)
        buckets[_start(datetime.fromisoformat(body["at"]), BUCKET)].append(body)
    return dict(buckets)


def _by_column(
    figures: Iterable[Figure], starts: Sequence[datetime], column: timedelta
) -> dict[str, Sequence[int]]:
    numbers: defaultdict[str, list[int]] = defaultdict(lambda: [0] * len(starts))
    for figure in figures:
        index = int((figure.at - starts[0]) / column)
        if 0 <= index < len(starts):
            numbers[figure.name][index] += figure.count
    return dict(numbers)


def _start(at: datetime, length: timedelta) -> datetime:
    """The beginning of the stretch that an instant lies in, counted from 1970 (UTC)."""
    seconds = length.total_seconds()
    return datetime.fromtimestamp(at.timestamp() // seconds * seconds, UTC)
