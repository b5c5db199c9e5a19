"""A process that is kept running: forked, watched, started again with patience, ended with its parent.

For the supervisor. A process that dies soon after its start waits longer each time, so that a broken one costs nothing.
"""

from __future__ import annotations

import ctypes
import logging
import multiprocessing
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.context import ForkProcess
from pathlib import Path

_log = logging.getLogger(__name__)
_fork = multiprocessing.get_context("fork")

_FIRST_PAUSE_S = 0.1
_LONGEST_PAUSE_S = 10.0
_STEADY_AFTER_S = 10.0
_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
_PR_SET_PDEATHSIG = 1
_PR_SET_NAME = 15


@dataclass(frozen=True, slots=True)
class SideProcess:
    """What runs beside the web processes: a command line, or a callable that returns when it gets SIGTERM or never.

    `nice` lowers its priority: a biometric worker that takes every free cycle must not take the decisions' cycles.
    """

    name: str
    run: Callable[[], object] | Sequence[str]
    nice: int = 0

    def __call__(self) -> None:
        """Runs it in this process, which a command line replaces."""
        os.nice(self.nice)
        if callable(self.run):
            self.run()
        else:
            os.execvp(self.run[0], list(self.run))  # noqa: S606  # No shell is wanted.


class KeptProcess:
    """One named process and its next lives. Not for threads: a fork copies only the one that asks for it."""

    def __init__(
        self,
        name: str,
        run: Callable[[], object],
        noted: Callable[[str, int], object] = lambda name, lives: None,
        silence: Callable[[], float] = lambda: 0.0,
    ) -> None:
        """`noted` is called at each start, with the number of the life that begins; `silence` is how long it has said nothing."""
        self._silence = silence
        self._stopped_at: float | None = None
        self.name = name
        self._noted = noted
        self.lives = 0
        self.exit_code: int | None = None
        self._run = run
        self._process: ForkProcess | None = None
        self._started_at = 0.0
        self._pause_s = _FIRST_PAUSE_S
        self._due_at = 0.0

    def start(self) -> None:
        """Starts a new life. The child gets its signals only once its handlers are not ours any more."""
        process = _fork.Process(target=_child, args=(self.name, self._run, os.getpid()), name=self.name)
        with _signals_held_back():
            process.start()
        self._process, self._started_at = process, time.monotonic()
        self.lives += 1
        self._noted(self.name, self.lives)

    def tend(self) -> None:
        """Notices a death, and starts the next life when its time has come."""
        if self._process is not None and not self._process.is_alive():
            self._bury(self._process)
        elif self._process is None and time.monotonic() >= self._due_at:
            self._try_again()

    def end_if_hung(self, patience_s: float) -> None:
        """Kill what has stood still for so long: what was stopped (SIGSTOP), or says nothing more. It is then started anew."""
        if max(self._silence(), self._stopped_for()) > patience_s and self.is_alive():
            _log.error("process `%s` has stood still for %g seconds and is ended", self.name, patience_s)
            self.send(signal.SIGKILL)

    def _stopped_for(self) -> float:
        """Seconds for which the process was found stopped; Linux alone tells."""
        if self.pid is None or not _is_stopped(self.pid):
            self._stopped_at = None
            return 0.0
        if self._stopped_at is None:
            self._stopped_at = time.monotonic()
        return time.monotonic() - self._stopped_at

    def is_alive(self) -> bool:
        """Whether it runs now."""
        return self._process is not None and self._process.is_alive()

    @property
    def pid(self) -> int | None:
        return None if self._process is None else self._process.pid

    def send(self, number: signal.Signals) -> None:
        """Sends a signal to the process, if it still runs."""
        if self._process is not None and self._process.is_alive() and self._process.pid is not None:
            os.kill(self._process.pid, number)

    def _bury(self, process: ForkProcess) -> None:
        self.exit_code, self._process = process.exitcode, None
        process.close()
        _log.error("process `%s` ended with exit code %s", self.name, self.exit_code)
        if time.monotonic() - self._started_at >= _STEADY_AFTER_S:
            self._pause_s = _FIRST_PAUSE_S
        self._postpone()

    def _try_again(self) -> None:
        try:
            self.start()
        except OSError as error:
            # A machine out of memory or processes may have some again soon.
            _log.error("process `%s` could not be started: %s", self.name, error.strerror)
            self._postpone()

    def _postpone(self) -> None:
        self._due_at = time.monotonic() + self._pause_s
        self._pause_s = min(2 * self._pause_s, _LONGEST_PAUSE_S)


def _is_stopped(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "T"
    except (OSError, IndexError):
        return False


def _child(name: str, run: Callable[[], object], parent: int) -> None:
    _end_with(parent)
    _call_itself(name)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    # A hang-up is the supervisor's to understand; it must not end what somebody is being answered by.
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    # Ctrl-C reaches the whole process group, but it is the supervisor that decides who goes first.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)
    run()


def _end_with(parent: int) -> None:
    """Has the kernel kill this process when its parent dies, however that happens; Linux alone can promise it."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(1)


def _call_itself(name: str) -> None:
    """The name that `ps` and `top` show for this process."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_NAME, name.encode()[:15])


@contextmanager
def _signals_held_back() -> Iterator[None]:
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
