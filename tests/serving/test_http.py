"""Requests and answers as HTTP/1.1 and WSGI want them."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection

import pytest

from tests.serving.conftest import PATIENCE_S, DemoServer, receive
from tests.support.slowness import slowness

_HELLO = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"


def read_answers(client: socket.socket, bodies: list[bytes]) -> bytes:
    """Reads until the last of these bodies has come."""
    data = b""
    while not data.endswith(bodies[-1]):
        data += client.recv(65_536)
    return data


def test_a_connection_answers_one_request_after_another(server: DemoServer) -> None:
    connection = HTTPConnection("127.0.0.1", server.port, timeout=PATIENCE_S)
    for number in range(3):
        connection.request("POST", "/echo", f"number {number}")
        first_socket = connection.sock
        assert json.loads(connection.getresponse().read()) == {"method": "POST", "body": f"number {number}"}
        assert connection.sock is first_socket
    connection.close()


def test_pipelined_requests_are_answered_in_their_order(server: DemoServer) -> None:
    slow_first = [b"GET /sleep/0.2 HTTP/1.1\r\nHost: a\r\n\r\n"]
    posts = [b"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n%d%d" % (n, n) for n in range(5)]
    with server.connect() as client:
        client.sendall(b"".join(slow_first + posts))
        answers = read_answers(client, [b'"44"}'])
    places = [answers.index(b"slept"), *(answers.index(b'"%d%d"' % (n, n)) for n in range(5))]
    assert places == sorted(places)
    assert answers.count(b"HTTP/1.1 200 OK") == 6


def test_a_pipelined_body_has_its_own_deadline(hasty: DemoServer) -> None:
    with hasty.connect() as client:
        client.sendall(_HELLO + b"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nx")
        answers = read_answers(client, [b'in time"}'])
    assert answers.startswith(b"HTTP/1.1 200 OK")
    assert answers.count(b"HTTP/1.1 408 Request Timeout") == 1


def test_a_chunked_body_reaches_the_application_whole(server: DemoServer) -> None:
    head = b"POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
    _, body = server.send(head + b"5\r\nhello\r\n7\r\n, world\r\n0\r\n\r\n")
    assert json.loads(body)["body"] == "hello, world"


def test_a_body_may_come_in_pieces(server: DemoServer) -> None:
    with server.connect() as client:
        client.sendall(b"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\n\r\n")
        for piece in (b"ab", b"cd", b"ef"):
            time.sleep(0.05)
            client.sendall(piece)
        assert json.loads(receive(client)[1])["body"] == "abcdef"


def test_a_client_that_asks_first_is_told_to_go_on(server: DemoServer) -> None:
    with server.connect() as client:
        client.sendall(b"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n")
        assert client.recv(1_000) == b"HTTP/1.1 100 Continue\r\n\r\n"
        client.sendall(b"ok")
        assert json.loads(receive(client)[1])["body"] == "ok"


@pytest.mark.parametrize(
    "goodbye", [b"GET / HTTP/1.0\r\n\r\n", b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"]
)
def test_a_client_that_wants_no_more_is_let_go(server: DemoServer, goodbye: bytes) -> None:
    with server.connect() as client:
        client.sendall(goodbye)
        assert receive(client)[0].status == 200
        assert client.recv(1) == b""


def test_answers_without_a_body_have_none(server: DemoServer) -> None:
    with server.connect() as client:
        client.sendall(b"HEAD / HTTP/1.1\r\nHost: a\r\n\r\nGET /empty HTTP/1.1\r\nHost: a\r\n\r\n" + _HELLO)
        answers = read_answers(client, [b'"hello"'])
    assert [line for line in answers.split(b"\r\n") if line.startswith(b"HTTP")] == [
        b"HTTP/1.1 200 OK",
        b"HTTP/1.1 204 No Content",
        b"HTTP/1.1 200 OK",
    ]
    assert answers.count(b'"hello"') == 1


def test_the_environ_says_what_was_asked(server: DemoServer) -> None:
    request = (
        "POST /environ/%E4%BB%98%2F%FF?a=%2F HTTP/1.1\r\nHost: pay.example\r\nContent-Type: text/plain\r\n"
        "Cookie: a=1\r\nCookie: b=2\r\nX-Twice: 1\r\nX-Twice: 2\r\nX_Sneaky: 1\r\nX-Forwarded-For: 203.0.113.9\r\n"
        "Content-Length: 2\r\n\r\nok"
    )
    environ = json.loads(server.send(request.encode())[1])
    assert environ["REQUEST_METHOD"] == "POST"
    assert environ["PATH_INFO"].encode("latin-1") == b"/environ/\xe4\xbb\x98/\xff"
    assert environ["QUERY_STRING"] == "a=%2F"
    assert environ["HTTP_HOST"] == "pay.example"
    assert environ["HTTP_COOKIE"] == "a=1; b=2"
    assert environ["HTTP_X_TWICE"] == "1,2"
    assert "HTTP_X_SNEAKY" not in environ
    assert environ["CONTENT_TYPE"] == "text/plain"
    assert environ["CONTENT_LENGTH"] == "2"
    assert environ["SERVER_PORT"] == str(server.port)
    assert environ["REMOTE_ADDR"] == "127.0.0.1"
    assert environ["wsgi.url_scheme"] == "http"


def test_only_a_trusted_proxy_speaks_for_its_clients(start_server: Callable[..., DemoServer]) -> None:
    server = start_server(settings={"trusted_proxies": ["127.0.0.1"]})
    forwarded = b"X-Forwarded-For: 203.0.113.9\r\nX-Forwarded-Proto: https\r\n"
    environ = json.loads(server.send(b"GET /environ HTTP/1.1\r\nHost: a\r\n" + forwarded + b"\r\n")[1])
    assert environ["REMOTE_ADDR"] == "203.0.113.9"
    assert environ["wsgi.url_scheme"] == "https"


@pytest.mark.parametrize("path", ["/breaks", "/breaks-half-way"])
def test_an_application_that_breaks_is_a_500_and_nothing_more(server: DemoServer, path: str) -> None:
    with server.connect() as client:
        client.sendall(f"GET {path} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
        response, body = receive(client)
    assert response.status == 500
    assert json.loads(body)["type"] == "/v1/problems/internal-error"
    assert b"on purpose" not in body
    assert server.get("/") == (200, "hello")


def test_a_large_answer_arrives_whole(server: DemoServer) -> None:
    status, text = server.get("/large/3000000")
    assert (status, len(text)) == (200, 3_000_000)


def test_as_many_requests_run_at_once_as_there_are_threads(server: DemoServer) -> None:
    began = time.monotonic()
    with ThreadPoolExecutor(8) as clients:
        statuses = list(clients.map(lambda _: server.get("/sleep/0.4")[0], range(8)))
    assert statuses == [200] * 8
    assert time.monotonic() - began < 8 * 0.4 * slowness()
