"""Chores: each at its ticks, and one that fails does not end the others."""

import logging
from datetime import timedelta

import pytest

from authsvc.bootstrap import running
from authsvc.bootstrap.running import Chore, Punctuality, attempt
from authsvc.errors import Unavailable


def ticks(chore: Chore, until: int = 10) -> list[int]:
    return [tick for tick in range(1, until + 1) if chore.is_due(tick)]


def test_a_chore_is_due_every_so_often() -> None:
    assert ticks(Chore("a", timedelta(seconds=3), int)) == [3, 6, 9]
    assert ticks(Chore("a", timedelta(seconds=5), int, at_once=True)) == [1, 5, 10]
    assert ticks(Chore("a", timedelta(milliseconds=1), int), 3) == [1, 2, 3]


def test_a_chore_that_fails_is_said_and_gone_on_from(caplog: pytest.LogCaptureFixture) -> None:
    def fail() -> None:
        raise Unavailable("the store is slow")

    with caplog.at_level(logging.WARNING):
        attempt("sweeping", fail)
    assert caplog.messages == ["sweeping failed: the store is slow"]


def test_a_programming_error_is_not_passed_over() -> None:
    with pytest.raises(ZeroDivisionError):
        attempt("sweeping", lambda: 1 / 0)


class Stopwatch:
    """Stands where the module's `time` does."""

    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        return self.now


def test_a_chore_that_does_not_end_well_is_late(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where it sticks: nothing comes back from it, and only the time since then tells."""
    monkeypatch.setattr(running, "time", watch := Stopwatch())
    punctuality = Punctuality()
    chores = [Chore("quick", timedelta(seconds=10), int), Chore("slow", timedelta(hours=1), int)]
    punctuality.expect(chores)
    watch.now = 89
    assert punctuality.late() == ()
    watch.now = 91
    assert punctuality.late() == ("quick",)
    assert punctuality.ages() == {"quick": 91, "slow": 91}
    punctuality.done("quick")
    assert punctuality.late() == ()
