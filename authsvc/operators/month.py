"""A month in figures, for management and auditors: counted from the audit's own lines, so that anybody can count again.

A false reject is one that its own payer then passed: a challenge with a refused attempt that ended authenticated, and was
never labelled as fraud. What came before the month or after it is not counted, except a freeze that a fraud of the month
waited for.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from statistics import median
from typing import Any

from authsvc.audit.chain import Link
from authsvc.operators.counting import CHALLENGE, DECISION, FACTOR, LOCKED, WARNING, counted

Body = Mapping[str, Any]  # Any: a decoded audit line.
Json = dict[str, Any]  # Any: the report.

FRAUD = "fraud"
AT_ONCE = 2_000

Exempted = Callable[[str], tuple[str, str, int] | None]
"""Of a decision: the name of its exemption, currency, and amount in minor units."""


def month_of(text: str) -> tuple[datetime, datetime]:
    """From its first moment to the first of the next one (UTC); raises ValueError for anything but `2026-11`."""
    since = datetime.strptime(text, "%Y-%m").replace(tzinfo=UTC)
    return since, since.replace(year=since.year + since.month // 12, month=since.month % 12 + 1)


@dataclass
class Month:
    """Take every line from `since` on, in any order, then ask for the report."""

    since: datetime
    until: datetime
    exempted: Exempted = lambda decision: None
    counts: Counter[str] = field(default_factory=Counter)
    acts: Counter[str] = field(default_factory=Counter)
    _decided: dict[str, tuple[datetime, tuple[str, str]]] = field(default_factory=dict)
    _refused: set[str] = field(default_factory=set)
    _passed: set[str] = field(default_factory=set)
    _outcomes: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    _freezes: dict[tuple[str, str], list[datetime]] = field(default_factory=lambda: defaultdict(list))
    _exemptions: dict[str, list[tuple[str, int]]] = field(default_factory=lambda: defaultdict(list))

    def take(self, body: Body) -> None:
        at, action = datetime.fromisoformat(body["at"]), str(body["action"])
        if action == "user.freeze" and at >= self.since:
            self._freezes[_whom(body)].append(at)
        if not self.since <= at < self.until:
            return
        self.counts.update(counted([body]))
        if action.startswith("user."):
            self.acts[action.removeprefix("user.")] += 1
        if action == "decision.decide":
            self._decide(body, at)
        elif action == "decision.complete":
            (self._passed if body["result"] == "authenticated" else self._refused).add(body["object"])
        elif action == "decision.outcome":
            self._outcomes[body["result"]].add(body["object"])

    def _decide(self, body: Body, at: datetime) -> None:
        decision = body["object"]
        self._decided[decision] = (at, _whom(body))
        if body["result"] == "exempted" and (found := self.exempted(decision)) is not None:
            name, currency, amount = found
            self._exemptions[name].append((currency, amount))

    def report(self) -> Json:
        fraud = self._outcomes[FRAUD]
        owners = (self._passed & self._refused) - fraud
        return {
            "since": self.since.date().isoformat(),
            "until": self.until.date().isoformat(),
            "decisions": self._under(DECISION),
            "challenges": self._under(CHALLENGE),
            "factors": self._under(FACTOR),
            "liveness_rejects": {
                name: count
                for name, count in self._under(FACTOR).items()
                if name.endswith(("attack", "undecided"))
            },
            "lock_outs": self._under(LOCKED).get("refused", 0),
            "warnings": self._under(WARNING),
            "outcomes": {name: len(each) for name, each in sorted(self._outcomes.items())},
            "fraud": {"labelled": len(fraud), "of_them_authenticated": len(fraud & self._passed)},
            "false_rejects": {"challenges": len(owners), "of_authenticated": len(self._passed - fraud)},
            "exemptions": {name: _sums(each) for name, each in sorted(self._exemptions.items())},
            "account_acts": dict(sorted(self.acts.items())),
            "time_to_freeze": self._time_to_freeze(fraud),
        }

    def _under(self, kind: str) -> dict[str, int]:
        prefix = f"{kind}:"
        return {
            name.removeprefix(prefix): count
            for name, count in sorted(self.counts.items())
            if name.startswith(prefix)
        }

    def _time_to_freeze(self, fraud: Iterable[str]) -> Json:
        """From the decision of a labelled fraud to the next freeze of its account."""
        waited = list(self._waits(fraud))
        frozen = [each for each in waited if each is not None]
        seconds = {"median": median(frozen), "longest": max(frozen)} if frozen else None
        return {"frauds": len(waited), "frozen": len(frozen), "seconds": seconds}

    def _waits(self, fraud: Iterable[str]) -> Iterator[float | None]:
        for decision in fraud:
            if decision in self._decided:
                at, whom = self._decided[decision]
                after = [each for each in self._freezes[whom] if each >= at]
                yield (min(after) - at).total_seconds() if after else None


def bodies(links: Iterable[Link]) -> Iterator[Body]:
    return (json.loads(link.body) for link in links)


def _whom(body: Body) -> tuple[str, str]:
    subject = body["subject"] or {}
    return str(subject.get("client", "")), str(subject.get("user", ""))


def _sums(payments: Iterable[tuple[str, int]]) -> Json:
    """How many there were, and what they add up to in each currency, in minor units."""
    sums: Counter[str] = Counter()
    count = 0
    for currency, amount in payments:
        sums[currency] += amount
        count += 1
    return {"payments": count, "amount_minor": dict(sorted(sums.items()))}
