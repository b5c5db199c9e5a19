"""The application that the server is tested with: each path shows one thing a server can get wrong.

Run as `python -m tests.serving.demo PORT OPTIONS`, where OPTIONS is JSON: `settings` for the server, `folder` for what
the processes leave behind, `sides` as names of side processes, `broken` for an application that cannot be made.
"""

from __future__ import annotations

import json
import logging
import os
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from authsvc.serving.admission import admit_body
from authsvc.serving.process import SideProcess
from authsvc.serving.server import run
from authsvc.serving.settings import ServerSettings
from authsvc.serving.tls import TlsFiles
from authsvc.serving.waiting import hold, is_first_look

Environ = dict[str, Any]
Start = Callable[[str, list[tuple[str, str]]], Callable[[bytes], object]]


class Demo:
    """A plain WSGI application; `close()` leaves a file behind."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.first_looks = self.looks = 0

    def __call__(self, environ: Environ, start: Start) -> Iterator[bytes] | list[bytes]:
        headers = [("Content-Type", "application/json")]
        path, _, argument = environ["PATH_INFO"].removeprefix("/").partition("/")
        match path:
            case "pid":
                answer: object = os.getpid()
            case "environ":
                answer = {key: value for key, value in environ.items() if isinstance(value, str | bool)}
            case "echo":
                answer = {"method": environ["REQUEST_METHOD"], "body": environ["wsgi.input"].read().decode()}
            case "capture" if "HTTP_AUTHORIZATION" not in environ:
                start("401 Unauthorized", [*headers, ("Content-Length", "2")])
                return [b"{}"]
            case "capture":
                admit_body(environ, environ["HTTP_AUTHORIZATION"], int(argument or 1_000_000))
                answer = len(environ["wsgi.input"].read())
            case "dated":
                start("200 OK", [("Date", "Sun, 29 Nov 2026 12:00:00 GMT"), ("Content-Length", "0")])
                return [b""]
            case "sleep":
                self._mark(path)
                time.sleep(float(argument))
                answer = "slept"
            case "until":
                self._mark(path)
                while not (self.folder / argument).exists():
                    time.sleep(0.02)
                answer = "slept"
            case "held":
                if is_first_look(environ):
                    self._mark(path)
                self.looks, self.first_looks = self.looks + 1, self.first_looks + is_first_look(environ)
                again = hold(environ, float(argument), every=0.1)
                if again is not None:
                    start("200 OK", list(again.items()))
                    return [b"never sent"]
                answer = "held"
            case "looks":
                answer = [self.looks, self.first_looks]
            case "large":
                answer = "x" * int(argument)
            case "breaks":
                raise RuntimeError("broken on purpose")
            case "breaks-half-way":
                start("200 OK", headers)
                return _half_an_answer()
            case "empty":
                start("204 No Content", [])
                return []
            case _:
                answer = "hello"
        body = json.dumps(answer).encode()
        start("200 OK", [*headers, ("Content-Length", str(len(body)))])
        return [body]

    def _mark(self, path: str) -> None:
        """Say that a request has come this far."""
        (self.folder / f"{path}-{os.getpid()}-{time.monotonic_ns()}").touch()

    def close(self) -> None:
        (self.folder / f"closed-{os.getpid()}").touch()


def _half_an_answer() -> Iterator[bytes]:
    yield b"half"
    raise RuntimeError("broken on purpose")


def make(folder: Path, *, broken: bool) -> Demo:
    if broken:
        raise RuntimeError("no application today")
    return Demo(folder)


def stay(folder: Path, name: str) -> None:
    """A side process that says where it is and stays."""
    (folder / f"{name}-{os.getpid()}").touch()
    while True:
        time.sleep(60)


def main() -> None:
    logging.basicConfig(level="INFO")
    options = json.loads(sys.argv[2])
    folder = Path(options["folder"])
    sides = [SideProcess(name, partial(stay, folder, name)) for name in options.get("sides", [])]
    sides += [SideProcess(name, command, nice=5) for name, command in options.get("commands", {}).items()]
    stated = options.get("settings", {})
    if "tls" in stated:
        stated["tls"] = TlsFiles(**{name: Path(each) for name, each in stated["tls"].items()})
    settings = ServerSettings(port=int(sys.argv[1]), **stated)
    run(settings, partial(make, folder, broken=options.get("broken", False)), sides)


if __name__ == "__main__":
    main()
