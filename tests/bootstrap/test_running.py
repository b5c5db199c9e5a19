"""Chores: each at its ticks, and one that fails does not end the others."""

import logging
from datetime import timedelta

import pytest

from authsvc.bootstrap.running import Chore, attempt
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
