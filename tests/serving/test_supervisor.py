"""Processes that die are replaced, processes that are asked to stop finish what they began, and none is left over."""

from __future__ import annotations

import os
import signal
import socket
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import pytest

from authsvc.errors import ConfigurationError
from authsvc.serving.server import bind
from authsvc.serving.settings import ServerSettings
from tests.serving.conftest import PATIENCE_S, DemoServer, receive
from tests.support.slowness import slowness
from tests.support.waiting import eventually

StartServer = Callable[..., DemoServer]


def is_refused(server: DemoServer) -> bool:
    try:
        server.connect().close()
    except ConnectionRefusedError:
        return True
    return False


def stopped_within(server: DemoServer, seconds: float = PATIENCE_S) -> list[psutil.Process]:
    """Waits for the supervisor's end and returns those of its children that outlived it."""
    family = psutil.Process(server.pid).children(recursive=True)
    _, alive = psutil.wait_procs([psutil.Process(server.pid)], timeout=seconds)
    assert not alive, "the supervisor did not end in time"
    return [process for process in family if process.is_running()]


def test_a_killed_web_process_is_replaced_and_nobody_is_refused(start_server: StartServer) -> None:
    server = start_server(settings={"workers": 2})
    killed = server.get("/pid")[1]
    os.kill(killed, signal.SIGKILL)
    for _ in range(20):
        assert server.get("/") == (200, "hello")
    eventually(lambda: len(server.children()) == 2 and not psutil.pid_exists(killed))


def test_the_only_web_process_is_replaced_while_clients_wait_in_the_queue(start_server: StartServer) -> None:
    server = start_server(settings={"workers": 1})
    os.kill(server.get("/pid")[1], signal.SIGKILL)
    assert server.get("/") == (200, "hello")


def test_a_process_that_keeps_dying_is_started_ever_more_slowly(start_server: StartServer) -> None:
    server = start_server(commands={"brief": [sys.executable, "-S", "-c", "raise SystemExit(7)"]})

    def deaths() -> int:
        return server.log.read_text().count("process `brief` ended with exit code 7")

    eventually(lambda: deaths() >= 2)
    time.sleep(2)
    assert deaths() <= 6
    assert server.get("/") == (200, "hello")


def test_a_killed_side_process_is_replaced(start_server: StartServer) -> None:
    server = start_server(sides=["biometric"])
    eventually(lambda: list(server.folder.glob("biometric-*")))
    [mark] = server.folder.glob("biometric-*")
    os.kill(int(mark.name.removeprefix("biometric-")), signal.SIGKILL)
    eventually(lambda: len(list(server.folder.glob("biometric-*"))) == 2)


def test_a_side_process_may_be_a_command_of_lower_priority(start_server: StartServer) -> None:
    server = start_server(commands={"sleeper": ["sleep", "1234"]})
    eventually(lambda: any(process.name() == "sleep" for process in server.children()))
    [sleeper] = [process for process in server.children() if process.name() == "sleep"]
    # 19 is the lowest priority that there is, also for a suite that runs at a low one itself.
    assert sleeper.nice() == min(19, psutil.Process(server.pid).nice() + 5)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends a process with its parent")
def test_no_child_outlives_a_killed_supervisor(start_server: StartServer) -> None:
    server = start_server(sides=["biometric"], commands={"sleeper": ["sleep", "1234"]})
    eventually(lambda: any(process.name() == "sleep" for process in server.children()))
    children = server.children()
    assert len(children) == 4
    os.kill(server.pid, signal.SIGKILL)
    _, alive = psutil.wait_procs(children, timeout=PATIENCE_S)
    assert alive == []


