"""Idle clients and clients that stop inside a body are not noticed by those who want a decision."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.client import HTTPConnection
from typing import Any

import pytest

from benchmarks.slow_clients import crowd
from tests.guarantees.people import Person, Shop

CROWD = 200
RATE = 50
SECONDS = 3
P99_S = 0.05
ROUNDS = 6


def test_two_hundred_idle_and_two_hundred_stalled_clients_delay_no_decision(shop: Shop) -> None:
    person = Person(shop)
    amid = calm = float("inf")
    # A busy test machine disturbs a moment, a server that can be stalled never gets well.
    for number in range(ROUNDS):
        with crowd(shop.live.port, {b"": CROWD, _stalled(shop): CROWD}):
            amid = min(amid, _p99(shop, person))
        if amid < P99_S:
            return
        # On a machine that is too busy for the number, a crowd must at least cost nothing beside having none, best by best.
        calm = min(calm, _p99(shop, person))
        if number >= 2 and amid < 1.5 * calm:
            return
    pytest.fail(f"99 of 100 decisions took up to {amid:.3f} s amid the crowd and {calm:.3f} s without it")


def _stalled(shop: Shop) -> bytes:
    """A decision request that ends after ten bytes of its body."""
    head = {
        "Host": "127.0.0.1",
        "Authorization": f"Bearer {shop.live.api_key}",
        "Content-Type": "application/json",
        "Idempotency-Key": '"stalled"',
        "Content-Length": "1000",
    }
    lines = [f"{name}: {value}" for name, value in head.items()]
    return "\r\n".join(["POST /v1/decisions HTTP/1.1", *lines, "", '{"transact']).encode()


def _p99(shop: Shop, person: Person) -> float:
    """Seconds from when a decision was due to when it was made, over a few connections that are kept alive."""
    bodies = [json.dumps(shop.payment(person, amount=2_500)).encode() for _ in range(RATE * SECONDS)]
    start = time.perf_counter() + 0.2
    with ThreadPoolExecutor(4) as senders:
        parts = senders.map(lambda sender: list(_decided(shop, bodies, start, sender)), range(4))
        waits = sorted(wait for part in parts for wait in part)
    return waits[len(waits) * 99 // 100]


def _decided(shop: Shop, bodies: list[bytes], start: float, sender: int) -> Iterator[float]:
    headers = {"Authorization": f"Bearer {shop.live.api_key}", "Content-Type": "application/json"}
    with _connected(shop.live.port) as connection:
        for number in range(sender, len(bodies), 4):
            due = start + number / RATE
            time.sleep(max(0.0, due - time.perf_counter()))
            once = {**headers, "Idempotency-Key": f'"{secrets.token_hex(8)}"'}
            connection.request("POST", "/v1/decisions", bodies[number], once)
            response = connection.getresponse()
            answer: Any = json.loads(response.read())
            assert (response.status, answer["status"]) == (201, "approved")
            yield time.perf_counter() - due


@contextmanager
def _connected(port: int) -> Iterator[HTTPConnection]:
    connection = HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        yield connection
    finally:
        connection.close()
