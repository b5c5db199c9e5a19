"""A service for a demo or a drill: started in a folder that is thrown away, asked over HTTP, and ended with it."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any, Self

from authsvc.caller.wire import Wire
from authsvc.errors import AuthsvcError, Unavailable

PATIENCE = 120.0
"""Seconds until the service must be ready, its face engine included."""


class OwnService:
    """`authsvc serve --development` on a free port. `model_dir` holds the prepared weights."""

    def __init__(self, model_dir: Path) -> None:
        self._model_dir = model_dir
        self._cleanup = ExitStack()
        self._data_dir = self._log = Path()
        self._process: subprocess.Popen[bytes] | None = None
        self.url = self.public_url = ""
        self.api_key = ""
        self.health: Mapping[str, Any] = {}  # Any: what /readyz says, for the reader.

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="authsvc-own-")))
            self._data_dir, self._log = folder / "data", folder / "log"
            stack.callback(self._end)
            self._start()
            self._cleanup = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._cleanup.close()

    def audit_is_sound(self) -> Mapping[str, Any]:
        """The report of `authsvc audit verify` on this service's own log, while it runs."""
        arguments = ["audit", "verify", "--data-dir", str(self._data_dir), "--json"]
        done = subprocess.run(
            [program(), *arguments], env=environment(), capture_output=True, text=True, timeout=60
        )
        try:
            report: Mapping[str, Any] = json.loads(done.stdout)
        except ValueError:
            raise Unavailable(f"`authsvc audit verify` failed: {done.stderr.strip()[-300:]}") from None
        return report

    def write(self, statement: str, given: Mapping[str, str]) -> None:
        """Change the database behind the service's back, as somebody might who has its file and no key."""
        with closing(sqlite3.connect(self._data_dir / "authsvc.db", timeout=10)) as raw, raw:
            raw.execute(statement, given)

    def complaints(self) -> str:
        """The end of the service's log, without the lines about single requests."""
        lines = self._log.read_text(errors="replace").splitlines()
        return "\n".join([line for line in lines if not line.startswith("{")][-20:])

    def options(self) -> list[str]:
        """What this service is started with besides its folders."""
        return ["--development"]

    def prepare(self) -> None:
        """What must be in the folder before; development makes it all by itself."""

    def _start(self) -> None:
        self.prepare()
        arguments = ["serve", *self.options(), "--json", "--host", "127.0.0.1", "--port", "0"]
        arguments += ["--data-dir", str(self._data_dir), "--model-dir", str(self._model_dir)]
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [program(), *arguments], env=environment(), stdout=subprocess.PIPE, stderr=log
            )
        deadline = time.monotonic() + PATIENCE
        facts = self._announced()
        self.url, self.api_key = facts["listening"], facts.get("api_key", self.api_key)
        self.public_url = facts["open"]
        while not self._is_ready():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise Unavailable(f"the service did not get ready:\n{self.complaints()}")
            time.sleep(0.1)

    def _announced(self) -> Mapping[str, str]:
        """The first line that the service says once it listens."""
        if self._process is None or self._process.stdout is None:
            raise LookupError("the service was not started")
        line = self._process.stdout.readline()
        if not line:
            raise Unavailable(f"the service did not start:\n{self.complaints()}")
        facts: Mapping[str, str] = json.loads(line)
        return facts

    def _is_ready(self) -> bool:
        self.health = health_of(self.url)
        return "engine" in self.health.get("face", {})

    def _end(self) -> None:
        process = self._process
        if process is None:
            return
        process.terminate()
        try:
            process.wait(timeout=15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stdout is not None:
            process.stdout.close()


def program() -> str:
    """The `authsvc` beside this very Python, or the one on the path."""
    beside = Path(sys.executable).with_name("authsvc")
    found = str(beside) if beside.exists() else shutil.which("authsvc")
    if found is None:
        raise Unavailable("the command `authsvc` is not installed beside this Python")
    return found


def environment() -> dict[str, str]:
    """This process's environment without our settings: a demo never touches the database that an operator configured."""
    return {name: value for name, value in os.environ.items() if not name.startswith("AUTHSVC_")}


def health_of(url: str) -> Mapping[str, Any]:
    """What /readyz says; nothing while nobody answers or it is not ready."""
    try:
        return Wire(url, None, timeout=5.0, tries=1).get("/readyz").value
    except AuthsvcError:
        return {}
