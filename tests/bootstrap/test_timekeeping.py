"""A clock that jumped is said once, counted, and stands in readiness until it is right again."""

import logging
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from authsvc.bootstrap.opening import Uncounted
from authsvc.bootstrap.timekeeping import ClockWatch
from authsvc.clock import FrozenClock
from tests.test_clock import NOON, Hands


class Counting(Uncounted):
    def __init__(self) -> None:
        self.jumps: list[str] = []

    def clock_jumped(self, direction: str) -> None:
        self.jumps.append(direction)


class Said:
    """A ledger that says when it is and when it signed last."""

    def __init__(self, database: datetime, signed: datetime | None) -> None:
        self.readiness = self.audit = self
        self.clock, self.last_signed_at = lambda: database, lambda: signed

    def read(self, query: Any) -> Any:
        return query(self)


@pytest.mark.parametrize(("step", "direction"), [(3600, "forward"), (-3600, "backward")])
def test_a_jump_is_said_once(caplog: pytest.LogCaptureFixture, step: float, direction: str) -> None:
    hands, tally = Hands(NOON.timestamp()), Counting()
    watch = ClockWatch(hands.clock(), Said(NOON, NOON), tally, has_database_clock=True)  # type: ignore[arg-type]
    watch.look()
    assert [*watch.warnings(), *tally.jumps] == []
    hands.wall += step
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            hands.pass_(1)
            watch.look()
        assert list(watch.warnings()) == ["clock-jumped"]
        assert [each.value for each in watch.gauges()] == [step]
        hands.wall -= step
        watch.look()
    assert tally.jumps == [direction]
    assert [f"jumped {direction} by 3600" in each for each in caplog.messages] == [True, False]
    assert list(watch.warnings()) == []


HOUR = timedelta(hours=1)


@pytest.mark.parametrize(
    ("database", "signed", "warnings"),
    [
        (NOON, NOON, []),
        (NOON + timedelta(seconds=4), None, []),
        (NOON + HOUR, NOON, ["clock-unlike-database"]),
        (NOON - HOUR, NOON, ["clock-unlike-database"]),
        (NOON, NOON + HOUR, ["clock-behind-audit"]),
        (NOON, NOON - HOUR, []),
    ],
)
def test_clocks_are_compared(database: datetime, signed: datetime | None, warnings: list[str]) -> None:
    """Who started with a wrong clock sees no jump."""
    watch = ClockWatch(
        FrozenClock(NOON.astimezone(UTC)),
        Said(database, signed),  # type: ignore[arg-type]
        Uncounted(),
        has_database_clock=True,
    )
    watch.look()
    watch.compare()
    assert list(watch.warnings()) == warnings
