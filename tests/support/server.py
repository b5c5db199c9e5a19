"""A server program of the test run's own: started, frozen, thawed, killed, started again, and always ended."""

import shutil
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Self

import psutil

# The kernel ties a child's parent-death signal to the *thread* that started it. This one lives as long as
# the run, so a test may restart a server from a thread of its own and the server outlives that thread.
_starter = ThreadPoolExecutor(max_workers=1, thread_name_prefix="server-starter")


class Server:
    """One program on one port of 127.0.0.1. A subclass says when it `answers`.

    With `user` the program gives up root for that user and its group; leave it out where the run is not root.
    """

    stop_signal = signal.SIGTERM
    patience_s = 90.0

    def __init__(self, command: Sequence[str], *, port: int, log: Path, user: str | None = None) -> None:
        self.command = tuple(command)
        self.port = port
        self.log = log
        self.user = user
        self._process: subprocess.Popen[bytes] | None = None

    def answers(self) -> bool:
        """Whether a client gets an answer now; a frozen or absent server gives none."""
        return self.running

    @property
    def running(self) -> bool:
        """Whether the program was started and has not ended."""
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int:
        """The process id of the running program."""
        if self._process is None:
            raise RuntimeError(f"`{self.command[0]}` was not started")
        return self._process.pid

    def start(self) -> None:
        """Starts the program and returns when it answers; raises RuntimeError with its log when it does not."""
        self._process = _starter.submit(self._spawn).result()
        deadline = time.monotonic() + self.patience_s
        while not self.answers():
            if not self.running or time.monotonic() > deadline:
                self.kill()
                raise RuntimeError(f"`{self.command[0]}` gives no answer:\n{self.log.read_text()[-2000:]}")
            time.sleep(0.02)

    def _spawn(self) -> "subprocess.Popen[bytes]":
        with self.log.open("ab") as log:
            return subprocess.Popen(
                [*_dies_with_its_parent(self.stop_signal), *self.command],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                user=self.user,
                group=self.user,
                extra_groups=None if self.user is None else [],
            )

    def freeze(self) -> None:
        """SIGSTOP: connections stay open and nothing answers, as behind a hung disk or a silent network."""
        for process in self._family():
            with suppress(psutil.NoSuchProcess):
                process.suspend()

    def thaw(self) -> None:
        """SIGCONT: what was frozen goes on as if no time had passed."""
        for process in reversed(self._family()):
            with suppress(psutil.NoSuchProcess):
                process.resume()

    def kill(self) -> None:
        """SIGKILL without warning, the program and all its children; returns when every one is gone."""
        family = self._family()
        for process in family:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        if self._process is not None:
            self._process.wait()
        psutil.wait_procs(family, timeout=self.patience_s)

    def stop(self) -> None:
        """Asks the program to end and kills it when it does not."""
        if self._process is None or not self.running:
            return
        self.thaw()
        self._process.send_signal(self.stop_signal)
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout=10)
        self.kill()

    def ensure_running(self) -> None:
        """Makes good what an outage test left behind: thawed, and started again where it was killed."""
        if self.running:
            self.thaw()
        if not self.answers():
            self.kill()
            self.start()

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """An outage that ends with the block, whatever happens in it."""
        self.freeze()
        try:
            yield
        finally:
            self.thaw()

    @contextmanager
    def down(self) -> Iterator[None]:
        """A crash at the block's beginning and a restart at its end, whatever happens in it."""
        self.kill()
        try:
            yield
        finally:
            self.start()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _family(self) -> list[psutil.Process]:
        """The program, then its children: PostgreSQL's backends leave the process group, so a group is not enough."""
        if not self.running:
            return []
        try:
            program = psutil.Process(self.pid)
            return [program, *program.children(recursive=True)]
        except psutil.NoSuchProcess:
            return []


def _dies_with_its_parent(stop_signal: signal.Signals) -> list[str]:
    """A prefix by which the kernel ends the server even when the test run itself is killed."""
    setpriv = shutil.which("setpriv")
    return [setpriv, "--pdeathsig", stop_signal.name.removeprefix("SIG")] if setpriv else []
