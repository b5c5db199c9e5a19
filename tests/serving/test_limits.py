"""What a client may take from the server, and what it is told when it wants more."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPResponse
from select import POLLIN, poll

import pytest

from tests.serving.conftest import PATIENCE_S, DemoServer, receive
from tests.support.slowness import slowness

_POST = b"POST /echo HTTP/1.1\r\nHost: a\r\n"


def problem(answer: tuple[HTTPResponse, bytes]) -> tuple[int, str]:
    """Status and slug of an answer that must be an RFC 9457 problem and the connection's last word."""
    response, body = answer
    document = json.loads(body)
    assert response.headers["Content-Type"] == "application/problem+json"
    assert response.headers["Connection"] == "close"
    assert document["status"] == response.status
    assert document["title"]
    assert document["detail"]
    return response.status, document["type"].removeprefix("/v1/problems/")


def test_a_body_announced_too_large_is_refused_before_it_is_sent(server: DemoServer) -> None:
    answer = server.send(_POST + b"Content-Length: 10001\r\nExpect: 100-continue\r\n\r\n")
    assert problem(answer) == (413, "payload-too-large")


def test_the_largest_body_is_accepted(server: DemoServer) -> None:
    response, body = server.send(_POST + b"Content-Length: 10000\r\n\r\n" + b"x" * 10_000)
    assert response.status == 200
    assert json.loads(body)["body"] == "x" * 10_000


def test_a_client_that_sends_its_large_body_first_still_reads_the_refusal(server: DemoServer) -> None:
    with server.connect() as client:
        client.sendall(_POST + b"Content-Length: 400000\r\n\r\n")
        for _ in range(40):
            client.sendall(b"x" * 10_000)
        assert problem(receive(client)) == (413, "payload-too-large")


def test_a_chunked_body_is_measured_as_it_comes(server: DemoServer) -> None:
    chunk = b"1388\r\n" + b"x" * 5_000 + b"\r\n"
    answer = server.send(_POST + b"Transfer-Encoding: chunked\r\n\r\n" + 3 * chunk)
    assert problem(answer) == (413, "payload-too-large")


def test_a_body_that_stops_half_way_is_given_up(hasty: DemoServer) -> None:
    began = time.monotonic()
    answer = hasty.send(_POST + b"Content-Length: 1000\r\n\r\n0123456789")
    assert problem(answer) == (408, "request-timeout")
    assert 0.5 < time.monotonic() - began < 5 * slowness()


def test_a_byte_now_and_then_does_not_put_the_deadline_off(hasty: DemoServer) -> None:
    with hasty.connect() as client:
        client.sendall(_POST + b"Content-Length: 1000\r\n\r\n")
        sent, answers = 0, poll()
        answers.register(client, POLLIN)
        # Were the deadline put off, all the thousand bytes would be taken.
        while not answers.poll(100):
            client.sendall(b"x")
            sent += 1
        assert problem(receive(client)) == (408, "request-timeout")
        assert sent < 20 * slowness()


def test_headers_that_do_not_end_are_given_up(hasty: DemoServer) -> None:
    assert problem(hasty.send(b"GET / HTTP/1.1\r\nHost: a\r\nX-Slow:")) == (408, "request-timeout")


@pytest.mark.parametrize("silence", [b"", b"\r\n\r\n"], ids=["nothing", "empty lines"])
def test_a_connection_without_a_request_is_closed_without_a_word(hasty: DemoServer, silence: bytes) -> None:
    with hasty.connect() as client:
        client.sendall(silence)
        assert client.recv(1) == b""


def test_a_connection_that_stays_idle_after_an_answer_is_closed(hasty: DemoServer) -> None:
    with hasty.connect() as client:
        client.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        assert receive(client)[0].status == 200
        assert client.recv(1) == b""


def test_a_connection_serves_the_next_request_too(server: DemoServer) -> None:
    with server.connect() as client:
        for _ in range(3):
            client.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            assert receive(client)[0].status == 200


@pytest.mark.parametrize(
    "bomb",
    [
        b"GET / HTTP/1.1\r\nHost: a\r\nX-Long: " + b"x" * 5_000 + b"\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\n" + b"".join(b"X-%d: x\r\n" % n for n in range(600)) + b"\r\n",
        b"GET /" + b"x" * 5_000 + b" HTTP/1.1\r\nHost: a\r\n\r\n",
    ],
    ids=["one long header", "many headers", "a long path"],
)
def test_headers_that_are_too_large_are_refused(server: DemoServer, bomb: bytes) -> None:
    assert problem(server.send(bomb)) == (431, "payload-too-large")


def test_headers_that_never_end_are_refused_as_they_come(server: DemoServer) -> None:
    with server.connect() as client:
        client.sendall(b"GET / HTTP/1.1\r\nHost: a\r\nX-Endless: ")
        for _ in range(8):
            time.sleep(0.02)
            client.sendall(b"x" * 1_000)
        assert problem(receive(client)) == (431, "payload-too-large")


@pytest.mark.parametrize(
    "nonsense",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nNo colon\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nx",
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nnot a size\r\n",
        b"CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n",
    ],
    ids=[
        "TLS",
        "no Host",
        "two Hosts",
        "no colon",
        "two lengths",
        "negative length",
        "length and chunks",
        "bad chunk",
        "CONNECT",
    ],
)
def test_what_is_not_proper_http_is_refused(server: DemoServer, nonsense: bytes) -> None:
    assert problem(server.send(nonsense)) == (400, "invalid-request")


def test_requests_far_ahead_of_their_answers_end_the_connection(server: DemoServer) -> None:
    with server.connect() as client:
        client.sendall(
            b"GET /sleep/0.5 HTTP/1.1\r\nHost: a\r\n\r\n" + 50 * b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
        )
        assert client.recv(1) == b""


def test_a_refused_client_is_told_at_once_that_no_more_will_come(server: DemoServer) -> None:
    with server.connect() as client:
        client.sendall(_POST + b"Content-Length: 10001\r\n\r\n")
        receive(client)
        # Long before an idle connection is closed.
        client.settimeout(30)
        assert client.recv(1) == b""


@pytest.mark.parametrize(
    ("seconds", "header"), [(0.4, b""), (PATIENCE_S, b"X-Envoy-Expected-Rq-Timeout-Ms: 300\r\n")]
)
def test_a_request_for_which_nobody_waits_any_more_is_not_begun(
    start_server: Callable[..., DemoServer], seconds: float, header: bytes
) -> None:
    """It stood in the queue for as long as those before it took, was begun then, and its caller had gone."""
    server = start_server(settings={"workers": 1, "threads": 1, "queue_seconds": seconds})
    with server.connect() as working, ThreadPoolExecutor() as clients:
        working.sendall(b"GET /until/go HTTP/1.1\r\nHost: a\r\n\r\n")
        server.await_mark("until")
        ask = b"GET /sleep/0 HTTP/1.1\r\nHost: a\r\n" + header + b"\r\n"
        late = list(clients.map(server.send, 3 * [ask]))
        assert {problem(answer) for answer in late} == {(503, "unavailable")}
        assert {answer.headers["Retry-After"] for answer, _ in late} == {"1"}
        (server.folder / "go").touch()
        assert receive(working)[0].status == 200
    assert server.get("/") == (200, "hello")
    assert list(server.folder.glob("sleep-*")) == []
