"""The web asks, a worker answers: under load, late, oversized, killed, crashed, and talked to by strangers."""

import multiprocessing
import os
import signal
import socket
import stat
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import psutil
import pytest

from authsvc.errors import ConfigurationError, Locked, PayloadTooLarge, Unavailable
from authsvc.workers import runner
from authsvc.workers.client import WorkerClient
from authsvc.workers.listener import is_own_user, listening
from authsvc.workers.messages import Job, outcome
from authsvc.workers.protocol import TOTAL_BYTES, encode, receive, send
from tests.workers.support import ABOUT, CUT_OFF, HANDLERS, Worker, ask_as_nobody, running_worker

SOON = timedelta(seconds=10)
# What a loaded machine may add.
SLACK = 0.5


@pytest.fixture
def socket_path(tmp_path: Path) -> Path:
    return tmp_path / "run" / "worker.sock"


@pytest.fixture
def worker(socket_path: Path) -> Iterator[Worker]:
    with running_worker(socket_path, queue=2) as running:
        yield running


@pytest.fixture
def client(worker: Worker) -> Iterator[WorkerClient]:
    with closing(WorkerClient(worker.socket_path, SOON)) as connected:
        yield connected


def sleep_job(folder: Path, name: str, seconds: float) -> dict[str, object]:
    return {"folder": str(folder), "name": name, "seconds": seconds}


def wait_for(path: Path) -> None:
    deadline = time.monotonic() + 10
    while not path.exists():
        assert time.monotonic() < deadline, f"`{path.name}` never came"
        time.sleep(0.005)


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


def test_a_failure_is_logged_without_what_was_worked_on(caplog: pytest.LogCaptureFixture):
    ours, theirs = socket.socketpair()
    with ours, theirs:
        working = threading.Thread(target=runner.work, args=(theirs, HANDLERS))
        working.start()
        send(ours, encode(Job("fail", 0.0, {"name": "canary"}, (b"canary",)).message()))
        with pytest.raises(Unavailable):
            outcome(receive(ours))
        ours.close()
        working.join()
    assert "biometric job `fail` failed: ZeroDivisionError at " in caplog.text
    assert "canary" not in caplog.text
    assert "payload" not in caplog.text


def test_a_full_worker_says_so_at_once_and_runs_what_it_admitted(
    worker: Worker, client: WorkerClient, tmp_path: Path
):
    with ThreadPoolExecutor(16) as threads:
        running = threads.submit(client.call, "sleep", sleep_job(tmp_path, "first", 0.8))
        wait_for(tmp_path / "ran-first")
        started = time.monotonic()
        others = [
            threads.submit(_timed, client, "sleep", sleep_job(tmp_path, f"other-{n}", 0)) for n in range(12)
        ]
        results = [other.result() for other in others]
        assert running.result() == ({}, ())
    busy = [took for refusal, took in results if refusal is not None]
    assert len(busy) == 10
    assert {refusal for refusal, _ in results} == {None, "the biometric workers are busy"}
    assert max(busy) < 0.4
    assert time.monotonic() - started < 5
    assert len(list(tmp_path.glob("ran-other-*"))) == 2


def _timed(client: WorkerClient, op: str, header: dict[str, object]) -> tuple[str | None, float]:
    """The refusal, if it was one, and the seconds it took."""
    started = time.monotonic()
    try:
        client.call(op, header)
    except Unavailable as refusal:
        return refusal.detail, time.monotonic() - started
    return None, time.monotonic() - started


def test_a_full_worker_still_tells_about_itself(client: WorkerClient, tmp_path: Path):
    with ThreadPoolExecutor(1) as threads:
        running = threads.submit(client.call, "sleep", sleep_job(tmp_path, "first", 0.5))
        wait_for(tmp_path / "ran-first")
        started = time.monotonic()
        assert client.call("about", {}) == (ABOUT, ())
        assert time.monotonic() - started < 0.4
        running.result()


