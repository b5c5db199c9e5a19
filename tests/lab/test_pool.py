"""Work over processes: in order, once each, and a death is told rather than waited for."""

import os
from collections.abc import Callable

import pytest

from authsvc.errors import InvalidRequest, Unavailable
from authsvc.lab.pool import mapped, processors


def squares() -> Callable[[int], tuple[int, int]]:
    return _square


def _square(number: int) -> tuple[int, int]:
    return number * number, os.getpid()


def dying() -> Callable[[int], int]:
    return _die


def _die(number: int) -> int:
    os._exit(3)


def refusing() -> Callable[[int], int]:
    return _refuse


def _refuse(number: int) -> int:
    raise InvalidRequest(f"not {number}")


def test_results_come_in_order_from_several_processes():
    found = mapped(squares, range(40), processes=2, what="numbers", chunk=4)
    assert [square for square, _ in found] == [number * number for number in range(40)]
    assert os.getpid() not in {process for _, process in found}


def test_little_work_stays_in_this_process():
    assert mapped(squares, range(3), processes=8, what="numbers")[2] == (4, os.getpid())
    assert mapped(squares, [], processes=8, what="numbers") == []


def test_a_process_that_dies_is_an_answer():
    with pytest.raises(Unavailable, match="a process ended while it read numbers"):
        mapped(dying, range(20), processes=2, what="numbers", chunk=4)


def test_what_the_work_refuses_is_refused():
    with pytest.raises(InvalidRequest, match="not 0"):
        mapped(refusing, range(20), processes=2, what="numbers", chunk=4)


def test_there_is_a_processor():
    assert processors() >= 1
