"""One glance: what the window came to, beside the window before it, and what needs somebody. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from authsvc.operators.counting import CHALLENGE, DECISION, FACTOR, LOCKED, OPERATOR, SECONDS, TIME
from authsvc.operators.figures import ScoreShift, Series
from authsvc.policy.life import WEAKENS, State, Version
from authsvc.web.console.wording import N_

ENDS = ("authenticated", "failed", "declined_by_user", "expired")
ENOUGH = 10
"""Below so many nothing is called a rise."""

RISES = 2.0

ALERTS = {
    "outage": N_("Something that the service needs does not answer:"),
    "locked": N_("Attempts while locked out have more than doubled"),
    "attacks": N_("Liveness rejects have more than doubled"),
    "passing": N_("Fewer challenges are passed than before"),
    "drift": N_("Scores have moved: look into the model or the cameras"),
    "waiting": N_("Somebody waits for a second operator"),
    "weaker": N_("A policy that asks less than the active one waits to be approved or activated"),
}
WAITING_STATES = (State.ANALYZED, State.SHADOWING, State.APPROVED)


@dataclass(frozen=True, slots=True)
class Figure:
    """A number now and in the window before; None where nothing was counted."""

    now: float | None
    before: float | None


@dataclass(frozen=True, slots=True)
class Glance:
    decisions: Figure
    passed: Figure
    median: Figure
    slowest: Figure
    locked: Figure
    attacks: Figure
    refused: Figure
    alerts: tuple[str, ...]


def glance(
    now: Series,
    before: Series,
    shifts: Sequence[ScoreShift],
    waiting: int,
    weaker: Sequence[Version] = (),
    silent: Sequence[str] = (),
) -> Glance:
    passed = Figure(_passed(now), _passed(before))
    alerts = {
        "outage": bool(silent),
        "locked": _rises(sum(now.of(LOCKED)), sum(before.of(LOCKED))),
        "attacks": _rises(_attacks(now), _attacks(before)),
        "passing": passed.now is not None and passed.before is not None and passed.now < 0.8 * passed.before,
        "drift": any(each.drift().verdict == "alarm" for each in shifts),
        "waiting": waiting > 0,
        "weaker": bool(weaker),
    }
    return Glance(
        decisions=Figure(sum(now.of(DECISION)), sum(before.of(DECISION))),
        passed=passed,
        median=Figure(_quantile(now, 0.5), _quantile(before, 0.5)),
        slowest=Figure(_quantile(now, 0.95), _quantile(before, 0.95)),
        locked=Figure(sum(now.of(LOCKED)), sum(before.of(LOCKED))),
        attacks=Figure(_attacks(now), _attacks(before)),
        refused=Figure(sum(now.of(OPERATOR)), sum(before.of(OPERATOR))),
        alerts=tuple(name for name, is_on in alerts.items() if is_on),
    )


def weaker_waiting(versions: Iterable[Version], active_digest: str) -> list[Version]:
    """Versions that may become the active policy's next, and ask somebody less than it; what is void is no alert."""
    return [
        each
        for each in versions
        if each.state in WAITING_STATES
        and each.examined is not None
        and each.examined.against == active_digest
        and WEAKENS in each.examined.errors
    ]


def _passed(series: Series) -> float | None:
    counts = series.totals(CHALLENGE)
    ended = sum(counts.get(name, 0) for name in ENDS)
    return counts.get("authenticated", 0) / ended if ended else None


def _attacks(series: Series) -> int:
    counts = series.totals(FACTOR)
    return sum(count for name, count in counts.items() if name.endswith((":attack", ":undecided")))


def _rises(now: int, before: int) -> bool:
    return now >= ENOUGH and now > RISES * before


def _quantile(series: Series, share: float) -> float | None:
    """The bound within which this share was through, as far as the steps tell it."""
    counts = {int(name): count for name, count in series.totals(TIME).items()}
    total, seen = sum(counts.values()), 0
    for bound in SECONDS if total else ():
        seen += counts.get(bound, 0)
        if seen >= share * total:
            return bound
    return None
