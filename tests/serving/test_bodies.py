"""Large bodies are read for whom the application knows, and memory is bounded before anybody is known."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from socket import socket

import psutil
import pytest

from tests.serving.conftest import DemoServer, receive
from tests.support.slowness import slowness
from tests.support.waiting import eventually

SMALL = 64 * 1024
LARGE = 500_000
SETTINGS = {
    "workers": 1,
    "threads": 4,
    "max_body_bytes": 1_000_000,
    "max_buffered_bytes": 4_000_000,
    "max_stranger_bytes": 700_000,
    "room_seconds": 0.5,
    "body_seconds": 6,
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DemoServer]:
    with DemoServer(tmp_path_factory.mktemp("bodies"), settings=SETTINGS) as running:
        yield running


def head(path: str, length: int | None, caller: str = "", more: str = "") -> bytes:
    framing = "Transfer-Encoding: chunked" if length is None else f"Content-Length: {length}"
    known = f"Authorization: {caller}\r\n" if caller else ""
    return f"POST /{path} HTTP/1.1\r\nHost: a\r\n{known}{more}{framing}\r\n\r\n".encode()


def answered(client: socket) -> tuple[int, object]:
    response, body = receive(client)
    return response.status, json.loads(body)


def test_a_stranger_is_refused_by_the_headers_alone(server: DemoServer) -> None:
    with server.connect() as client:
        client.sendall(head("capture", LARGE, more="Expect: 100-continue\r\n"))
        assert answered(client)[0] == 401


def test_a_known_caller_sends_a_large_body(server: DemoServer) -> None:
    with server.connect() as client:
        client.sendall(head("capture", LARGE, "ann"))
        client.sendall(b"x" * LARGE)
        assert answered(client) == (200, LARGE)


def test_a_known_caller_who_asks_first_is_told_to_go_on(server: DemoServer) -> None:
    with server.connect() as client:
        client.sendall(head("capture", LARGE, "ann", "Expect: 100-continue\r\n"))
        assert client.recv(25) == b"HTTP/1.1 100 Continue\r\n\r\n"
        client.sendall(b"x" * LARGE)
        assert answered(client) == (200, LARGE)


@pytest.mark.parametrize("size", [10, SMALL - 1, SMALL, SMALL + 1, LARGE, 1_000_000])
def test_a_chunked_body_of_any_size_arrives(server: DemoServer, size: int) -> None:
    with server.connect() as client:
        client.sendall(head("capture", None, "ann"))
        for at in range(0, size, 50_000):
            chunk = b"x" * min(50_000, size - at)
            client.sendall(b"%x\r\n%s\r\n" % (len(chunk), chunk))
        client.sendall(b"0\r\n\r\n")
        assert answered(client) == (200, size)


@pytest.mark.parametrize("size", [0, 1, SMALL])
def test_a_small_body_needs_nobody_to_be_known(server: DemoServer, size: int) -> None:
    with server.connect() as client:
        client.sendall(head("echo", size) + b"x" * size)
        status, answer = answered(client)
        assert (status, answer) == (200, {"method": "POST", "body": "x" * size})


def test_an_application_that_admitted_nobody_gets_no_large_body(server: DemoServer) -> None:
    with server.connect() as client:
        client.sendall(head("echo", SMALL + 1) + b"x" * 1000)
        status, answer = answered(client)
        assert (status, answer["type"]) == (413, "/v1/problems/payload-too-large")  # type: ignore[index]  # A problem.


def test_the_rest_of_a_refused_body_is_dropped_and_the_connection_goes_on(server: DemoServer) -> None:
    with server.connect() as client:
        client.sendall(head("capture", LARGE) + b"x" * 1000)
        assert answered(client)[0] == 401
        client.sendall(b"x" * (LARGE - 1000) + head("echo", 2) + b"ok")
        assert answered(client) == (200, {"method": "POST", "body": "ok"})


def test_whoever_keeps_the_rest_of_a_refused_body_is_hung_up_on_without_a_word(server: DemoServer) -> None:
    with server.connect() as client:
        client.sendall(head("capture", LARGE) + b"x" * 1000)
        assert answered(client)[0] == 401
        began = time.monotonic()
        with suppress(ConnectionResetError):
            assert client.recv(1000) == b""
        assert time.monotonic() - began < 10 * slowness()


@pytest.mark.parametrize(
    "request_head",
    [
        b"GET / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n\r\n",
        b"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\nExpect: 100-continue\r\n\r\n",
        b"POST /echo HTTP/1.0\r\nHost: a\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\nok",
        b"GET / HTTP/1.1\r\nHost: a\r\nExpect: something-else\r\n\r\n",
        b"DELETE /echo HTTP/1.1\r\nHost: a\r\nExpect: 100-Continue\r\n\r\n",
    ],
)
def test_nobody_is_told_to_go_on_who_has_nothing_to_send(server: DemoServer, request_head: bytes) -> None:
    with server.connect() as client:
        client.sendall(request_head)
        assert client.recv(15).startswith((b"HTTP/1.1 200", b"HTTP/1.0 200"))


def test_an_answer_has_one_date(server: DemoServer) -> None:
    response, _ = server.send(b"GET /dated HTTP/1.1\r\nHost: a\r\n\r\n")
    dates = response.headers.get_all("Date") or []
    assert len(dates) == 1
    assert dates != ["Sun, 29 Nov 2026 12:00:00 GMT"]


def slow(server: DemoServer, caller: str, path: str = "capture") -> socket:
    """Somebody known who has begun to send a large body."""
    client = server.connect()
    client.sendall(head(path, 900_000, caller, "Expect: 100-continue\r\n"))
    # There is room for the body when the server asks for it.
    assert client.recv(1_000) == b"HTTP/1.1 100 Continue\r\n\r\n"
    client.sendall(b"x" * 1000)
    return client


def test_one_callers_bodies_wait_for_each_other_and_for_nobody_else(server: DemoServer) -> None:
    holding = [slow(server, "greedy")]
    with server.connect() as client:
        client.sendall(head("capture", 900_000, "greedy"))
        began = time.monotonic()
        with server.connect() as other:
            other.sendall(head("capture", LARGE, "ann") + b"x" * LARGE)
            assert answered(other) == (200, LARGE)
        response, _ = receive(client)
        assert response.status == 503
        assert response.headers["Retry-After"] == "2"
        assert 0.4 < time.monotonic() - began < 2 * slowness()
    for each in holding:
        each.close()


def test_all_bodies_together_have_a_bound_and_room_comes_back(server: DemoServer) -> None:
    holding = [slow(server, f"caller-{n}") for n in range(4)]
    with server.connect() as client:
        client.sendall(head("capture", 900_000, "late"))
        assert receive(client)[0].status == 503
    for each in holding:
        each.close()

    def is_taken() -> bool:
        with server.connect() as client:
            client.sendall(head("capture", 900_000, "late", "Expect: 100-continue\r\n"))
            if not client.recv(1_000).startswith(b"HTTP/1.1 100"):
                return False
            client.sendall(b"x" * 900_000)
            return answered(client) == (200, 900_000)

    eventually(is_taken)


def test_when_strangers_fill_their_room_the_oldest_makes_way(server: DemoServer) -> None:
    strangers = []
    for _ in range(16):
        client = server.connect()
        client.sendall(head("echo", 60_000) + b"x" * 59_000)
        strangers.append(client)
        time.sleep(0.02)
    assert receive(strangers[0])[0].status == 503
    strangers[-1].sendall(b"x" * 1_000)
    assert answered(strangers[-1])[0] == 200
    for each in strangers:
        each.close()


@pytest.mark.parametrize("path", ["healthz", "echo", "capture"])
def test_strangers_take_no_memory(start_server: Callable[..., DemoServer], path: str) -> None:
    """24 connections with 8 MB each: what was 1 GB in the service that read first and asked afterwards."""
    server = start_server(settings={"workers": 1, "max_body_bytes": 16_000_000})
    [web] = [psutil.Process(each.pid) for each in server.children()]
    before = web.memory_info().rss
    clients = [server.connect() for _ in range(24)]
    for client in clients:
        client.settimeout(0.05)
        client.sendall(head(path, 8_000_000))
    for _ in range(8):
        for client in clients:
            _send_what_is_taken(client, b"x" * 1_000_000)
    assert web.memory_info().rss - before < 24 * 2**20
    assert server.get("/") == (200, "hello")
    for client in clients:
        client.close()


def _send_what_is_taken(client: socket, data: bytes) -> None:
    with suppress(OSError):
        client.sendall(data)
