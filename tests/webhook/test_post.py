"""One request to a receiver that may be anything: slow, huge, somewhere else, or lying about its name."""

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from authsvc.webhook.delivery import Outcome, Trouble
from authsvc.webhook.guard import LOOPBACK, Guard
from authsvc.webhook.post import SMALL_ANSWER, Postman
from tests.caller.playing import Played, Service
from tests.support.ports import free_port
from tests.support.receiver import Receiver, Told
from tests.support.slowness import slowness

BODY = b'{"type":"receipt:consumed"}'
HEADERS = {"webhook-id": "evt_1"}


def postman(seconds: float = 60.0, **options: object) -> Postman:
    given = {"connect_seconds": seconds, "whole_seconds": seconds, **options}
    return Postman(Guard(LOOPBACK), **given)  # type: ignore[arg-type]  # Tests name the options they change.


def post(url: str, by: Postman | None = None) -> Outcome:
    with (by or postman()).line(url) as line:
        return line.post(HEADERS, BODY)


@contextmanager
def raw_server(talk: Callable[[socket.socket], None]) -> Iterator[str]:
    """A server that speaks whatever `talk` does with a connection."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            connection, _ = listener.accept()
            with connection:
                try:
                    talk(connection)
                except OSError:
                    return

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/hook"
        thread.join(60)
        assert not thread.is_alive(), "the connection was not ended"


def read_request(connection: socket.socket) -> None:
    """To its end: what is left unread when a connection closes takes the answer with it."""
    came = b""
    while not came.endswith(BODY) and not came.startswith(b"\x16"):
        came += connection.recv(65536) or BODY


def test_the_body_arrives_byte_by_byte_with_its_headers():
    with Receiver() as receiver:
        outcome = post(receiver.url)
        [came] = receiver.received
    assert (outcome.status, outcome.trouble) == (200, None)
    assert (came.body, came.path, came.id) == (BODY, "/hook", "evt_1")
    assert came.headers["host"] == f"127.0.0.1:{receiver.port}"
    assert came.headers["content-type"] == "application/json"


def test_a_connection_is_used_again():
    with Receiver() as receiver, postman().line(receiver.url) as line:
        assert [line.post(HEADERS, BODY).status for _ in range(5)] == [200] * 5
        assert receiver.connections == 1


def test_a_connection_that_the_receiver_has_closed_is_opened_anew():
    with (
        Receiver(lambda received: Told(headers={"Connection": "close"})) as receiver,
        postman().line(receiver.url) as line,
    ):
        assert [line.post(HEADERS, BODY).status for _ in range(3)] == [200] * 3
        assert receiver.connections == 3


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_no_redirect_is_followed(status):
    with (
        Receiver() as elsewhere,
        Receiver(lambda received: Told(status, {"Location": elsewhere.url})) as receiver,
    ):
        assert post(receiver.url).status == status
        assert not elsewhere.received


def test_a_huge_answer_is_not_read():
    with Receiver(lambda received: Told(body=b"x" * 50_000_000)) as receiver:
        began = time.monotonic()
        outcome = post(receiver.url)
        assert outcome.status == 200
        assert time.monotonic() - began < 4 * slowness()


def test_an_answer_without_end_is_not_read():
    def talk(connection: socket.socket) -> None:
        read_request(connection)
        connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        while True:
            connection.sendall(b"1000\r\n" + b"x" * 0x1000 + b"\r\n")

    with raw_server(talk) as url:
        assert post(url).status == 200


def test_a_small_answer_that_never_comes_whole_counts_by_its_status():
    def talk(connection: socket.socket) -> None:
        read_request(connection)
        connection.sendall(f"HTTP/1.1 204 OK\r\nContent-Length: {SMALL_ANSWER}\r\n\r\nhalf".encode())
        connection.recv(1)

    with raw_server(talk) as url:
        assert post(url, postman(0.5 * slowness())).status == 204


def test_a_status_that_is_dripped_is_cut_off():
    def talk(connection: socket.socket) -> None:
        read_request(connection)
        for byte in b"HTTP/1.1 200 OK\r\nX-Long: " + b"x" * 1000:
            connection.sendall(bytes([byte]))
            time.sleep(0.05)

    with raw_server(talk) as url:
        outcome = post(url, postman(0.6))
    assert (outcome.status, outcome.trouble) == (None, Trouble.TOO_SLOW)
    assert outcome.duration < timedelta(seconds=4 * slowness())


def test_a_handshake_that_is_dripped_is_cut_off():
    def talk(connection: socket.socket) -> None:
        read_request(connection)
        connection.sendall(b"\x16\x03\x03\x40\x00")
        for _ in range(1000):
            connection.sendall(b"\x02")
            time.sleep(0.05)

    with raw_server(talk) as url:
        outcome = post(url.replace("http:", "https:"), postman(0.6))
    assert outcome.trouble is Trouble.TOO_SLOW


def test_silence_is_too_slow():
    def talk(connection: socket.socket) -> None:
        read_request(connection)
        connection.recv(1)

    with raw_server(talk) as url:
        assert post(url, postman(0.4)).trouble is Trouble.TOO_SLOW


@pytest.mark.parametrize(
    "said", [b"", b"SSH-2.0-OpenSSH\r\n", b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 500, b"HTTP/1.1 abc\r\n\r\n"]
)
def test_what_is_no_answer_is_none(said):
    def talk(connection: socket.socket) -> None:
        read_request(connection)
        connection.sendall(said)

    with raw_server(talk) as url:
        outcome = post(url)
    assert (outcome.status, outcome.trouble) == (None, Trouble.NO_ANSWER)


def test_nobody_there_is_unreachable():
    assert post(f"http://127.0.0.1:{free_port()}/").trouble is Trouble.UNREACHABLE


def test_a_name_that_nobody_has_is_not_found():
    by = postman()
    by.guard = Guard(LOOPBACK, _nobody)
    assert post("https://nobody.example/", by).trouble is Trouble.NAME_NOT_FOUND


def _nobody(host: str, port: int) -> list[str]:
    raise socket.gaierror(socket.EAI_NONAME, "no such name")


def test_a_private_address_is_never_connected_to():
    with Receiver() as receiver:
        private = Postman(Guard(resolve=lambda host, port: ["127.0.0.1"]))
        for url in (f"https://shop.example:{receiver.port}/", f"https://127.0.0.1:{receiver.port}/"):
            assert post(url, private).trouble is Trouble.ADDRESS_NOT_ALLOWED
        assert receiver.connections == 0


def test_the_address_is_checked_again_whenever_it_is_connected_to():
    answers = iter([["127.0.0.1"], ["10.0.0.1"]])
    by = postman()
    by.guard = Guard(LOOPBACK, lambda host, port: next(answers))
    with (
        Receiver(lambda received: Told(headers={"Connection": "close"})) as receiver,
        by.line(f"http://localhost:{receiver.port}/") as line,
    ):
        assert line.post(HEADERS, BODY).status == 200
        assert line.post(HEADERS, BODY).trouble is Trouble.ADDRESS_NOT_ALLOWED
        assert len(receiver.received) == 1


def test_a_certificate_must_be_trusted_and_of_the_name(tmp_path: Path):
    with Service(tls=tmp_path) as service:
        trusting = ssl.create_default_context(cafile=str(tmp_path / "certificate.pem"))
        service.plays(Played(200, {}))
        assert post(service.url, postman(tls=trusting)).status == 200
        assert post(service.url).trouble is Trouble.TLS_FAILED
        named = postman(tls=trusting)
        named.guard = Guard(LOOPBACK, lambda host, port: ["127.0.0.1"])
        # It is this machine that answers, and its certificate is for 127.0.0.1.
        other = service.url.replace("127.0.0.1", "shop.example")
        assert post(other, named).trouble is Trouble.TLS_FAILED


def test_a_wish_to_wait_is_heard():
    with Receiver(lambda received: Told(503, {"Retry-After": "120"})) as receiver:
        assert post(receiver.url).retry_after == timedelta(seconds=120)


def test_a_proxy_in_the_environment_is_not_asked(monkeypatch: pytest.MonkeyPatch):
    with Receiver() as receiver, Receiver() as proxy:
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
            monkeypatch.setenv(name, proxy.url)
        assert post(receiver.url).status == 200
        assert not proxy.received
