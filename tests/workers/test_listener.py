"""The socket is for the service's own user, and strangers' noise on it disturbs nobody."""

import multiprocessing
import os
import socket
import stat
import time
from pathlib import Path

import psutil
import pytest

from authsvc.errors import ConfigurationError
from authsvc.workers import runner
from authsvc.workers.client import WorkerClient
from authsvc.workers.listener import is_own_user, listening
from tests.support.slowness import slowness
from tests.workers.support import (
    CUT_OFF,
    Worker,
    ask_as_nobody,
    kill_idle,
)


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
        stranger.settimeout(60)
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
        assert time.monotonic() - started < 2 * slowness()
    finally:
        for stranger in strangers:
            stranger.close()


def test_a_runner_is_nice_and_holds_no_connection_of_the_server(worker: Worker, client: WorkerClient):
    others = [socket.socket(socket.AF_UNIX) for _ in range(20)]
    for other in others:
        other.connect(str(worker.socket_path))
    client.call("about", {})
    kill_idle(worker.runners()[0])
    about, _ = client.call("whoami", {})
    for other in others:
        other.close()
    assert about["nice"] == min(19, psutil.Process(worker.process.pid).nice() + runner.NICE)
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
    stranger.join(90)
    assert stranger.exitcode == CUT_OFF
