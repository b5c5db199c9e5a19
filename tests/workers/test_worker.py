"""The web asks, a worker answers: alone, in a crowd, too much, too late."""

import os
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import closing
from datetime import timedelta
from itertools import islice
from pathlib import Path

import pytest

from authsvc.errors import Locked, PayloadTooLarge, Unavailable
from authsvc.http import Trace
from authsvc.serving.logs import JsonLines
from authsvc.workers import runner
from authsvc.workers.client import WorkerClient
from authsvc.workers.messages import Job, outcome
from authsvc.workers.protocol import TOTAL_BYTES, encode, receive, send
from tests.support.slowness import slowness
from tests.workers.support import ABOUT, HANDLERS, SLACK, SOON, Worker, running_worker, sleep_job, wait_for


def test_a_job_is_answered_with_header_and_blobs(client: WorkerClient):
    blobs = (b"\xff\xd8 jpeg", b"", bytes(3_000_000))
    assert client.call("echo", {"名": "值", "n": [1, 2.5, None]}, blobs) == (
        {"名": "值", "n": [1, 2.5, None]},
        blobs,
    )


def test_sixteen_threads_each_get_their_own_answer(socket_path: Path):
    with (
        running_worker(socket_path, queue=64, jobs=2),
        closing(WorkerClient(socket_path, SOON, connections=8)) as client,
        ThreadPoolExecutor(16) as threads,
    ):
        asked = [(n, os.urandom(20_000)) for n in range(320)]
        answers = threads.map(lambda ask: client.call("echo", {"n": ask[0]}, (ask[1],)), asked)
        assert list(answers) == [({"n": n}, (blob,)) for n, blob in asked]


def test_a_refusal_is_raised_here_as_it_was_there(client: WorkerClient):
    with pytest.raises(Locked) as refusal:
        client.call("refuse", {})
    assert (refusal.value.detail, refusal.value.extra) == ("too many failures", {"retry_after": 1800})
    assert client.call("echo", {"still": "there"}) == ({"still": "there"}, ())


@pytest.mark.parametrize("op", ["fail", "nonsense", "no such op"])
def test_a_failure_is_unavailable_and_the_runner_goes_on(worker: Worker, client: WorkerClient, op: str):
    before = worker.runners()
    with pytest.raises(Unavailable):
        client.call(op, {}, (b"x",))
    assert client.call("echo", {"a": 1}) == ({"a": 1}, ())
    assert worker.runners() == before


def test_a_failure_is_logged_with_its_request_and_without_what_was_worked_on(
    caplog: pytest.LogCaptureFixture,
):
    caplog.handler.setFormatter(JsonLines())
    ours, theirs = socket.socketpair()
    with ours, theirs:
        working = threading.Thread(target=runner.work, args=(theirs, HANDLERS))
        working.start()
        job = Job("fail", 0.0, {"name": "canary"}, (b"canary",), trace=Trace("req_1", "a" * 32))
        send(ours, encode(job.message()))
        with pytest.raises(Unavailable):
            outcome(receive(ours))
        ours.close()
        working.join()
    assert "biometric job `fail` failed: ZeroDivisionError at " in caplog.text
    assert '"request":"req_1","trace":"' + "a" * 32 in caplog.text
    assert "canary" not in caplog.text
    assert "payload" not in caplog.text


def test_a_full_worker_says_so_at_once_and_runs_what_it_admitted(
    worker: Worker, client: WorkerClient, tmp_path: Path
):
    with ThreadPoolExecutor(16) as threads:
        running = threads.submit(client.call, "sleep", sleep_job(tmp_path, "first", 60))
        wait_for(tmp_path / "ran-first")
        others = [
            threads.submit(_refusal, client, "sleep", sleep_job(tmp_path, f"other-{n}", 0)) for n in range(12)
        ]
        # Said while the first still runs.
        busy = [other.result() for other in islice(as_completed(others), 10)]
        assert busy == ["the biometric workers are busy"] * 10
        assert not running.done()
        (tmp_path / "go").touch()
        assert running.result() == ({}, ())
        assert [other.result() for other in others].count(None) == 2
    assert len(list(tmp_path.glob("ran-other-*"))) == 2


def _refusal(client: WorkerClient, op: str, header: dict[str, object]) -> str | None:
    try:
        client.call(op, header)
    except Unavailable as refusal:
        return refusal.detail
    return None


def test_a_full_worker_still_tells_about_itself(client: WorkerClient, tmp_path: Path):
    with ThreadPoolExecutor(1) as threads:
        running = threads.submit(client.call, "sleep", sleep_job(tmp_path, "first", 60))
        wait_for(tmp_path / "ran-first")
        assert client.call("about", {}) == (ABOUT, ())
        assert not running.done()
        (tmp_path / "go").touch()
        running.result()


def test_a_job_beyond_its_deadline_is_ended_and_the_next_one_runs(
    worker: Worker, client: WorkerClient, tmp_path: Path
):
    before = worker.runners()
    patience = 0.3 * slowness()
    with closing(WorkerClient(worker.socket_path, timedelta(seconds=patience))) as hasty:
        started = time.monotonic()
        with pytest.raises(Unavailable) as refusal:
            hasty.call("sleep", sleep_job(tmp_path, "long", 60))
        assert time.monotonic() - started < patience + SLACK * slowness()
        assert refusal.value.extra == {"retry_after": 1}
    # The long one would have taken a minute.
    started = time.monotonic()
    assert client.call("echo", {"a": 1}) == ({"a": 1}, ())
    assert time.monotonic() - started < 5 * slowness()
    assert worker.runners() != before


def test_a_job_whose_deadline_passed_while_it_waited_is_never_run(
    worker: Worker, client: WorkerClient, tmp_path: Path
):
    with (
        ThreadPoolExecutor(1) as threads,
        closing(WorkerClient(worker.socket_path, timedelta(seconds=0.2))) as hasty,
    ):
        running = threads.submit(client.call, "sleep", sleep_job(tmp_path, "first", 60))
        wait_for(tmp_path / "ran-first")
        with pytest.raises(Unavailable):
            hasty.call("sleep", sleep_job(tmp_path, "expired", 0))
        (tmp_path / "go").touch()
        running.result()
    assert client.call("echo", {}) == ({}, ())
    assert not (tmp_path / "ran-expired").exists()


def test_waiting_for_a_connection_ends_at_the_deadline(worker: Worker, tmp_path: Path):
    deadline = timedelta(seconds=0.4)
    with (
        closing(WorkerClient(worker.socket_path, deadline, connections=1)) as client,
        ThreadPoolExecutor(4) as threads,
    ):
        started = time.monotonic()
        jobs = [threads.submit(client.call, "sleep", sleep_job(tmp_path, f"{n}", 5)) for n in range(4)]
        for job in jobs:
            with pytest.raises(Unavailable):
                job.result()
        assert time.monotonic() - started < 0.4 + SLACK * slowness()


def test_too_large_a_job_is_refused_before_it_is_sent(client: WorkerClient):
    with pytest.raises(PayloadTooLarge):
        client.call("echo", {}, (bytes(TOTAL_BYTES), b"x"))
