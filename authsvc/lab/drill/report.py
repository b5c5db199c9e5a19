"""What became of the drills, for a reader and for a program."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from authsvc.lab.drill.drill import Result, Verdict

Json = dict[str, Any]  # Any: a report

FAILED = (Verdict.HOLE, Verdict.BROKEN)
_MARKS = {Verdict.STOPPED: "ok", Verdict.HOLE: "HOLE", Verdict.BROKEN: "BROKEN", Verdict.NOT_PLAYED: "-"}


def held(results: Sequence[Result]) -> bool:
    """Whether every drill that was played was stopped; a run that played none shows nothing."""
    played = [each for each in results if each.verdict is not Verdict.NOT_PLAYED]
    return bool(played) and not any(each.verdict in FAILED for each in played)


def to_json(results: Sequence[Result], about: Json) -> Json:
    counts = Counter(each.verdict for each in results)
    return {
        **about,
        "held": held(results),
        "counts": {verdict.value: counts[verdict] for verdict in Verdict},
        "drills": [_result(each) for each in results],
    }


def _result(result: Result) -> Json:
    return {
        "name": result.drill.name,
        "attack": result.drill.attack,
        "control": result.drill.control,
        "verdict": result.verdict.value,
        "stopped_by": result.stopped_by,
        "tries": len(result.tries),
        "got_through": sum(each.got_through for each in result.tries),
        "why": result.why,
        "events": list(result.trace.events),
        "audit": list(result.trace.lines),
        "noticed_by": result.trace.noticed_by,
        "known_after_seconds": None if result.trace.seconds is None else round(result.trace.seconds, 3),
        "seconds": round(result.seconds, 3),
    }


def lines(result: Result) -> Iterator[str]:
    """One drill for a reader: its attack, what stopped it after how many tries, and who could know when."""
    yield f"{_MARKS[result.verdict]:<6} {result.drill.name:<26} {result.drill.attack}"
    if result.verdict is Verdict.NOT_PLAYED:
        yield f"{'':<6} not played: {result.why}"
        return
    tries = f"{len(result.tries)} tries" if len(result.tries) != 1 else "1 try"
    yield f"{'':<6} control: {result.drill.control}; {tries}: {result.stopped_by or result.why}"
    yield f"{'':<6} {_known(result)}"
    if result.why and result.tries:
        yield f"{'':<6} {result.why}"


def _known(result: Result) -> str:
    trace = result.trace
    shown = [*trace.events, *trace.lines]
    if trace.noticed_by:
        return f"noticed by {trace.noticed_by}"
    if trace.seconds is None:
        return "nobody is told: it was refused before it was about anybody's decision"
    return f"known after {trace.seconds:.1f} s: {', '.join(shown)}"


def verdict(results: Sequence[Result]) -> str:
    counts = Counter(each.verdict for each in results)
    words = [f"{counts[each]} {each.value.replace('_', ' ')}" for each in Verdict if counts[each]]
    return ", ".join(words) + (". Everything that was played was stopped." if held(results) else ".")
