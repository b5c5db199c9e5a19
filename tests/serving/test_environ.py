"""The WSGI side of the server, without a network: PEP 3333, and the agreement on held requests."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any
from wsgiref.validate import validator

import pytest

from authsvc.serving.environ import call, environ_of

_SCOPE: Any = {
    "type": "http",
    "http_version": "1.1",
    "method": "POST",
    "scheme": "http",
    "raw_path": b"/pay%20me",
    "query_string": b"a=1",
    "headers": [(b"host", b"a"), (b"content-type", b"text/plain")],
    "client": ("127.0.0.1", 4_000),
    "server": ("127.0.0.1", 8_080),
}


def test_the_environ_satisfies_the_reference_checker() -> None:
    def application(environ: dict[str, Any], start: Callable[..., Any]) -> list[bytes]:
        body = environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))
        start("201 Created", [("Content-Type", "text/plain"), ("X-Case", "Kept")])
        return [environ["PATH_INFO"].encode(), b" ", body]

    answer = call(validator(application), environ_of(_SCOPE), b"now")
    assert answer.status == 201
    assert answer.headers == ((b"content-type", b"text/plain"), (b"x-case", b"Kept"))
    assert answer.body == b"/pay me now"


@pytest.mark.parametrize("name", ["Date", "date", "DATE"])
def test_a_date_of_the_applications_own_is_dropped_for_the_servers(name: str) -> None:
    def application(_: dict[str, Any], start: Callable[..., Any]) -> list[bytes]:
        start("200 OK", [(name, "Sun, 29 Nov 2026 12:00:00 GMT"), ("Last-Modified", "x"), ("X-Date", "y")])
        return []

    headers = call(application, environ_of(_SCOPE), b"").headers
    assert headers == ((b"last-modified", b"x"), (b"x-date", b"y"))


def test_the_old_way_of_writing_comes_before_what_is_returned() -> None:
    def application(_: dict[str, Any], start: Callable[..., Any]) -> list[bytes]:
        start("200 OK", [])(b"first ")
        return [b"second"]

    assert call(application, environ_of(_SCOPE), b"").body == b"first second"


def test_an_answer_is_closed_also_when_it_breaks() -> None:
    class Answer:
        closed = False

        def __iter__(self) -> Iterator[bytes]:
            yield b"half"
            raise RuntimeError("broken on purpose")

        def close(self) -> None:
            self.closed = True

    answer = Answer()

    def application(_: dict[str, Any], start: Callable[..., Any]) -> Answer:
        start("200 OK", [])
        return answer

    with pytest.raises(RuntimeError, match="on purpose"):
        call(application, environ_of(_SCOPE), b"")
    assert answer.closed


def test_an_unix_socket_or_unknown_peer_leaves_the_addresses_empty() -> None:
    nobody: Any = {**_SCOPE, "client": None, "server": None}
    environ = environ_of(nobody)
    assert (environ["REMOTE_ADDR"], environ["SERVER_NAME"], environ["SERVER_PORT"]) == ("", "", "")
