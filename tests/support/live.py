"""The real service in processes of its own, as `authsvc serve` runs it: started on a free port, asked over HTTP, ended.

For tests of what only real processes can break. Every request takes a connection of its own, so that any worker may get it.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any

import psutil

from tests.support.ports import free_port
from tests.support.server import Server

PROGRAM = str(Path(sys.executable).with_name("authsvc"))
PATIENCE_S = 60.0
BESIDE = ("backtests", "webhooks")
"""What runs beside the web processes under a name of its own."""
BIOMETRIC = "authsvc.workers.main"
"""A word of the command line of whatever holds models."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One HTTP answer. `seconds` is what the caller waited for it, the connection included."""

    status: int
    headers: Mapping[str, str]
    content: bytes
    seconds: float = field(compare=False)

    @property
    def json(self) -> Any:  # Any: the tests know what they asked for.
        return json.loads(self.content)

    @property
    def slug(self) -> str | None:
        """Which problem this is, or None for an answer that is none."""
        if self.headers.get("content-type") != "application/problem+json":
            return None
        return str(self.json["type"]).rsplit("/", 1)[-1]


PATIENT = {"AUTHSVC_QUEUE_TIMEOUT_MS": "15000", "AUTHSVC_CLIENT_THREADS": "256"}
"""A crowd of a test's own may take all threads, and on a busy machine may have to wait for one."""


class LiveService(Server):
    """`authsvc serve --development`; `folder` holds its data, its log and its temporary files."""

    def __init__(
        self,
        folder: Path,
        models: Path,
        *,
        workers: int = 4,
        database_url: str = "",
        redis_url: str = "",
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self._patient_until = 0.0
        self.data_dir = folder / "data"
        self.temp_dir = folder / "temp"
        self.database_url = database_url
        self.temp_dir.mkdir(parents=True, exist_ok=True)
        self.store_options = ["--data-dir", str(self.data_dir)]
        self.store_options += ["--database-url", database_url] if database_url else []
        port = free_port()
        # TMPDIR, so that whatever is written to a temporary file is found.
        variables = {"TMPDIR": str(self.temp_dir), **PATIENT, **(environment or {})}
        command = ["env", *(f"{name}={value}" for name, value in variables.items())]
        command += [PROGRAM, "serve", "--development", "--port", str(port), "--workers", str(workers)]
        command += ["--model-dir", str(models), *self.store_options]
        command += ["--redis-url", redis_url] if redis_url else []
        super().__init__(command, port=port, log=folder / "service.log")

    @property
    def api_key(self) -> str:
        return (self.data_dir / "development-api-key").read_text().strip()

    def answers(self) -> bool:
        try:
            return self.ask("GET", "/readyz", timeout=5).status == 200
        except (OSError, HTTPException):
            return False

    def ask(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        timeout: float = PATIENCE_S,
    ) -> Answer:
        """One request; raises OSError or HTTPException where no whole answer comes.

        Within `patiently`, a 503 is repeated, as a backend repeats it.
        """
        answer = self._ask_once(method, path, headers, body, timeout)
        while answer.status == 503 and time.monotonic() < self._patient_until:
            time.sleep(0.1)
            answer = self._ask_once(method, path, headers, body, timeout)
        return answer

    @contextmanager
    def patiently(self, seconds: float) -> Iterator[None]:
        """Whatever is answered 503 in these seconds is asked again: each process finds out by itself that an outage is over."""
        self._patient_until = time.monotonic() + seconds
        try:
            yield
        finally:
            self._patient_until = 0.0

    def _ask_once(
        self, method: str, path: str, headers: Mapping[str, str] | None, body: bytes | None, timeout: float
    ) -> Answer:
        began = time.perf_counter()
        connection = HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        try:
            connection.request(method, path, body, dict(headers or {}))
            response = connection.getresponse()
            content = response.read()
        finally:
            connection.close()
        named = {name.lower(): value for name, value in response.getheaders()}
        return Answer(response.status, named, content, time.perf_counter() - began)

    def await_face(self) -> None:
        """Return when the biometric worker has loaded its engine; raises RuntimeError when it does not."""
        deadline = time.monotonic() + 3 * PATIENCE_S
        while "engine" not in self.ask("GET", "/readyz").json["face"]:
            if time.monotonic() > deadline:
                raise RuntimeError(f"the biometric worker did not get ready:\n{self.log.read_text()[-2000:]}")
            time.sleep(0.1)

    def web_processes(self) -> list[psutil.Process]:
        """The processes that answer requests."""
        return [
            each
            for each, name, command in self._children()
            if BIOMETRIC not in command and name not in BESIDE
        ]

    def sender_process(self) -> psutil.Process:
        """The process that sends webhooks."""
        [found] = [each for each, name, _ in self._children() if name == "webhooks"]
        return found

    def biometric_process(self) -> psutil.Process:
        """The process that holds the models."""
        [found] = [each for each, _, command in self._children() if BIOMETRIC in command]
        return found

    def audit_report(self, patience_s: float = PATIENCE_S) -> dict[str, Any]:
        """What `authsvc audit verify` says of this service's log."""
        command = [PROGRAM, "audit", "verify", "--json", *self.store_options]
        done = subprocess.run(command, capture_output=True, text=True, timeout=patience_s)
        if not done.stdout:
            raise RuntimeError(f"`authsvc audit verify` failed: {done.stderr[-500:]}")
        report: dict[str, Any] = json.loads(done.stdout)
        return report

    def _children(self) -> Iterator[tuple[psutil.Process, str, list[str]]]:
        """Each with its name and its command line; one that has just ended has neither, and is left out."""
        for process in psutil.Process(self.pid).children():
            with suppress(psutil.NoSuchProcess):
                yield process, process.name(), process.cmdline()
