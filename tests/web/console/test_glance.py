"""One glance at two windows: shares, times, and what needs somebody."""

from datetime import UTC, datetime

import pytest

from authsvc.operators.figures import WINDOWS, Series
from authsvc.policy.life import State
from authsvc.web.console.glance import Figure, glance, weaker_waiting
from tests.support.policies import WEAKER
from tests.web.console.policies.test_steps import version

START = (datetime(2026, 11, 27, tzinfo=UTC),)


def series(**counts: int) -> Series:
    return Series(WINDOWS["day"], START, {name.replace("__", ":"): [count] for name, count in counts.items()})


def test_shares_and_times_stand_beside_those_of_before():
    now = series(
        challenge__authenticated=9,
        challenge__expired=1,
        time__4=6,
        time__10=3,
        time__300=1,
        decision__approved__none=5,
    )
    seen = glance(now, series(challenge__authenticated=1, time__2=1), (), 0)
    assert (seen.passed, seen.median, seen.slowest) == (Figure(0.9, 1.0), Figure(4, 2), Figure(300, 2))
    assert (seen.decisions, seen.alerts) == (Figure(5, 0), ())


def test_of_nothing_nothing_is_said():
    seen = glance(series(), series(), (), 0)
    assert (seen.passed, seen.median, seen.alerts) == (Figure(None, None), Figure(None, None), ())


@pytest.mark.parametrize(
    ("now", "before", "waiting", "alerts"),
    [
        ({"locked__refused": 10}, {"locked__refused": 4}, 0, ("locked",)),
        ({"locked__refused": 9}, {}, 0, ()),
        ({"locked__refused": 10}, {"locked__refused": 5}, 0, ()),
        ({"factor__face__attack": 12}, {"factor__face__passed": 90}, 0, ("attacks",)),
        (
            {"challenge__authenticated": 7, "challenge__failed": 3},
            {"challenge__authenticated": 9},
            0,
            ("passing",),
        ),
        ({}, {}, 1, ("waiting",)),
    ],
)
def test_what_needs_somebody_is_named(
    now: dict[str, int], before: dict[str, int], waiting: int, alerts: tuple[str, ...]
):
    assert glance(series(**now), series(**before), (), waiting).alerts == alerts


def test_what_does_not_answer_comes_first():
    seen = glance(series(), series(), (), 1, silent=("face",))
    assert seen.alerts == ("outage", "waiting")


@pytest.mark.parametrize(
    ("state", "against", "errors", "alarms"),
    [
        (State.ANALYZED, "sha256:1", (WEAKER,), True),
        (State.SHADOWING, "sha256:1", (WEAKER,), True),
        (State.APPROVED, "sha256:1", (WEAKER,), True),
        (State.ACTIVE, "sha256:1", (WEAKER,), False),
        (State.APPROVED, "sha256:0", (WEAKER,), False),
        (State.APPROVED, "sha256:1", ("gap",), False),
    ],
)
def test_a_weaker_policy_that_waits_needs_somebody(
    state: State, against: str, errors: tuple[str, ...], alarms: bool
):
    waiting = weaker_waiting([version(state, "op_ann", against, *errors)], "sha256:1")
    assert ("weaker" in glance(series(), series(), (), 0, waiting).alerts) == alarms
