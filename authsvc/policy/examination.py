"""Everything that must be known of a candidate before anybody may approve it: what is wrong with it, and what it changes.

Walking cells takes seconds of computing, which the processes that answer payments have no time for, so this runs as a
program of its own (`python -m authsvc.policy.examination`: a request on standard input, the findings on standard output).
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import Any

from authsvc.errors import InvalidRequest
from authsvc.policy import loading
from authsvc.policy.analysis import analyze
from authsvc.policy.diff import Difference, Region, diff
from authsvc.policy.engine import Policy
from authsvc.policy.findings import Finding
from authsvc.policy.level import CHALLENGES, Level
from authsvc.policy.life import WEAKENS
from authsvc.policy.liveness import Asked, gates_at, is_less
from authsvc.policy.profiles import Profile
from authsvc.policy.table import decision_table


def examine(candidate: Policy, active: Policy, profile: Profile | None, most_cells: int) -> Mapping[str, Any]:
    """The analysis of a candidate, its difference to the active policy, and the names of the errors among the findings.

    The report's `table` is the decision table of the change, or of the candidate alone where the two cannot be compared.

    Any: JSON, as it is told, kept and shown.
    """
    analysis = analyze(candidate, profile=profile, most_cells=most_cells)
    findings = list(analysis.findings)
    difference: dict[str, object] = {}
    try:
        found = diff(active, candidate, most_cells=most_cells)
        table = decision_table(candidate, active, most_cells=most_cells)
    except InvalidRequest as error:
        findings.append(Finding("not-comparable", "error", f"nothing is known of the change: {error.detail}"))
        table = decision_table(candidate, most_cells=most_cells)
    else:
        difference = found.to_json()
        findings += _weakenings(found)
    report = {
        **analysis.to_json(),
        "profile": None if profile is None else profile.value,
        "table": table.to_json(),
        "findings": [{"name": name_of(finding), **finding.to_json()} for finding in findings],
    }
    errors = [name_of(finding) for finding in findings if finding.severity == "error"]
    return {"report": report, "difference": difference, "errors": list(dict.fromkeys(errors))}


def name_of(finding: Finding) -> str:
    """What an approver calls a finding that they accept: its code, and the first rule that it is about."""
    return f"{finding.code}:{finding.rules[0]}" if finding.rules else finding.code


def _weakenings(difference: Difference) -> Iterator[Finding]:
    """One finding for all cells that ask less than before, and one for each setting that no cell shows."""
    weaker = [region for region in difference.regions if _is_weaker(region)]
    if weaker:
        first, cells = weaker[0], sum(region.cells for region in weaker)
        text = f"{cells} of {difference.cells} cells ask less than the active policy: `{first.before}` becomes `{first.after}`"
        yield Finding(WEAKENS, "error", text, witnesses=(first.witness,))
    for name, before, after in difference.settings:
        if _lowers(before, after):
            text = f"`{name}` becomes weaker than in the active policy: {_told(before)}, now {_told(after)}"
            yield Finding(WEAKENS, "error", text)


def _is_weaker(region: Region) -> bool:
    """A milder level, or the same one with a set of factors that did not prove it before."""
    before, after = region.before, region.after
    if after.level is not before.level:
        return after.level.rank < before.level.rank
    return any(not any(set(old) <= set(new) for old in before.sets) for new in after.sets)


def _lowers(before: object, after: object) -> bool:
    """A target FMR that admits more impostors, fewer liveness gates, or a currency whose amounts count for less than they did."""
    if not isinstance(after, Mapping):
        return False
    if not isinstance(before, Mapping):
        # A currency without a rate was larger than every bound.
        return "worth" in after
    if "fmr" in after:
        return _one_in(after) < _one_in(before) or _asks_less(_asked(before), _asked(after))
    return _worth_of_a_unit(after) < _worth_of_a_unit(before)


def _asked(setting: Mapping[str, Any]) -> Mapping[Level, Asked]:
    return {Level(level): Asked(asked) for level, asked in setting.get("liveness", {}).items()}


def _asks_less(before: Mapping[Level, Asked], after: Mapping[Level, Asked]) -> bool:
    """Whether any level lets a face pass by fewer liveness gates than before."""
    return any(is_less(gates_at(before, level), gates_at(after, level)) for level in CHALLENGES)


def _one_in(setting: Mapping[str, Any]) -> int:
    return int(setting["fmr"].removeprefix("1 in "))


def _worth_of_a_unit(setting: Mapping[str, Any]) -> Fraction:
    """What the smallest unit of a currency counts for."""
    digits: int = setting["minor_digits"]
    return Fraction(setting["worth"]) / Fraction(10**digits)


def _told(setting: object) -> str:
    if not isinstance(setting, Mapping):
        return "not stated"
    return ", ".join(f"{name} {value}" for name, value in setting.items())


def answer(request: Mapping[str, Any]) -> Mapping[str, Any]:
    """The examination that a request asks for. Any: JSON, from the service on the same machine."""
    profile = None if request["profile"] is None else Profile(request["profile"])
    candidate, active = (loading.from_json(request[name]) for name in ("candidate", "active"))
    return examine(candidate, active, profile, int(request["most_cells"]))


if __name__ == "__main__":
    os.nice(10)
    json.dump(answer(json.load(sys.stdin)), sys.stdout)
