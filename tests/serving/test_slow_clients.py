"""Clients that take their time take nobody else's: a crowd of them must not be noticed."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

from benchmarks.slow_clients import crowd, latency, slow_crowd
from tests.serving.conftest import DemoServer, receive

_HELLO = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
_HELD = b"GET /held/25 HTTP/1.1\r\nHost: a\r\n\r\n"

StartServer = Callable[..., DemoServer]


def p99_ms(server: DemoServer, *, rate: int, good: float) -> float:
    """The best of three: a busy test machine disturbs a moment, a server that can be stalled never gets well."""
    best = float("inf")
    for _ in range(3):
        measured = latency(server.port, rate=rate, seconds=2)
        assert measured.failures == 0
        best = min(best, measured.p99_ms)
        if best < good:
            break
    return best


def test_200_idle_and_200_stalled_clients_are_not_noticed(start_server: StartServer) -> None:
    server = start_server(settings={"workers": 2, "threads": 16})
    with crowd(server.port, slow_crowd(idle=200, mid_body=200)):
        assert p99_ms(server, rate=100, good=50) < 50


def test_200_clients_that_wait_on_purpose_take_no_thread(start_server: StartServer) -> None:
    server = start_server(settings={"workers": 2, "threads": 2})
    with crowd(server.port, {_HELD: 200}):
        # The application is asked two thousand times a second here, whether it has an answer for them.
        assert p99_ms(server, rate=50, good=200) < 200


def test_a_held_request_is_answered_when_its_patience_ends(start_server: StartServer) -> None:
    server = start_server(settings={"workers": 1})
    began = time.monotonic()
    assert server.get("/held/0.5") == (200, "held")
    assert 0.5 <= time.monotonic() - began < 3
    _, (looks, first_looks) = server.get("/looks")
    assert (looks > 3, first_looks) == (True, 1)


def test_a_held_request_ends_with_its_client(start_server: StartServer) -> None:
    server = start_server(settings={"workers": 1})
    with server.connect() as client:
        client.sendall(_HELD)
        time.sleep(0.25)
    time.sleep(0.25)
    looks_before = server.get("/looks")
    time.sleep(0.5)
    assert server.get("/looks") == looks_before


def test_when_connections_run_out_the_longest_debtor_makes_room(start_server: StartServer) -> None:
    server = start_server(settings={"workers": 1, "max_connections": 20})
    with ExitStack() as stack:
        idle = [stack.enter_context(server.connect()) for _ in range(20)]
        time.sleep(0.2)
        assert server.get("/") == (200, "hello")
        assert idle[0].recv(1) == b""
        idle[-1].sendall(_HELLO)
        assert receive(idle[-1])[0].status == 200


def test_when_all_connections_wait_for_an_answer_a_new_one_is_told_to_come_back(
    start_server: StartServer,
) -> None:
    server = start_server(settings={"workers": 1, "max_connections": 5, "threads": 8})
    with ExitStack() as stack:
        for _ in range(5):
            stack.enter_context(server.connect()).sendall(b"GET /sleep/1.5 HTTP/1.1\r\nHost: a\r\n\r\n")
        time.sleep(0.3)
        response, _ = receive(stack.enter_context(server.connect()))
        assert response.status == 503
        assert response.headers["Retry-After"] == "1"


def test_more_requests_than_may_wait_for_a_thread_are_told_to_come_back(start_server: StartServer) -> None:
    server = start_server(settings={"workers": 1, "threads": 2, "max_waiting": 4})
    with ThreadPoolExecutor(20) as clients:
        statuses = sorted(clients.map(lambda _: server.get("/sleep/0.5")[0], range(20)))
    assert statuses == [200] * 6 + [503] * 14


def test_a_client_that_does_not_read_its_answer_is_let_go(start_server: StartServer) -> None:
    server = start_server(settings={"workers": 1, "threads": 2, "write_seconds": 0.5})
    with ExitStack() as stack:
        for _ in range(4):
            client = stack.enter_context(socket.socket())
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
            client.connect(("127.0.0.1", server.port))
            client.sendall(b"GET /large/9000000 HTTP/1.1\r\nHost: a\r\n\r\n")
        assert server.get("/") == (200, "hello")
        [web] = server.children()
        deadline = time.monotonic() + 10
        while any(connection.status == "ESTABLISHED" for connection in web.net_connections()):
            assert time.monotonic() < deadline
            time.sleep(0.1)


def test_the_benchmark_ends_with_one_line_of_figures_and_ratios() -> None:
    command = [
        sys.executable,
        "benchmarks/slow_clients.py",
        "--json",
        "--seconds",
        "1",
        "--idle",
        "20",
        "--mid-body",
        "20",
    ]
    done = subprocess.run([*command, "--held", "20"], capture_output=True, text=True, check=True)
    figures = json.loads(done.stdout.splitlines()[-1])["authsvc"]
    assert figures["amid_slow"]["failures"] == 0
    assert figures["cpu_us"]["hello"] > 0
    assert set(figures["ratios"]) == {"p99_amid_slow_to_calm", "p99_amid_held_to_calm"}
