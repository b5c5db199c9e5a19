"""A payment backend's webhook endpoint on a free port of 127.0.0.1: keeps what came, and answers as it is told."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

from authsvc.caller.webhooks import Webhook, verify_webhook


@dataclass(frozen=True)
class Received:
    """One request, whatever was answered to it."""

    path: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]

    @property
    def json(self) -> Any:  # Any: the tests know what they asked for.
        return json.loads(self.body)

    def verified(self, secret: str, now: datetime | None = None) -> Webhook:
        """The webhook, by the client's own check; raises WebhookRefused."""
        return verify_webhook(self.headers, self.body, secret, now or datetime.now(UTC))


@dataclass(frozen=True)
class Told:
    """An answer of the receiver."""

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    # A connection that finds no room is tried again after a second, which no test here means to wait for.
    request_queue_size = 128


class Receiver:
    """`answer` is asked for each request; by default everything is fine."""

    def __init__(self, answer: Callable[[Received], Told] = lambda received: Told()) -> None:
        self.answer = answer
        self.received: list[Received] = []
        self.connections = 0
        self._came = threading.Condition()
        self._server = _Server(("127.0.0.1", 0), self._handler())
        self.port = self._server.server_port
        self.url = f"http://127.0.0.1:{self.port}/hook"

    def wait_for(self, count: int, seconds: float = 90.0) -> list[Received]:
        """What came, once it is so many; raises AssertionError when it does not become so many."""
        with self._came:
            done = self._came.wait_for(lambda: len(self.received) >= count, seconds)
            assert done, f"{len(self.received)} of {count} webhooks came"
            return list(self.received)

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def _keep(self, received: Received) -> None:
        with self._came:
            self.received.append(received)
            self._came.notify_all()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            timeout = 20

            def setup(self) -> None:
                super().setup()
                receiver.connections += 1

            def handle(self) -> None:
                # A sender that cuts the connection off is the point of some tests.
                try:
                    super().handle()
                except OSError:
                    self.close_connection = True

            def do_POST(self) -> None:  # The name that http.server calls.
                body = self.rfile.read(int(self.headers["Content-Length"]))
                received = Received(self.path, {k.lower(): v for k, v in self.headers.items()}, body)
                receiver._keep(received)
                told = receiver.answer(received)
                self.send_response(told.status)
                for name, value in {"Content-Length": str(len(told.body)), **told.headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(told.body)

            def log_message(self, *_: object) -> None:
                pass

        return Handler
