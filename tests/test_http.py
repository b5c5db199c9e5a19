"""HTTP as servers speak it: interim answers, pauses as seconds and as dates, IPv6 in addresses."""

import re
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from authsvc.caller.wire import Wire
from authsvc.errors import Unavailable
from authsvc.http import TRACE, Trace, netloc, retry_after, trace_of, traced
from authsvc.webhook.delivery import Outcome, Trouble
from authsvc.webhook.guard import LOOPBACK, Guard
from authsvc.webhook.post import Postman

NOON = datetime(2026, 11, 29, 12, 0, tzinfo=UTC)
OK = b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 11\r\n\r\n{"good": 1}'
INTERIM = {
    "100": b"HTTP/1.1 100 Continue\r\n\r\n",
    "102": b"HTTP/1.1 102 Processing\r\n\r\n",
    "103": b"HTTP/1.1 103 Early Hints\r\nLink: </a>; rel=preload\r\nRetry-After: 5\r\n\r\n",
    "104": b"HTTP/1.1 104 Upload Resumption Supported\r\n\r\n",
    "199": b"HTTP/1.1 199 Whatever\r\nContent-Length: 0\r\n\r\n",
    "102, 103, 100": b"HTTP/1.1 102 P\r\n\r\nHTTP/1.1 103 E\r\nLink: </b>\r\n\r\nHTTP/1.1 100 C\r\n\r\n",
}


