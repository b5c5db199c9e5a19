"""A running server with the demo application, in as many set-ups as the tests of a module need."""

from __future__ import annotations

import json
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.support.ports import free_port
from tests.support.server import Server
from tests.support.waiting import eventually

SMALL = {"threads": 4, "max_header_bytes": 4_096, "max_body_bytes": 10_000}
PATIENCE_S = 60.0
"""For whatever must happen, on however busy a machine; what must happen at once has a bound beside it."""


class DemoServer(Server):
    """The supervisor and its processes, as `authsvc serve` would run them."""

    def __init__(self, folder: Path, **options: Any) -> None:
        port = free_port()
        self.folder = folder
        command = [
            sys.executable,
            "-m",
            "tests.serving.demo",
            str(port),
            json.dumps({"folder": str(folder), **options}),
        ]
        super().__init__(command, port=port, log=folder / f"server-{port}.log")

    def answers(self) -> bool:
        try:
            return self.get("/") == (200, "hello")
        except OSError:
            return False

    def get(self, path: str) -> tuple[int, Any]:
        """Status and decoded JSON of a GET on a connection of its own."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_S)
        try:
            connection.request("GET", path)
            response = connection.getresponse()
            return response.status, json.loads(response.read())
        finally:
            connection.close()

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE_S)

    def send(self, data: bytes) -> tuple[HTTPResponse, bytes]:
        """The answer to these bytes; the connection is closed afterwards."""
        with self.connect() as client:
            client.sendall(data)
            return receive(client)

    def await_mark(self, name: str, count: int = 1) -> None:
        """Return when so many requests to `/NAME/…` are with the application."""
        eventually(lambda: len(list(self.folder.glob(f"{name}-*"))) >= count)

    def children(self) -> list[psutil.Process]:
        return psutil.Process(self.pid).children()


def receive(client: socket.socket) -> tuple[HTTPResponse, bytes]:
    """One answer from an open connection; nothing beyond it must have been sent yet."""
    response = HTTPResponse(client)
    response.begin()
    return response, response.read()


@pytest.fixture
def start_server(tmp_path: Path) -> Iterator[Callable[..., DemoServer]]:
    """Starts a server of the test's own with these options; it ends with the test."""
    with ExitStack() as stack:
        yield lambda **options: stack.enter_context(DemoServer(tmp_path, **options))


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DemoServer]:
    """A server that the module's tests share: two processes, small limits."""
    with DemoServer(tmp_path_factory.mktemp("server"), settings=SMALL) as running:
        yield running


@pytest.fixture(scope="module")
def hasty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DemoServer]:
    """The same with short deadlines, for whoever misses them on purpose."""
    deadlines = {"header_seconds": 0.5, "body_seconds": 0.6, "idle_seconds": 1}
    with DemoServer(tmp_path_factory.mktemp("hasty"), settings={**SMALL, **deadlines}) as running:
        yield running
