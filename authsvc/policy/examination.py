"""Everything that must be known of a candidate before anybody may approve it: what is wrong with it, and what it changes.

It takes seconds of computing, which the processes that answer payments have no time for, so this runs as a
program of its own (`python -m authsvc.policy.examination`: a request on standard input, the findings on standard output).
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import suppress
from fractions import Fraction
from typing import Any, NamedTuple

from authsvc.errors import InvalidRequest, PolicyInvalid
from authsvc.policy import loading
from authsvc.policy.analysis import analyze
from authsvc.policy.backtest import Backtest
from authsvc.policy.diff import Difference, diff
from authsvc.policy.engine import Policy
from authsvc.policy.findings import Finding
from authsvc.policy.gestures import gestures_at
from authsvc.policy.level import CHALLENGES, Level
from authsvc.policy.life import WEAKENS
from authsvc.policy.liveness import Asked, gates_at, is_less
from authsvc.policy.profiles import Profile
from authsvc.policy.recorded import read
from authsvc.policy.table import decision_table
from authsvc.policy.ways import Way


class Past(NamedTuple):
    """A sample of what was decided: the policies that did, as canonical JSON, and recorded decisions, a JSON line each.

    `of` is how many decisions the sample was taken from.
    """

    documents: tuple[str, ...]
    lines: tuple[str, ...]
    of: int


def examine(
    candidate: Policy, active: Policy, profile: Profile | None, most_cells: int, past: Past | None = None
) -> Mapping[str, Any]:
    """The analysis of a candidate, its difference to the active policy, and the names of the errors among the findings.

    With a `past` it says as `estimate` what the candidate would have answered then. Findings that the active policy has as well
    are `known`, and what asks less stands first. The report's `table` is the decision table of the change, or of the candidate
    alone where the two cannot be compared.

    Any: JSON, as it is told, kept and shown.
    """
    analysis = analyze(candidate, profile=profile, most_cells=most_cells)
    difference: dict[str, object] = {}
    try:
        found = diff(active, candidate, most_cells=most_cells)
        table = decision_table(candidate, active, most_cells=most_cells)
    except InvalidRequest as error:
        of_change = [Finding("not-comparable", "error", f"nothing is known of the change: {error.detail}")]
        table = decision_table(candidate, most_cells=most_cells)
    else:
        difference = found.to_json()
        of_change = [*_unfinished(found), *_weakenings(found)]
    findings = (*of_change, *analysis.findings)
    report = {
        **analysis.to_json(),
        "profile": None if profile is None else profile.value,
        "table": table.to_json(),
        "findings": _told_findings(
            findings, _known(active, profile, most_cells) if analysis.findings else ()
        ),
    }
    errors = [name_of(finding) for finding in findings if finding.severity == "error"]
    estimate = {} if past is None else {"estimate": _estimate(candidate, past)}
    return {"report": report, "difference": difference, "errors": list(dict.fromkeys(errors)), **estimate}


def _told_findings(findings: Iterable[Finding], known: Collection[str]) -> list[dict[str, object]]:
    named = ((name_of(finding), finding) for finding in findings)
    return [{"name": name, "known": name in known, **finding.to_json()} for name, finding in named]


def _known(active: Policy, profile: Profile | None, most_cells: int) -> frozenset[str]:
    """The names of what the active policy has been found with as well."""
    return frozenset(map(name_of, analyze(active, profile=profile, most_cells=most_cells).findings))


def _estimate(candidate: Policy, past: Past) -> Mapping[str, object]:
    """The figures of a backtest over a sample, and how large it is."""
    backtest = Backtest(candidate, _usable(past.documents))
    backtest.run(map(read, past.lines))
    return {**backtest.report(), "of": past.of}


def _usable(documents: Iterable[str]) -> Iterator[Policy]:
    """Without those that this version of the service can read no more: their decisions are skipped by name."""
    for document in documents:
        with suppress(PolicyInvalid):
            yield loading.from_mapping(json.loads(document), for_analysis=True)


def name_of(finding: Finding) -> str:
    """What an approver calls a finding that they accept: its code, and the first rule that it is about."""
    return f"{finding.code}:{finding.rules[0]}" if finding.rules else finding.code


def _unfinished(difference: Difference) -> Iterator[Finding]:
    if not difference.complete:
        text = f"the comparison with the active policy ended after {difference.walked} steps: what gets weaker is not known"
        yield Finding("not-finished", "error", text)


def _weakenings(difference: Difference) -> Iterator[Finding]:
    """One finding for all cells that ask less than before, one for each level that more proves, and for each setting."""
    weaker = [region for region in difference.regions if region.asks_less]
    if weaker:
        first = weaker[0]
        change = f"`{first.before}` becomes `{first.after}`"
        text = f"{difference.weaker} of {difference.cells} cells ask less than the active policy: {change}"
        yield Finding(WEAKENS, "error", text, witnesses=(first.witness,))
    for level in CHALLENGES:
        seen = any(region.before.level is level is region.after.level for region in weaker)
        more = [] if seen else list(_new_ways(difference.before, difference.after, level))
        if more:
            text = f"`{level}` is proved with {_or(more)} as well, which it is not in the active policy"
            yield Finding(WEAKENS, "error", text)
    for name, before, after in difference.settings:
        if _lowers(before, after):
            text = f"`{name}` becomes weaker than in the active policy: {_told(before)}, now {_told(after)}"
            yield Finding(WEAKENS, "error", text)


def _new_ways(before: Policy, after: Policy, level: Level) -> Iterator[Way]:
    """The ways of a level that nothing of the same level came up to: a name that stays while less is behind it."""
    known = before.ways_for(level)
    return (way for way in after.ways_for(level) if not any(old.is_as_wide_as(way) for old in known))


def _or(ways: Iterable[Way]) -> str:
    return " or ".join("`" + " + ".join(way.set) + "`" for way in ways)


def _lowers(before: object, after: object) -> bool:
    """More impostors by the target FMR, fewer gates or gestures, a currency whose amounts count for less, a higher limit."""
    if isinstance(before, int):
        return not isinstance(after, int) or after > before
    if not isinstance(after, Mapping):
        return False
    if not isinstance(before, Mapping):
        # A currency without a rate was larger than every bound.
        return "worth" in after
    if "fmr" in after:
        return (
            _one_in(after) < _one_in(before)
            or _asks_less(_asked(before), _asked(after))
            or _asks_fewer(_gestures(before), _gestures(after))
        )
    return _worth_of_a_unit(after) < _worth_of_a_unit(before)


def _asked(setting: Mapping[str, Any]) -> Mapping[Level, Asked]:
    return {Level(level): Asked(asked) for level, asked in setting.get("liveness", {}).items()}


def _asks_less(before: Mapping[Level, Asked], after: Mapping[Level, Asked]) -> bool:
    """Whether any level lets a face pass by fewer liveness gates than before."""
    return any(is_less(gates_at(before, level), gates_at(after, level)) for level in CHALLENGES)


def _gestures(setting: Mapping[str, Any]) -> Mapping[Level, int]:
    return {Level(level): int(count) for level, count in setting.get("gestures", {}).items()}


def _asks_fewer(before: Mapping[Level, int], after: Mapping[Level, int]) -> bool:
    """Whether any level lets a face pass with fewer gestures than before."""
    return any(gestures_at(after, level) < gestures_at(before, level) for level in CHALLENGES)


def _one_in(setting: Mapping[str, Any]) -> int:
    return int(setting["fmr"].removeprefix("1 in "))


def _worth_of_a_unit(setting: Mapping[str, Any]) -> Fraction:
    """What the smallest unit of a currency counts for."""
    digits: int = setting["minor_digits"]
    return Fraction(setting["worth"]) / Fraction(10**digits)


def _told(setting: object) -> str:
    if not isinstance(setting, Mapping):
        return "not stated" if setting is None else str(setting)
    return ", ".join(f"{name} {value}" for name, value in setting.items())


def answer(request: Mapping[str, Any]) -> Mapping[str, Any]:
    """The examination that a request asks for. Any: JSON, from the service on the same machine."""
    profile = None if request["profile"] is None else Profile(request["profile"])
    candidate, active = (loading.from_json(request[name]) for name in ("candidate", "active"))
    stated = request["past"]
    past = None if stated is None else Past(tuple(stated["documents"]), tuple(stated["lines"]), stated["of"])
    return examine(candidate, active, profile, int(request["most_cells"]), past)


if __name__ == "__main__":
    os.nice(10)
    json.dump(answer(json.load(sys.stdin)), sys.stdout)