def test_a_job_beyond_its_deadline_is_ended_and_the_next_one_runs(
    worker: Worker, client: WorkerClient, tmp_path: Path
):
    before = worker.runners()
    with closing(WorkerClient(worker.socket_path, timedelta(seconds=0.3))) as hasty:
        started = time.monotonic()
        with pytest.raises(Unavailable) as refusal:
            hasty.call("sleep", sleep_job(tmp_path, "long", 60))
        assert time.monotonic() - started < 0.3 + SLACK
        assert refusal.value.extra == {"retry_after": 1}
    started = time.monotonic()
    assert client.call("echo", {"a": 1}) == ({"a": 1}, ())
    assert time.monotonic() - started < 5
    assert worker.runners() != before


def test_a_job_whose_deadline_passed_while_it_waited_is_never_run(
    worker: Worker, client: WorkerClient, tmp_path: Path
):
    with (
        ThreadPoolExecutor(1) as threads,
        closing(WorkerClient(worker.socket_path, timedelta(seconds=0.2))) as hasty,
    ):
        running = threads.submit(client.call, "sleep", sleep_job(tmp_path, "first", 0.6))
        wait_for(tmp_path / "ran-first")
        with pytest.raises(Unavailable):
            hasty.call("sleep", sleep_job(tmp_path, "expired", 0))
        running.result()
    assert client.call("echo", {}) == ({}, ())
    assert not (tmp_path / "ran-expired").exists()


def test_a_crash_costs_its_own_job_only(worker: Worker, client: WorkerClient, tmp_path: Path):
    with ThreadPoolExecutor(3) as threads:
        first = threads.submit(client.call, "sleep", sleep_job(tmp_path, "first", 0.3))
        wait_for(tmp_path / "ran-first")
        crashing = threads.submit(client.call, "crash", {})
        time.sleep(0.1)
        waiting = threads.submit(client.call, "echo", {"after": "the crash"})
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
    worker.runners()[0].kill()
    time.sleep(0.1)
    assert client.call("echo", {"a": 1}) == ({"a": 1}, ())


def test_a_killed_worker_is_unavailable_and_its_successor_is_found(socket_path: Path, tmp_path: Path):
    with closing(WorkerClient(socket_path, SOON)) as client:
        with running_worker(socket_path) as first, ThreadPoolExecutor(1) as threads:
            assert client.call("echo", {}) == ({}, ())
            runners = first.runners()
            running = threads.submit(client.call, "sleep", sleep_job(tmp_path, "lost", 0.5))
            wait_for(tmp_path / "ran-lost")
            first.signal(signal.SIGKILL)
            with pytest.raises(Unavailable):
                running.result()
            with pytest.raises(Unavailable):
                client.call("echo", {})
        gone, alive = psutil.wait_procs(runners, timeout=10)
        assert (len(gone), alive) == (1, [])
        with running_worker(socket_path):
            assert client.call("echo", {"a": 1}) == ({"a": 1}, ())


def test_connections_kept_from_before_a_restart_cost_no_call(socket_path: Path):
    with closing(WorkerClient(socket_path, SOON)) as client:
        for _ in range(2):
            with running_worker(socket_path), ThreadPoolExecutor(4) as threads:
                assert list(threads.map(lambda n: client.call("about", {}), range(8))) == [(ABOUT, ())] * 8


def test_a_frozen_worker_is_unavailable_at_the_deadline(worker: Worker):
    with closing(WorkerClient(worker.socket_path, timedelta(seconds=0.4))) as client:
        client.call("echo", {})
        worker.signal(signal.SIGSTOP)
        try:
            started = time.monotonic()
            with ThreadPoolExecutor(4) as threads:
                refused = list(threads.map(lambda _: _is_unavailable(client), range(4)))
            assert refused == [True] * 4
            assert time.monotonic() - started < 0.4 + SLACK
        finally:
            worker.signal(signal.SIGCONT)


def _is_unavailable(client: WorkerClient) -> bool:
    try:
        client.call("echo", {})
    except Unavailable:
        return True
    return False


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
        assert time.monotonic() - started < 0.4 + SLACK


def test_nobody_there_is_unavailable(socket_path: Path):
    with pytest.raises(Unavailable) as refusal:
        WorkerClient(socket_path, SOON).call("echo", {})
    assert refusal.value.extra == {"retry_after": 1}


def test_too_large_a_job_is_refused_before_it_is_sent(client: WorkerClient):
    with pytest.raises(PayloadTooLarge):
        client.call("echo", {}, (bytes(TOTAL_BYTES), b"x"))


