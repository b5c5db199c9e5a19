"""Whoever has shown nothing costs next to nothing: not memory, not a thread, not another's upload."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest

from tests.guarantees.people import Shop
from tests.support.live import LiveService
from tests.support.slowness import slowness

ANNOUNCED = 43 * 2**20
MEBIBYTE = b"x" * 2**20
MOST_GROWTH = 64 * 2**20
"""For 24 of them in all processes together: what a few hundred kilobytes each come to, with the allocator's slack."""

NOBODY = {
    "no such call": "POST /healthz",
    "a capture with no token": "PUT /v1/challenges/chl_{id}/steps/face",
    "a capture with a token of nothing": "PUT /v1/challenges/chl_{id}/steps/face\r\nAuthorization: Challenge ct_{token}",
    "an enrollment's": "PUT /v1/enrollments/enr_{id}/steps/face\r\nAuthorization: Enrollment et_{token}",
    "a backend's with a key of nothing": "POST /v1/decisions\r\nAuthorization: Bearer ak_0123456789ab_{token}",
    "a policy's": "POST /v1/policies\r\nAuthorization: Operator os_0123456789ab_{token}",
    "a form of the console": "POST /console/sign-in\r\nContent-Type: application/x-www-form-urlencoded",
    "a page's capture": "PUT /c/chl_{id}/steps/face",
    "nothing there": "POST /nothing",
}


@pytest.mark.parametrize("request_line", NOBODY.values(), ids=NOBODY.keys())
def test_24_strangers_with_43_mebibytes_each_are_not_held_in_memory(
    embedded_service: LiveService, request_line: str
) -> None:
    _are_not_held(embedded_service, request_line)


def test_nor_are_they_before_postgresql(networked_service: LiveService) -> None:
    _are_not_held(networked_service, NOBODY["a capture with a token of nothing"])


def _are_not_held(service: LiveService, request_line: str) -> None:
    web = service.web_processes()
    before = sum(each.memory_info().rss for each in web)
    with _strangers(service.port, request_line) as strangers:
        for stranger in strangers:
            _pour(stranger, 42)
        grown = sum(each.memory_info().rss for each in web) - before
        health = service.ask("GET", "/healthz")
        assert health.status == 200
        assert health.seconds < 2 * slowness()
        assert grown < MOST_GROWTH, f"{grown / 2**20:.0f} MiB"
        refused = [_status(stranger) for stranger in strangers]
    assert set(refused) <= {400, 401, 404, 405, 413, 503, None}
    assert sum(status is None for status in refused) <= 2


def test_a_backend_is_served_while_strangers_pour(service: LiveService) -> None:
    shop = Shop(service)
    with _strangers(service.port, "PUT /v1/challenges/chl_{id}/steps/face") as strangers:
        for stranger in strangers:
            _pour(stranger, 2)
        began = time.monotonic()
        answers = [shop.get("/v1/users/u_nobody/status") for _ in range(20)]
    assert {answer.status for answer in answers} == {404}
    assert time.monotonic() - began < 10 * slowness()


@contextmanager
def _strangers(port: int, request_line: str) -> Iterator[list[socket.socket]]:
    line, _, headers = request_line.format(id="a" * 24, token="t" * 43).partition("\r\n")
    head = f"{line} HTTP/1.1\r\nHost: x\r\n{headers + chr(13) + chr(10) if headers else ''}Content-Length: {ANNOUNCED}\r\n\r\n"
    opened = []
    try:
        for _ in range(24):
            client = socket.create_connection(("127.0.0.1", port), timeout=60)
            client.sendall(head.encode())
            opened.append(client)
        yield opened
    finally:
        for client in opened:
            client.close()


def _pour(client: socket.socket, mebibytes: int) -> None:
    """As much as is taken: whoever was hung up on, or is not read from, sends no more."""
    client.settimeout(0.5)
    with suppress(OSError):
        for _ in range(mebibytes):
            client.sendall(MEBIBYTE)


def _status(client: socket.socket) -> int | None:
    client.settimeout(60)
    try:
        first = client.recv(15)
    except OSError:
        return None
    return int(first.split()[1]) if first.startswith(b"HTTP/1.1 ") else None
