"""Group commit: what is answered is durable, what fails fails alone."""

import contextlib
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from authsvc.errors import NotFound, Unavailable
from authsvc.http import TRACE, Trace, traced
from authsvc.storage.database import Conflict, Connection
from authsvc.storage.ledger import Ledger
from authsvc.storage.sqlite import SqliteDatabase

ADD = "INSERT INTO notes (text) VALUES (:text)"
ALL = "SELECT text FROM notes ORDER BY text"


class Board:
    """A ledger over one table, and how its batches went."""

    def __init__(self, path: Path) -> None:
        self.path = path
        with contextlib.closing(sqlite3.connect(path)) as raw:
            raw.execute("CREATE TABLE notes (text TEXT PRIMARY KEY)")
        self.commits = 0
        self.ledger: Ledger[Connection] = Ledger(
            SqliteDatabase(path, 60.0),
            lambda connection: connection,
            connected=lambda connection: None,
            seal=lambda tx, connection: None,
            committed=self._count,
            patience=60.0,
        )

    def _count(self, tx: Connection) -> None:
        self.commits += 1

    def add(self, text: str) -> int:
        return self.ledger.transact(lambda tx: tx.run(ADD, {"text": text}))

    def all(self) -> list[str]:
        return self.ledger.read(lambda tx: [row[0] for row in tx.all(ALL, {})])


@pytest.fixture
def board(tmp_path: Path) -> Iterator[Board]:
    made = Board(tmp_path / "notes.db")
    yield made
    made.ledger.close()


def test_a_unit_belongs_to_the_request_that_waits_for_it(board: Board):
    seen: list[Trace | None] = []
    for trace in (Trace("req_1", "a" * 32), None, Trace("req_2", "b" * 32)):
        with traced(trace):
            board.ledger.transact(lambda tx: seen.append(TRACE.get()))
    assert seen == [Trace("req_1", "a" * 32), None, Trace("req_2", "b" * 32)]


def hold_up(board: Board) -> threading.Event:
    """Keep the writer busy until the event is set, so that a batch forms behind it."""
    go, begun = threading.Event(), threading.Event()

    def wait(tx: Connection) -> None:
        begun.set()
        go.wait(60)

    def run() -> None:
        with contextlib.suppress(Unavailable):
            board.ledger.transact(wait)

    threading.Thread(target=run).start()
    begun.wait()
    return go


def await_queued(board: Board, count: int) -> None:
    """Return when so many units wait for the writer."""
    deadline = time.monotonic() + 60
    while board.ledger._jobs.qsize() < count:
        assert time.monotonic() < deadline
        time.sleep(0.005)


def together(board: Board, units: Sequence[Callable[..., object]]) -> list[object]:
    """Run units in one batch; answers what each returned or raised."""
    answers: list[object] = [None] * len(units)

    def run(number: int, unit) -> None:
        try:
            answers[number] = board.ledger.transact(unit)
        except NotFound as error:
            answers[number] = error

    go = hold_up(board)
    threads = [threading.Thread(target=run, args=pair) for pair in enumerate(units)]
    for thread in threads:
        thread.start()
    await_queued(board, len(threads))
    go.set()
    for thread in threads:
        thread.join()
    return answers


def test_many_requests_share_one_commit(board: Board):
    units = [lambda tx, n=n: tx.run(ADD, {"text": f"{n:02}"}) for n in range(20)]
    assert together(board, units) == [1] * 20
    assert board.commits == 2
    assert len(board.all()) == 20


def test_a_unit_that_fails_fails_alone(board: Board):
    def refuse(tx: Connection) -> None:
        tx.run(ADD, {"text": "half-done"})
        raise NotFound("no")

    answers = together(
        board, [lambda tx: tx.run(ADD, {"text": "a"}), refuse, lambda tx: tx.run(ADD, {"text": "b"})]
    )
    assert (answers[0], answers[2]) == (1, 1)
    assert isinstance(answers[1], NotFound)
    assert board.all() == ["a", "b"]


def test_a_conflict_is_tried_again_and_then_given_up(board: Board):
    tries = []

    def sometimes(tx: Connection) -> str:
        tries.append(1)
        if len(tries) < 4:
            raise Conflict("somebody was faster")
        return "done"

    def never(tx: Connection) -> None:
        raise Conflict("always")

    assert board.ledger.transact(sometimes) == "done"
    with pytest.raises(Unavailable):
        board.ledger.transact(never)
    assert board.add("after") == 1


def test_whoever_has_given_up_is_not_served_behind_their_back(tmp_path: Path):
    board = Board(tmp_path / "notes.db")
    board.ledger._patience = 0.2
    go = hold_up(board)
    with pytest.raises(Unavailable):
        board.add("too late")
    go.set()
    board.ledger._patience = 60.0
    board.add("in time")
    assert board.all() == ["in time"]
    board.ledger.close()


def test_what_is_queued_at_the_end_is_finished(board: Board):
    answers: list[object] = []
    go = hold_up(board)
    threads = [threading.Thread(target=lambda n=n: answers.append(board.add(f"{n}"))) for n in range(3)]
    for thread in threads:
        thread.start()
    await_queued(board, len(threads))
    closing = threading.Thread(target=board.ledger.close)
    closing.start()
    go.set()
    for thread in [*threads, closing]:
        thread.join()
    assert answers == [1, 1, 1]
