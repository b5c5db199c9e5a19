"""Nobody starves: jobs wait fairly, a crowd makes room, and what an account computes is counted."""

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from threading import Event, Semaphore

import pytest

from authsvc.errors import RateLimited, Unavailable
from authsvc.subject import Subject, worked_for, working_for
from authsvc.workers.client import WorkerClient
from authsvc.workers.fair_queue import (
    BUDGET_S,
    HALF_LIFE_S,
    MOST_OF_AN_ACCOUNT,
    PRESENT_S,
    FairQueue,
    Full,
    Ledger,
)
from authsvc.workers.messages import Job, outcome
from authsvc.workers.server import _Front
from tests.support.slowness import slowness
from tests.workers.support import SOON, running_worker, sleep_job

ANN, BOB, EVE = ("shop", "ann"), ("shop", "bob"), ("other", "eve")


class Seconds:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def queue_of(most: int = 8) -> FairQueue[str]:
    return FairQueue(most, Ledger(Seconds()))


def order(queue: FairQueue[str], cost: float = 1.0) -> list[str]:
    """Everything that waits, as it is taken, each job costing so much."""

    async def take() -> list[str]:
        taken = []
        while len(queue):
            whom, item = await queue.get()
            queue.ledger.add(whom, cost)
            taken.append(item)
        return taken

    return asyncio.run(take())


def test_one_account_in_a_crowd_of_its_own_delays_another_by_one_job() -> None:
    queue = queue_of()
    for whom, item in ((ANN, "a1"), (ANN, "a2"), (BOB, "b1")):
        queue.put(whom, item)
    assert order(queue) == ["a1", "b1", "a2"]


def test_a_backend_of_many_accounts_has_no_more_than_one_of_few() -> None:
    queue = queue_of(32)
    for number in range(10):
        queue.put(("busy", f"u{number}"), f"busy {number}")
    queue.put(EVE, "eve")
    queue.put(("other", "eva"), "eva")
    assert order(queue)[:4] in (["busy 0", "eve", "busy 1", "eva"], ["eve", "busy 0", "eva", "busy 1"])


def test_whoever_has_computed_less_comes_first() -> None:
    queue = queue_of()
    queue.ledger.add(ANN, 20.0)
    queue.put(ANN, "a")
    queue.put(BOB, "b")
    assert order(queue) == ["b", "a"]


def test_an_account_has_few_jobs_waiting() -> None:
    queue = queue_of()
    for number in range(MOST_OF_AN_ACCOUNT):
        queue.put(ANN, f"a{number}")
    with pytest.raises(Full):
        queue.put(ANN, "one more")
    queue.put(BOB, "b")


def test_a_full_queue_makes_room_for_whoever_has_fewer_in_it() -> None:
    queue = queue_of(4)
    for number in range(4):
        queue.put(("shop", f"u{number}"), f"u{number}")
    assert queue.put(EVE, "eve") == "u3"
    assert queue.put(("other", "eva"), "eva") == "u2"
    with pytest.raises(Full):
        queue.put(("shop", "u9"), "u9")
    with pytest.raises(Full):
        queue.put(("other", "evi"), "evi")
    assert sorted(order(queue)) == ["eva", "eve", "u0", "u1"]


def test_what_is_nobodys_in_particular_waits_like_one_backend_more() -> None:
    queue = queue_of(4)
    for number in range(4):
        queue.put(("", ""), f"n{number}")
    with pytest.raises(Full):
        queue.put(("", ""), "n4")
    assert queue.put(ANN, "a") == "n3"


def test_what_was_computed_is_forgotten_by_halves() -> None:
    seconds = Seconds()
    ledger = Ledger(seconds)
    ledger.add(ANN, 8.0)
    seconds.now = HALF_LIFE_S
    assert ledger.of(ANN) == pytest.approx(4.0)
    assert ledger.of(("shop", "")) == pytest.approx(4.0)
    ledger.add(ANN, 1.0)
    assert ledger.of(ANN) == pytest.approx(5.0)
    assert ledger.of(BOB) == 0.0


def test_an_account_beyond_its_budget_pauses_and_its_backend_does_not() -> None:
    seconds = Seconds()
    ledger = Ledger(seconds)
    ledger.add(ANN, 2 * BUDGET_S)
    assert ledger.pause(ANN) == HALF_LIFE_S
    assert ledger.pause(BOB) == 0
    assert ledger.pause(("shop", "")) == 0
    seconds.now = HALF_LIFE_S
    assert ledger.pause(ANN) == 0