@pytest.mark.parametrize(
    "garbage",
    [
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        b"aw1\n" + b"\xff" * 8,
        b"aw1\n\x00\x00\x00\x02\x00\x00\x00\x00[]",
        b"aw1\n\x00\x00\x00\x02\x00\x00\x00\x00{}",
    ],
)
def test_garbage_ends_its_own_connection_only(worker: Worker, client: WorkerClient, garbage: bytes):
    with socket.socket(socket.AF_UNIX) as stranger:
        stranger.settimeout(5)
        stranger.connect(str(worker.socket_path))
        stranger.sendall(garbage)
        assert _ended(stranger)
    assert client.call("echo", {"a": 1}) == ({"a": 1}, ())


def _ended(connection: socket.socket) -> bool:
    try:
        return connection.recv(1) == b""
    except ConnectionResetError:
        return True


def test_idle_and_half_spoken_connections_stall_nobody(worker: Worker, client: WorkerClient):
    strangers = [socket.socket(socket.AF_UNIX) for _ in range(100)]
    try:
        for number, stranger in enumerate(strangers):
            stranger.connect(str(worker.socket_path))
            stranger.sendall(b"aw1\n\x00\x00"[: number % 7])
        started = time.monotonic()
        for _ in range(20):
            client.call("echo", {})
        assert time.monotonic() - started < 2
    finally:
        for stranger in strangers:
            stranger.close()


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
        worker.process.join(5)
        assert worker.process.exitcode == 0
        assert not any(process.is_running() for process in runners)
        assert not socket_path.exists()


def test_a_runner_is_nice_and_holds_no_connection_of_the_server(worker: Worker, client: WorkerClient):
    others = [socket.socket(socket.AF_UNIX) for _ in range(20)]
    for other in others:
        other.connect(str(worker.socket_path))
    client.call("about", {})
    worker.runners()[0].kill()
    time.sleep(0.1)
    about, _ = client.call("whoami", {})
    for other in others:
        other.close()
    assert about["nice"] == psutil.Process(worker.process.pid).nice() + runner.NICE
    assert about["files"] == 5  # standard three, the server, and the folder being listed.


def test_the_socket_is_for_its_owner_only(worker: Worker):
    assert stat.S_IMODE(worker.socket_path.stat().st_mode) == 0o600
    assert stat.S_IMODE(worker.socket_path.parent.stat().st_mode) == 0o700


def test_a_folder_open_to_others_is_refused(tmp_path: Path):
    (tmp_path / "open").mkdir(mode=0o755)
    with pytest.raises(ConfigurationError, match="0700"), listening(tmp_path / "open" / "worker.sock"):
        pass


def test_a_path_too_long_for_a_socket_is_refused(tmp_path: Path):
    with (
        pytest.raises(ConfigurationError, match="too long"),
        listening(tmp_path / ("x" * 120) / "worker.sock"),
    ):
        pass


def test_a_served_socket_is_not_taken_over(worker: Worker):
    with pytest.raises(ConfigurationError, match="already"), listening(worker.socket_path):
        pass


def test_what_a_crashed_server_left_is_replaced(socket_path: Path):
    socket_path.parent.mkdir(mode=0o700)
    with socket.socket(socket.AF_UNIX) as crashed:
        crashed.bind(str(socket_path))
    with listening(socket_path) as listening_socket:
        assert listening_socket.getsockname()
        with socket.socket(socket.AF_UNIX) as other:
            other.connect(str(socket_path))
    assert not socket_path.exists()


def test_another_user_is_not_listened_to(monkeypatch: pytest.MonkeyPatch):
    ours, theirs = socket.socketpair()
    with ours, theirs:
        assert is_own_user(ours)
        mine = os.geteuid()
        monkeypatch.setattr(os, "geteuid", lambda: mine + 1)
        assert not is_own_user(ours)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can connect as another user")
def test_a_process_of_another_user_is_cut_off(worker: Worker):
    # Opened, because the folder's and the file's modes would keep the stranger out before the worker could.
    worker.socket_path.parent.chmod(0o711)
    worker.socket_path.chmod(0o666)
    stranger = multiprocessing.get_context("spawn").Process(target=ask_as_nobody, args=(worker.socket_path,))
    stranger.start()
    stranger.join(30)
    assert stranger.exitcode == CUT_OFF
