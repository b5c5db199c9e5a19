"""The first page: what is happening, for everybody who is signed in; and what their own session is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import Response, request

from authsvc.domain.operator import Act
from authsvc.operators.counting import CHALLENGE, DECISION, FACTOR, LOCKED, OPERATOR, WARNING
from authsvc.operators.figures import WINDOWS, Series
from authsvc.policy.life import Version
from authsvc.web.console import sifting, wording
from authsvc.web.console.doors import Pages, console, operator, requires, session, silent
from authsvc.web.console.glance import ALERTS, glance, weaker_waiting
from authsvc.web.console.rendering import page
from authsvc.web.console.wording import named

pages = Pages("overview")

LEVELS = ("none", "otp", "face", "face_fingerprint", "deny")
FACTORS = ("otp", "device_uv", "device_key", "face", "voice")
WARNED = ("shown", "acknowledged", "stopped", "left")
OUTCOMES = ("passed", "failed", "attack", "undecided")


@dataclass(frozen=True, slots=True)
class Judged:
    """One factor's judgements within the window."""

    factor: str
    counts: tuple[int, ...]

    @property
    def total(self) -> int:
        return sum(self.counts)


@pages.get("/")
@requires(Act.READ_OVERVIEW)
def show() -> Response:
    window = WINDOWS.get(request.args.get("window", ""), WINDOWS["day"])
    series = console().figures.within(window)
    decided = _by_status(series)
    shifts = console().figures.shifts()
    waiting = console().cases.waiting() if operator().may(Act.UNFREEZE_USER) else ()
    policies = console().policies
    weaker = weaker_waiting(policies.versions(operator()), policies.active(operator()).publication.digest)
    unheard = silent()
    return page(
        "console/overview.html",
        windows=WINDOWS,
        window=window,
        moments=[_short(at + sifting.east(), window.name) for at in series.starts],
        levels=_by_level(series),
        statuses=decided,
        total=sum(count for _, _, count in decided),
        challenges=_ended(series),
        judged=_judged(series),
        warned=_warned(series),
        locked=series.of(LOCKED),
        attacks=_attacks(series),
        refused=series.of(OPERATOR),
        shifts=shifts.scores,
        unlike=shifts.signals,
        glance=glance(
            series,
            console().figures.within(window, before=True),
            shifts.scores,
            len(waiting),
            weaker,
            unheard,
        ),
        unheard=unheard,
        zone=sifting.zone(),
        alerting=_alerting(weaker, window.name),
        alerts=ALERTS,
        lists=_lists(window.name),
        waiting=waiting,
    )


@pages.get("/session")
@requires()
def mine() -> Response:
    """This session: since when, until when, and a secret for a program."""
    return page("console/session.html", session_of_mine=session(), bearer="")


@pages.post("/session/bearer")
@requires()
def open_bearer() -> Response:
    """A bearer for the operators' HTTP API, shown this once."""
    return page(
        "console/session.html", session_of_mine=session(), bearer=console().sessions.open_bearer(session())
    )


_DAYS = {"hour": "today", "day": "today", "week": "week", "month": "month"}


def _lists(window: str) -> dict[str, Any]:  # Any: an address, or one for each bar.
    """Where each chart leads: the list of what it counts, of the days that hold the window."""
    path, events = f"/console/decisions?days={_DAYS[window]}", f"/console/rolls/events?days={_DAYS[window]}"
    return {
        "decisions": path,
        "refused": "/console/audit?action=operator.act",
        "locked": f"{events}&state=subject:locked",
        "attacks": f"{events}&state=attack:suspected",
        "levels": {named(wording.LEVELS, name): f"{path}&level={name}" for name in LEVELS},
        "statuses": {
            named(wording.STATUSES, name): f"{path}&status={name}"
            for name in wording.STATUSES
            if name != "refused"
        },
    }


def _alerting(weaker: Sequence[Version], window: str) -> dict[str, str]:
    """Where an alert leads, where there is a page for it."""
    lists = _lists(window)
    return {
        "locked": lists["locked"],
        "attacks": lists["attacks"],
        "passing": f"/console/decisions?days={_DAYS[window]}&status=failed",
        "waiting": "/console/cases",
        **({"weaker": f"/console/policies/{weaker[0].id}"} if weaker else {}),
    }


def _by_level(series: Series) -> list[tuple[str, int, list[int]]]:
    """Decisions by level over time, with a colour each."""
    sums: dict[str, list[int]] = {level: [0] * len(series.starts) for level in LEVELS}
    for name, numbers in series.numbers.items():
        kind, _, rest = name.partition(":")
        level = rest.rpartition(":")[2]
        if kind == DECISION and level in sums:
            sums[level] = [a + b for a, b in zip(sums[level], numbers, strict=True)]
    return [(named(wording.LEVELS, level), mark, sums[level]) for mark, level in enumerate(LEVELS, 1)]


def _by_status(series: Series) -> list[tuple[str, int, int]]:
    """Decisions by what was answered first."""
    counts: dict[str, int] = {}
    for rest, count in series.totals(DECISION).items():
        status = rest.partition(":")[0]
        counts[status] = counts.get(status, 0) + count
    return _bars(counts)


def _ended(series: Series) -> list[tuple[str, int, int]]:
    """How challenges ended, and the tries on the way."""
    return _bars(series.totals(CHALLENGE))


def _bars(counts: dict[str, int]) -> list[tuple[str, int, int]]:
    """Names in words with a colour and a number, the most frequent first."""
    marks = {"good": 3, "wait": 6, "stop": 5}
    ordered = sorted(counts.items(), key=lambda each: -each[1])
    return [(named(wording.STATUSES, name), marks[wording.tone(name)], count) for name, count in ordered]


def _judged(series: Series) -> list[Judged]:
    return [
        Judged(factor, tuple(sum(series.of(FACTOR, factor, outcome)) for outcome in OUTCOMES))
        for factor in FACTORS
        if any(series.of(FACTOR, factor))
    ]


def _warned(series: Series) -> list[tuple[str, tuple[int, ...]]]:
    """By kind of warning how often it was shown, and what became of the payment: gone on, stopped by an answer, left."""
    counts = {kind: tuple(sum(series.of(WARNING, kind, end)) for end in WARNED) for kind in wording.SCAMS}
    return [(kind, each) for kind, each in counts.items() if any(each)]


def _attacks(series: Series) -> list[int]:
    """Liveness rejects of every biometric factor, column by column."""
    columns = (
        series.of(FACTOR, factor, outcome) for factor in FACTORS for outcome in ("attack", "undecided")
    )
    return [sum(column) for column in zip(*columns, strict=True)]


def _short(at: datetime, window: str) -> str:
    """A column's beginning by the operator's clock, as far as it tells one from the others."""
    return (
        f"{at:%H:%M}"
        if window in ("hour", "day")
        else f"{at:%m-%d %H:%M}"
        if window == "week"
        else f"{at:%m-%d}"
    )