def test_a_request_in_flight_is_answered_before_the_stop_and_has_its_side_processes(
    start_server: StartServer,
) -> None:
    server = start_server(sides=["biometric"])
    eventually(lambda: list(server.folder.glob("biometric-*")))
    [mark] = server.folder.glob("biometric-*")
    with ThreadPoolExecutor() as client:
        in_flight = client.submit(server.get, "/until/go")
        server.await_mark("until")
        [begun] = server.folder.glob("until-*")
        # Until the other process answers as well it has no application to close.
        eventually(lambda: server.get("/pid")[1] != int(begun.name.split("-")[1]))
        os.kill(server.pid, signal.SIGTERM)
        eventually(lambda: is_refused(server))
        assert psutil.pid_exists(int(mark.name.removeprefix("biometric-")))
        (server.folder / "go").touch()
        assert stopped_within(server) == []
        assert in_flight.result() == (200, "slept")
    assert len(list(server.folder.glob("closed-*"))) == 2


def test_idle_stalled_and_held_clients_do_not_delay_the_stop(start_server: StartServer) -> None:
    server = start_server(settings={"workers": 1})
    with server.connect() as idle, server.connect() as stalled, ThreadPoolExecutor() as client:
        ask = b"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\nExpect: 100-continue\r\n\r\n"
        stalled.sendall(ask)
        assert stalled.recv(1_000) == b"HTTP/1.1 100 Continue\r\n\r\n"
        stalled.sendall(b"x")
        held = client.submit(server.get, "/held/90")
        server.await_mark("held")
        os.kill(server.pid, signal.SIGTERM)
        # Nobody is waited for: not the held, and not the stalled.
        assert stopped_within(server, 5 * slowness()) == []
        assert held.result() == (200, "held")
        assert receive(stalled)[0].status == 503
        assert idle.recv(1) == b""


def test_what_does_not_finish_in_time_is_killed(start_server: StartServer) -> None:
    server = start_server(settings={"workers": 1, "drain_seconds": 1})
    with server.connect() as client:
        client.sendall(b"GET /sleep/90 HTTP/1.1\r\nHost: a\r\n\r\n")
        server.await_mark("sleep")
        os.kill(server.pid, signal.SIGTERM)
        assert stopped_within(server, 8 * slowness()) == []
        assert receive(client)[0].status == 503


def test_a_second_signal_ends_everything_at_once(start_server: StartServer) -> None:
    server = start_server()
    with server.connect() as client:
        client.sendall(b"GET /sleep/90 HTTP/1.1\r\nHost: a\r\n\r\n")
        server.await_mark("sleep")
        os.kill(server.pid, signal.SIGINT)
        eventually(lambda: is_refused(server))
        os.kill(server.pid, signal.SIGINT)
        assert stopped_within(server, 3 * slowness()) == []


def test_a_new_client_is_refused_once_the_stop_has_begun(start_server: StartServer) -> None:
    server = start_server()
    with server.connect() as client:
        client.sendall(b"GET /until/go HTTP/1.1\r\nHost: a\r\n\r\n")
        server.await_mark("until")
        os.kill(server.pid, signal.SIGTERM)
        eventually(lambda: is_refused(server))
        (server.folder / "go").touch()
        assert receive(client)[0].status == 200


def test_whoever_has_connected_is_answered_at_the_stop_or_was_refused(start_server: StartServer) -> None:
    """Everybody comes on a connection of their own: an answer, or no connection, and never a reset."""
    server = start_server()

    def come_until_refused() -> int:
        answered = 0
        with suppress(ConnectionRefusedError):
            while True:
                with server.connect() as client:
                    client.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
                    answered += receive(client)[0].status == 200
        return answered

    with ThreadPoolExecutor(8) as threads:
        callers = [threads.submit(come_until_refused) for _ in range(8)]
        time.sleep(0.3)
        os.kill(server.pid, signal.SIGTERM)
        assert all(caller.result() for caller in callers)


def test_a_server_whose_application_cannot_be_made_does_not_start(start_server: StartServer) -> None:
    with pytest.raises(RuntimeError, match="gives no answer") as failure:
        start_server(broken=True)
    assert "ConfigurationError: the application could not be made" in str(failure.value)


