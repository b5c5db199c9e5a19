"""Runners that crash, workers that are killed, frozen, restarted or absent: each costs its own jobs and no more."""

import signal
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import psutil
import pytest

from authsvc.errors import Unavailable
from authsvc.workers.client import WorkerClient
from tests.support.slowness import slowness
from tests.workers.support import (
    ABOUT,
    SLACK,
    SOON,
    Worker,
    kill_idle,
    running_worker,
    sleep_job,
    wait_for,
)


def test_a_crash_costs_its_own_job_only(worker: Worker, client: WorkerClient, tmp_path: Path):
    with ThreadPoolExecutor(3) as threads:
        first = threads.submit(client.call, "sleep", sleep_job(tmp_path, "first", 60))
        wait_for(tmp_path / "ran-first")
        crashing = threads.submit(client.call, "crash", {})
        time.sleep(0.1)
        waiting = threads.submit(client.call, "echo", {"after": "the crash"})
        (tmp_path / "go").touch()
        assert first.result() == ({}, ())
        with pytest.raises(Unavailable, match="crashed"):
            crashing.result()
        assert waiting.result() == ({"after": "the crash"}, ())


def test_a_runner_killed_in_mid_job_costs_that_job_and_it_is_not_repeated(
    worker: Worker, client: WorkerClient, tmp_path: Path
):
    mark = tmp_path / "ran-killed"
    with ThreadPoolExecutor(1) as threads:
        running = threads.submit(client.call, "sleep", sleep_job(tmp_path, "killed", 60))
        wait_for(mark)
        mark.unlink()
        worker.runners()[0].kill()
        with pytest.raises(Unavailable):
            running.result()
    assert client.call("echo", {}) == ({}, ())
    assert not mark.exists()


def test_a_runner_that_dies_idle_costs_nothing(worker: Worker, client: WorkerClient):
    assert client.call("echo", {}) == ({}, ())
    kill_idle(worker.runners()[0])
    assert client.call("echo", {"a": 1}) == ({"a": 1}, ())


def test_a_killed_worker_is_unavailable_and_its_successor_is_found(socket_path: Path, tmp_path: Path):
    with closing(WorkerClient(socket_path, SOON)) as client:
        with running_worker(socket_path) as first, ThreadPoolExecutor(1) as threads:
            assert client.call("echo", {}) == ({}, ())
            runners = first.runners()
            running = threads.submit(client.call, "sleep", sleep_job(tmp_path, "lost", 60))
            wait_for(tmp_path / "ran-lost")
            first.signal(signal.SIGKILL)
            with pytest.raises(Unavailable):
                running.result()
            with pytest.raises(Unavailable):
                client.call("echo", {})
            (tmp_path / "go").touch()
        gone, alive = psutil.wait_procs(runners, timeout=60)
        assert (len(gone), alive) == (1, [])
        with running_worker(socket_path):
            assert client.call("echo", {"a": 1}) == ({"a": 1}, ())


def test_connections_kept_from_before_a_restart_cost_no_call(socket_path: Path):
    with closing(WorkerClient(socket_path, SOON)) as client:
        for _ in range(2):
            with running_worker(socket_path), ThreadPoolExecutor(4) as threads:
                assert list(threads.map(lambda n: client.call("about", {}), range(8))) == [(ABOUT, ())] * 8


def test_a_frozen_worker_is_unavailable_at_the_deadline(worker: Worker):
    patience = 0.4 * slowness()
    with closing(WorkerClient(worker.socket_path, timedelta(seconds=patience))) as client:
        client.call("echo", {})
        worker.signal(signal.SIGSTOP)
        try:
            started = time.monotonic()
            with ThreadPoolExecutor(4) as threads:
                refused = list(threads.map(lambda _: _is_unavailable(client), range(4)))
            assert refused == [True] * 4
            assert time.monotonic() - started < patience + SLACK * slowness()
        finally:
            worker.signal(signal.SIGCONT)


def _is_unavailable(client: WorkerClient) -> bool:
    try:
        client.call("echo", {})
    except Unavailable:
        return True
    return False


def test_nobody_there_is_unavailable(socket_path: Path):
    with pytest.raises(Unavailable) as refusal:
        WorkerClient(socket_path, SOON).call("echo", {})
    assert refusal.value.extra == {"retry_after": 1}


def test_sigterm_lets_an_admitted_job_finish_and_leaves_nothing(socket_path: Path, tmp_path: Path):
    with (
        running_worker(socket_path) as worker,
        closing(WorkerClient(socket_path, SOON)) as client,
        ThreadPoolExecutor(1) as threads,
    ):
        runners = worker.runners()
        running = threads.submit(client.call, "sleep", sleep_job(tmp_path, "last", 0.4))
        wait_for(tmp_path / "ran-last")
        worker.signal(signal.SIGTERM)
        assert running.result() == ({}, ())
        worker.process.join(60)
        assert worker.process.exitcode == 0
        assert not any(process.is_running() for process in runners)
        assert not socket_path.exists()
