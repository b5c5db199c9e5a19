"""Plays the drills, and asks the service's own records what they show of each."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime
from functools import partial
from http.client import HTTPException

from authsvc.errors import InvalidRequest
from authsvc.lab.drill import (
    accounts,
    assertions,
    captures,
    codes,
    insiders,
    load,
    operators,
    payments,
    phones,
    receipts,
    voices,
)
from authsvc.lab.drill.drill import (
    DRILLS,
    Busy,
    Drill,
    NotPlayed,
    Result,
    Trace,
    Unprepared,
    Verdict,
    in_turns,
)
from authsvc.lab.drill.scene import Scene
from authsvc.lab.drill.service import Json, Service
from authsvc.text import did_you_mean

FILES = (
    phones, codes, assertions, payments, receipts, accounts, captures, voices, operators, load, insiders,
)  # fmt: skip
"""Importing them puts their drills into the list, in this order."""

Played = tuple[Result, Scene]

COARSENESS_S = 0.05
"""The service writes whole milliseconds, and its clock is this machine's or nearly so."""

PAGE = 500
MOST_PAGES = 2_000


def chosen(names: Sequence[str]) -> tuple[Drill, ...]:
    """These drills, by default all; raises InvalidRequest for a name that none has."""
    for name in names:
        if name not in DRILLS:
            raise InvalidRequest(f"no drill is called `{name}`{did_you_mean(name, DRILLS)}")
    return tuple(each for each in DRILLS.values() if not names or each.name in names)


def play(drills: Iterable[Drill], scene: Callable[[], Scene], *, at_once: int = 4) -> Iterator[Played]:
    """Play them, several at a time, and those that disturb others at the end and alone."""
    drills = tuple(drills)
    together = [each for each in drills if not each.alone]
    if together:
        with ThreadPoolExecutor(at_once) as threads:
            yield from threads.map(partial(_played, scene), together)
    yield from (_played(scene, each) for each in drills if each.alone)


def traced(played: Iterable[Played], service: Service, after: int) -> tuple[Result, ...]:
    """With what the records show by now; `after` is the end of the feed before anything was played."""
    events = tuple(_feed(service, after))
    return tuple(replace(result, trace=_trace(scene, events)) for result, scene in played)


def _played(scene: Callable[[], Scene], drill: Drill) -> Played:
    """With other people once more, where the service had no time for the honest ones."""
    return in_turns(lambda is_last: _turn(scene, drill, is_last=is_last))


def _turn(scene: Callable[[], Scene], drill: Drill, *, is_last: bool) -> Played:
    """Raises Busy where nothing has got through yet, and it is not the last turn."""
    set_up, began = scene(), time.monotonic()
    verdict, why = Verdict.BROKEN, ""
    try:
        drill.play(set_up)
    except NotPlayed as missing:
        return Result(drill, Verdict.NOT_PLAYED, why=missing.detail), set_up
    except (Unprepared, OSError, HTTPException, LookupError, ValueError) as error:
        if _verdict(set_up) is Verdict.HOLE:
            verdict = Verdict.HOLE
        elif isinstance(error, Busy) and not is_last:
            raise
        why = getattr(error, "detail", "") or f"{type(error).__name__}: {error}"
    else:
        why = "" if set_up.tries else "nothing was tried"
        verdict = _verdict(set_up)
    return Result(drill, verdict, tuple(set_up.tries), why, seconds=time.monotonic() - began), set_up


def _verdict(scene: Scene) -> Verdict:
    if any(each.got_through for each in scene.tries):
        return Verdict.HOLE
    return Verdict.STOPPED if scene.tries else Verdict.BROKEN


def _trace(scene: Scene, events: Sequence[Json]) -> Trace:
    """What the feed and the audit say of the people and decisions of a drill from its first try on."""
    if scene.began is None:
        return Trace()
    users, began = {each.user for each in scene.people}, scene.began - COARSENESS_S
    about = [each for each in events if each["user_id"] in users and _at(each) >= began]
    lines = [
        each for decision in dict.fromkeys(scene.decisions) for each in _timeline(scene.service, decision)
    ]
    lines = [each for each in lines if _at(each) >= began]
    first = min((_at(each) for each in (*about, *lines)), default=None)
    return Trace(
        tuple(dict.fromkeys(str(each["type"]) for each in about)),
        tuple(dict.fromkeys(f"{each['action']}: {each['result']}" for each in lines)),
        None if first is None else max(0.0, first - scene.began),
        scene.noticed_by,
    )


def _timeline(service: Service, decision: str) -> list[Json]:
    found = service.backend("GET", f"/v1/decisions/{decision}/evidence").json
    links = [link for part in found.get("timeline", ()) for link in part["links"]]
    bodies = [link["body"] for link in links if link["body"] is not None]
    return [json.loads(body) for body in bodies]


def end_of_feed(service: Service) -> int:
    """The number of the last event, so that what comes behind it is ours."""
    after = 0
    for _ in range(MOST_PAGES):
        page = service.backend("GET", f"/v1/events?after={after}&limit={PAGE}").json
        if not page.get("events"):
            break
        after = int(page["next"])
    return after


def _feed(service: Service, after: int) -> Iterator[Json]:
    for _ in range(MOST_PAGES):
        page = service.backend("GET", f"/v1/events?after={after}&limit={PAGE}").json
        yield from page.get("events", ())
        if not page.get("events"):
            return
        after = int(page["next"])


def _at(each: Json) -> float:
    return datetime.fromisoformat(str(each["at"])).timestamp()