def test_what_is_remembered_has_a_bound() -> None:
    seconds = Seconds()
    ledger = Ledger(seconds)
    for number in range(30_000):
        seconds.now += 1.0
        ledger.add(("shop", f"u{number}"), 1.5)
    assert len(ledger._spent) <= 10_002


def as_account(user: str, call: Callable[[], object]) -> object:
    with working_for(Subject("shop", user)):
        return call()


def test_the_bill_is_the_accounts_whose_block_it_is() -> None:
    assert worked_for() is None
    assert as_account("ann", worked_for) == Subject("shop", "ann")
    assert worked_for() is None


def test_one_backend_has_no_more_runners_than_its_share_while_another_is_there() -> None:
    seconds = Seconds()
    queue: FairQueue[str] = FairQueue(8, Ledger(seconds), at_once=1, clock=seconds)

    async def played() -> list[str]:
        taken = []
        for item in ("a1", "a2"):
            queue.put((ANN[0], item), item)
            taken.append((await queue.get())[1])
        queue.put(EVE, "e1")
        taken.append((await queue.get())[1])
        queue.put(ANN, "a3")
        waits = asyncio.create_task(queue.get())
        queue.done(ANN)
        await asyncio.sleep(0)
        assert not waits.done(), "one of its jobs runs, and another backend is there"
        queue.done(ANN)
        return [*taken, (await waits)[1]]

    # Alone, a backend has every runner.
    assert asyncio.run(played()) == ["a1", "a2", "e1", "a3"]


def test_a_share_ends_with_the_presence_of_the_other() -> None:
    seconds = Seconds()
    queue: FairQueue[str] = FairQueue(8, Ledger(seconds), at_once=1, clock=seconds)

    async def played() -> str:
        queue.put(EVE, "e1")
        await queue.get()
        queue.done(EVE)
        for item in ("a1", "a2"):
            queue.put((ANN[0], item), item)
        await queue.get()
        seconds.now = PRESENT_S + 1
        return (await queue.get())[1]

    assert asyncio.run(played()) == "a2"


@pytest.mark.parametrize(("jobs", "stated", "at_once"), [(1, 0, 1), (2, 0, 1), (4, 0, 3), (4, 2, 2)])
def test_all_runners_but_one_are_a_backend_s_unless_it_is_said_how_many(
    jobs: int, stated: int, at_once: int
) -> None:
    assert _Front({}, {}, queue=8, jobs=jobs, client_jobs=stated)._queue.at_once == at_once


def test_an_account_that_floods_the_worker_leaves_the_others_their_turn(
    socket_path: Path, tmp_path: Path
) -> None:
    """Ten callers repeat jobs of one account without a pause; another account's answers come within two jobs' time."""
    job, refused, enough = 0.3, Semaphore(0), Event()

    def flood(number: int) -> None:
        while not enough.is_set():
            try:
                as_account("flood", lambda: client.call("sleep", sleep_job(tmp_path, f"f{number}", job)))
            except Unavailable:
                refused.release()
                time.sleep(0.01)

    def waits() -> float:
        began = time.monotonic()
        as_account("ann", lambda: client.call("sleep", sleep_job(tmp_path, "a", 0.0)))
        return time.monotonic() - began

    with (
        running_worker(socket_path, queue=8) as _,
        closing(WorkerClient(socket_path, SOON, connections=16)) as client,
        ThreadPoolExecutor(10) as threads,
    ):
        flooding = [threads.submit(flood, number) for number in range(10)]
        try:
            was_refused = [refused.acquire(timeout=60) for _ in range(10)]
            waited = [waits() for _ in range(4)]
        finally:
            enough.set()
        for each in flooding:
            each.result()
    assert all(was_refused)
    assert max(waited) < 3 * job * slowness()


def test_an_account_that_has_computed_for_minutes_is_told_to_pause() -> None:
    front = _Front({"echo": lambda header, blobs: (header, blobs)}, {}, queue=8, jobs=0)
    front._queue.ledger.add(ANN, 4 * BUDGET_S)
    answer = asyncio.run(front._answer(Job("echo", time.monotonic() + 1, {}, (), *ANN)))
    with pytest.raises(RateLimited) as refused:
        outcome(answer)
    assert refused.value.extra["retry_after"] == pytest.approx(2 * HALF_LIFE_S, abs=2)
