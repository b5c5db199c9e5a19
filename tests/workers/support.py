"""A worker of the tests' own, in a process of its own, whose handlers sleep, crash, count and fail on demand."""

import ctypes
import multiprocessing
import os
import signal
import socket
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from multiprocessing.process import BaseProcess
from pathlib import Path

import psutil

from authsvc.errors import Locked
from authsvc.factor import Json
from authsvc.workers.messages import Answer, Job
from authsvc.workers.protocol import encode, send
from authsvc.workers.server import serve

SOON = timedelta(seconds=60)
SLACK = 0.5
"""What a machine may add to a time-out, `slowness()` times."""


def echo(header: Json, blobs: Sequence[bytes]) -> Answer:
    return header, blobs


def sleep(header: Json, blobs: Sequence[bytes]) -> Answer:
    """Leaves a mark in `folder` that it was run, and sleeps for `seconds`, or until there is a file `go`."""
    folder = Path(str(header["folder"]))
    (folder / f"ran-{header['name']}").touch()
    ends = time.monotonic() + float(str(header["seconds"]))
    while time.monotonic() < ends and not (folder / "go").exists():
        time.sleep(0.01)
    return {}, ()


def refuse(header: Json, blobs: Sequence[bytes]) -> Answer:
    raise Locked("too many failures", retry_after=1800)


def fail(header: Json, blobs: Sequence[bytes]) -> Answer:
    raise ZeroDivisionError(f"payload {blobs!r}")


def crash(header: Json, blobs: Sequence[bytes]) -> Answer:
    ctypes.string_at(0)
    return {}, ()


def whoami(header: Json, blobs: Sequence[bytes]) -> Answer:
    return {"pid": os.getpid(), "nice": os.nice(0), "files": len(list(Path("/proc/self/fd").iterdir()))}, ()


def nonsense(header: Json, blobs: Sequence[bytes]) -> Answer:
    return {"score": float("nan")}, ()


HANDLERS = {
    "echo": echo, "sleep": sleep, "refuse": refuse, "fail": fail, "crash": crash, "whoami": whoami, "nonsense": nonsense,
}  # fmt: skip
ABOUT = {"engine": "none", "liveness": "off"}


@dataclass
class Worker:
    socket_path: Path
    process: BaseProcess

    def runners(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children()

    def signal(self, number: signal.Signals) -> None:
        assert self.process.pid is not None
        os.kill(self.process.pid, number)


@contextmanager
def running_worker(socket_path: Path, *, queue: int = 8, jobs: int = 1) -> Iterator[Worker]:
    context = multiprocessing.get_context("spawn")
    ready = context.Event()
    process = context.Process(target=_serve, args=(socket_path, queue, jobs, ready), daemon=True)
    process.start()
    try:
        assert ready.wait(90), "the worker did not come up"
        yield Worker(socket_path, process)
    finally:
        process.terminate()
        process.join(60)
        process.kill()
        process.join()


def _serve(socket_path: Path, queue: int, jobs: int, ready: "multiprocessing.synchronize.Event") -> None:
    serve(socket_path, HANDLERS, about=ABOUT, queue=queue, jobs=jobs, ready=ready.set)


CUT_OFF = 42


def ask_as_nobody(socket_path: Path) -> None:
    """Ask the worker as another user; exits with CUT_OFF when it ends the connection without an answer."""
    os.chdir(socket_path.parent)
    os.setuid(65534)
    with socket.socket(socket.AF_UNIX) as stranger:
        stranger.settimeout(60)
        stranger.connect(socket_path.name)
        try:
            send(stranger, encode(Job("about", time.monotonic() + 60, {}, ()).message()))
            answer = stranger.recv(1)
        except (ConnectionResetError, BrokenPipeError):
            answer = b""
    sys.exit(1 if answer else CUT_OFF)


def sleep_job(folder: Path, name: str, seconds: float) -> dict[str, object]:
    return {"folder": str(folder), "name": name, "seconds": seconds}


def kill_idle(runner: psutil.Process) -> None:
    """Return when the process is dead, and so its connection ended."""
    runner.kill()
    deadline = time.monotonic() + 60
    while runner.is_running() and runner.status() != psutil.STATUS_ZOMBIE:
        assert time.monotonic() < deadline, "it does not die"
        time.sleep(0.005)


def wait_for(path: Path) -> None:
    deadline = time.monotonic() + 60
    while not path.exists():
        assert time.monotonic() < deadline, f"`{path.name}` never came"
        time.sleep(0.005)