@contextmanager
def answering(*answers: bytes) -> Iterator[str]:
    """A server that gives one connection these answers, one to each request."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            connection, _ = listener.accept()
            with connection:
                for answer in answers:
                    _read_request(connection)
                    connection.sendall(answer)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        thread.join(60)


def _read_request(connection: socket.socket) -> None:
    came = b""
    while not came.endswith(b"{}" if came.startswith(b"POST") else b"\r\n\r\n"):
        came += connection.recv(65536) or b"{}\r\n\r\n"


def told(url: str, times: int = 1) -> list[Outcome]:
    postman = Postman(Guard(LOOPBACK), connect_seconds=60, whole_seconds=60)
    with postman.line(f"{url}/hook") as line:
        return [line.post({"webhook-id": "evt_1"}, b"{}") for _ in range(times)]


@pytest.mark.parametrize("interim", INTERIM.values(), ids=INTERIM.keys())
def test_a_webhook_is_delivered_by_the_final_answer(interim: bytes) -> None:
    with answering(interim + OK, OK, interim + OK) as url:
        assert [outcome.status for outcome in told(url, 3)] == [200, 200, 200]


@pytest.mark.parametrize("interim", INTERIM.values(), ids=INTERIM.keys())
def test_the_client_reads_the_final_answer(interim: bytes) -> None:
    with answering(interim + OK, interim + OK) as url:
        wire = Wire(url, None, timeout=60.0, tries=1)
        assert [wire.get("/x").value for _ in range(2)] == [{"good": 1}, {"good": 1}]
        wire.close()


@pytest.mark.parametrize(
    "answer", [INTERIM["103"], INTERIM["102"] * 50 + OK, b"HTTP/1.1 103 Early Hints\r\nLink"]
)
def test_interim_answers_alone_are_no_answer(answer: bytes) -> None:
    with answering(answer) as url:
        [outcome] = told(url)
        assert outcome.status is None
        assert outcome.trouble in (Trouble.NO_ANSWER, Trouble.TOO_SLOW)
    with answering(answer) as url, pytest.raises(Unavailable):
        Wire(url, None, timeout=1.0, tries=1).get("/x")


def test_a_switch_of_protocols_that_nobody_asked_for_is_no_success() -> None:
    with answering(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n") as url:
        [outcome] = told(url)
        assert not outcome.is_success


def at(seconds: float) -> str:
    return format_datetime(NOON + timedelta(seconds=seconds), usegmt=True)


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        ("600", 600),
        ("0", 0),
        (" 30 ", 30),
        (at(600), 600),
        (at(-600), 0),
        ("Sunday, 29-Nov-26 12:10:00 GMT", 600),
        ("Sun Nov 29 12:10:00 2026", 600),
        ("9" * 400, 366 * 86_400),
        ("", None),
        ("soon", None),
        ("-5", None),
        ("1.5", None),
        ("１２０", None),
        ("Sun, 99 Nov 2026 12:10:00 GMT", None),
    ],
)
def test_a_pause_is_seconds_or_a_date(said: str, seconds: int | None) -> None:
    assert retry_after({"Retry-After": said}, NOON) == seconds


@pytest.mark.parametrize("ahead", [-86_400, -60, 0, 60, 86_400])
def test_a_date_is_held_against_the_clock_of_whoever_said_it(ahead: float) -> None:
    assert retry_after({"Retry-After": at(ahead + 120), "Date": at(ahead)}, NOON) == 120


def _busy(retry: str) -> bytes:
    return f"HTTP/1.1 503 Busy\r\nRetry-After: {retry}\r\nContent-Length: 0\r\n\r\n".encode()


def _in_ten_minutes() -> str:
    return format_datetime(datetime.now(UTC) + timedelta(seconds=600), usegmt=True)


@pytest.mark.parametrize("said", [lambda: "600", _in_ten_minutes])
def test_receivers_and_services_are_heard_alike(said: Callable[[], str]) -> None:
    with answering(_busy(said())) as url:
        [outcome] = told(url)
        assert outcome.retry_after is not None
        assert abs(outcome.retry_after.total_seconds() - 600) <= 30
    with answering(_busy(said())) as url, pytest.raises(Unavailable) as refused:
        Wire(url, None, timeout=60.0, tries=1).get("/x")
    assert abs(float(str(refused.value.extra["retry_after"])) - 600) <= 30


@pytest.mark.parametrize(
    ("host", "written"),
    [
        ("::1", "[::1]:8080"),
        ("2001:db8::7", "[2001:db8::7]:8080"),
        ("::", "[::]:8080"),
        ("fe80::1%eth0", "[fe80::1%eth0]:8080"),
        ("::ffff:192.0.2.1", "[::ffff:192.0.2.1]:8080"),
        ("127.0.0.1", "127.0.0.1:8080"),
        ("auth.example", "auth.example:8080"),
    ],
)
def test_an_address_can_be_pasted_into_a_browser(host: str, written: str) -> None:
    assert netloc(host, 8080) == written


@pytest.mark.parametrize(
    ("sent", "is_kept"),
    [
        ("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", True),
        ("cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-later", True),
        ("ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", False),
        ("00-00000000000000000000000000000000-b7ad6b7169203331-01", False),
        ("00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01", False),
        ("00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01", False),
        ("", False),
        ("x" * 9000, False),
    ],
)
def test_a_trace_that_came_in_goes_on(sent: str, is_kept: bool):
    found = trace_of("req_1", sent)
    assert found.request == "req_1"
    assert re.fullmatch("[0-9a-f]{32}", found.id)
    assert (found.id == "0af7651916cd43dd8448eb211c80319c") is is_kept
    assert found.flags == (sent[53:55] if is_kept else "00")


def test_what_is_asked_of_others_is_of_the_same_trace():
    trace = Trace("req_1", "0af7651916cd43dd8448eb211c80319c", "01")
    first, second = trace.parent(), trace.parent()
    assert first != second
    assert replace(trace_of("req_1", first), span="") == trace
    within = replace(trace, span="b7ad6b7169203331")
    assert trace_of("req_1", within.parent()) == within


def test_outside_of_a_request_nothing_belongs_to_it():
    inner, outer = Trace("req_2", "b" * 32), Trace("req_1", "a" * 32)
    with traced(outer):
        with traced(inner):
            assert inner == TRACE.get()
        assert outer == TRACE.get()
    assert TRACE.get() is None