def test_an_address_in_use_is_a_mistake_of_configuration() -> None:
    with bind(ServerSettings(port=0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ConfigurationError, match=f"cannot listen on `127.0.0.1`, port `{port}`"):
            bind(ServerSettings(port=port))


@pytest.mark.parametrize("field", ["threads", "workers", "body_seconds", "max_body_bytes"])
def test_a_setting_of_zero_is_refused(field: str) -> None:
    zero: dict[str, Any] = {field: 0}
    with pytest.raises(ConfigurationError, match=f"server setting `{field}` is `0`"):
        ServerSettings(**zero)


def test_start_up_takes_less_than_two_seconds(start_server: StartServer) -> None:
    def start_up_s() -> float:
        began = time.monotonic()
        start_server().stop()
        return time.monotonic() - began

    # One of three, because the machine may be busy with other tests; the stop is counted, too.
    assert any(start_up_s() < 2 * slowness() for _ in range(3))


def test_a_hang_up_drops_no_request_and_ends_no_process(start_server: StartServer) -> None:
    server = start_server(settings={"workers": 2})
    family = {each.pid for each in (psutil.Process(server.pid), *server.children())}
    for _ in range(10):
        for pid in family:
            os.kill(pid, signal.SIGHUP)
        assert server.get("/") == (200, "hello")
    assert {each.pid for each in (psutil.Process(server.pid), *server.children())} == family


def test_what_a_dead_process_leaves_behind_is_buried(start_server: StartServer) -> None:
    """As the first process of a container has to: the children of its children fall to it."""
    orphan = "import subprocess, sys; subprocess.Popen([sys.executable, '-S', '-c', 'import time; time.sleep(0.3)'])"
    server = start_server(
        commands={"careless": [sys.executable, "-S", "-c", f"{orphan}; raise SystemExit(7)"]}
    )
    time.sleep(2.0)
    eventually(lambda: not [each for each in server.children() if each.status() == psutil.STATUS_ZOMBIE])
    assert "careless" in server.log.read_text()
    assert server.get("/") == (200, "hello")


def test_a_stopped_web_process_is_replaced(start_server: StartServer) -> None:
    """Its connections stayed open and nothing answered, until somebody came."""
    server = start_server(settings={"workers": 1, "hung_seconds": 3}, sides=["biometric"])
    stopped = server.get("/pid")[1]
    os.kill(stopped, signal.SIGSTOP)
    eventually(lambda: not psutil.pid_exists(stopped))
    assert server.get("/") == (200, "hello")
    assert "`web-1` has stood still" in server.log.read_text()
    eventually(lambda: list(server.folder.glob("biometric-*")))
    [side] = [each for each in server.children() if each.pid != server.get("/pid")[1]]
    side.suspend()
    eventually(lambda: not psutil.pid_exists(side.pid))
    eventually(lambda: len(server.children()) == 2)


def test_before_the_end_readiness_says_no_and_everything_else_is_served(
    start_server: StartServer, tmp_path: Path
) -> None:
    """And systemd is told how far it is."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(tmp_path / "notify"))
        systemd.settimeout(PATIENCE_S)

        def said(word: str) -> bool:
            while systemd.recv(100).decode() != word:
                pass
            return True

        told = {"notify_socket": str(tmp_path / "notify")}
        server = start_server(settings={"lame_duck_seconds": 600, "readiness_path": "/pid", **told})
        assert said("READY=1")
        assert said("WATCHDOG=1")
        assert server.get("/pid")[0] == 200
        os.kill(server.pid, signal.SIGTERM)
        eventually(lambda: server.get("/pid")[0] == 503)
        assert server.get("/") == (200, "hello")
        os.kill(server.pid, signal.SIGTERM)
        assert said("STOPPING=1")
        assert stopped_within(server) == []
