"""Connections that are lent to one reader at a time: replaced when they are stale or failed, and never waited for long."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import Any

import pytest

from authsvc.errors import Unavailable
from authsvc.storage.database import Readers, pyformat


class Line:
    """A connection that only knows whether it is good."""

    def __init__(self) -> None:
        self.stale = self.closed = False

    def is_stale(self) -> bool:
        return self.stale

    def close(self) -> None:
        self.closed = True


class Exchange:
    dialect = "sqlite"

    def __init__(self) -> None:
        self.lines: list[Line] = []
        self.is_down = False

    def connect(self) -> Any:
        if self.is_down:
            raise Unavailable("no line")
        self.lines.append(Line())
        return self.lines[-1]

    @contextmanager
    def turn(self) -> Any:
        yield


@pytest.fixture
def exchange() -> Exchange:
    return Exchange()


def test_a_connection_is_lent_again(exchange: Exchange) -> None:
    readers = Readers(exchange, 2, 5)
    for _ in range(3):
        with readers.lend():
            pass
    assert len(exchange.lines) == 1


def test_a_stale_one_is_closed_and_replaced(exchange: Exchange) -> None:
    readers = Readers(exchange, 1, 5)
    with readers.lend():
        exchange.lines[0].stale = True
    with readers.lend() as second:
        assert id(second) == id(exchange.lines[1])
    assert exchange.lines[0].closed


def test_one_that_failed_is_closed_reported_and_not_lent_again(exchange: Exchange) -> None:
    failures: list[int] = []
    readers = Readers(exchange, 1, 5, failed=lambda: failures.append(1))
    with pytest.raises(Unavailable), readers.lend():
        raise Unavailable("it hung")
    assert exchange.lines[0].closed
    assert failures == [1]


def test_an_error_of_the_reader_costs_no_connection(exchange: Exchange) -> None:
    readers = Readers(exchange, 1, 5)
    with pytest.raises(KeyError), readers.lend():
        raise KeyError
    with readers.lend() as again:
        assert id(again) == id(exchange.lines[0])


def test_a_place_is_free_again_after_a_connection_that_could_not_be_made(exchange: Exchange) -> None:
    readers = Readers(exchange, 1, 0.04)
    exchange.is_down = True
    for _ in range(3):
        with pytest.raises(Unavailable, match=r"no line|does not answer"), readers.lend():
            pass
    assert exchange.lines == []


def test_whoever_finds_none_free_is_refused_and_does_not_wait_for_ever(exchange: Exchange) -> None:
    readers, held, over = Readers(exchange, 1, 0.04), threading.Event(), threading.Event()

    def hold() -> None:
        with readers.lend():
            held.set()
            over.wait(60)

    other = threading.Thread(target=hold)
    other.start()
    held.wait(60)
    try:
        with pytest.raises(Unavailable, match="no database connection became free"), readers.lend():
            pass
    finally:
        over.set()
        other.join()


def test_closing_closes_what_is_idle(exchange: Exchange) -> None:
    readers = Readers(exchange, 2, 5)
    with readers.lend(), readers.lend():
        pass
    readers.close()
    assert [line.closed for line in exchange.lines] == [True, True]


@pytest.mark.parametrize(
    ("written", "as_psycopg"),
    [
        ("SELECT :a, :b_c", "SELECT %(a)s, %(b_c)s"),
        ("SELECT :after_0, :after_10", "SELECT %(after_0)s, %(after_10)s"),
        ("SELECT x::text, :a::bytea", "SELECT x::text, %(a)s::bytea"),
        ("SELECT 'rows:of'", "SELECT 'rows:of'"),
    ],
)
def test_parameters_as_psycopg_writes_them(written: str, as_psycopg: str) -> None:
    assert pyformat(written) == as_psycopg
