"""Keeps the processes of one server running, and ends them in an order in which nobody is missed.

It never loads the application: it forks, watches and restarts. At the end the web processes go first, which finish what
they have begun, then the side processes that they may need for it.
"""

from __future__ import annotations

import ctypes
import logging
import os
import signal
import socket
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from authsvc.errors import ConfigurationError
from authsvc.serving.notify import Notifier
from authsvc.serving.process import KeptProcess
from authsvc.serving.pulse import Pulse
from authsvc.serving.worker import NO_APPLICATION

_log = logging.getLogger(__name__)

_ROUND_S = 0.1
_SIDE_PATIENCE_S = 5.0
_OWN_PAUSE_S = 2.0
_PR_SET_CHILD_SUBREAPER = 36
_STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)


class Supervisor:
    """`web_patience_s` is how long the web processes have for what they have begun before they are killed.

    The `listeners` are closed when the end begins: a client that still comes is refused rather than left in the queue.
    For `lame_duck_s` before that only readiness says no. What has stood still for `hung_s` is replaced.
    """

    def __init__(
        self,
        listeners: Sequence[socket.socket],
        web: Sequence[KeptProcess],
        side: Sequence[KeptProcess],
        *,
        web_patience_s: float,
        pulse: Pulse,
        hung_s: float,
        lame_duck_s: float = 0.0,
        notifier: Notifier | None = None,
    ) -> None:
        self._pulse = pulse
        self._hung_s = hung_s
        self._lame_duck_s = lame_duck_s
        self._notifier = notifier or Notifier()
        self._listeners = tuple(listeners)
        self._web = tuple(web)
        self._side = tuple(side)
        self._web_patience_s = web_patience_s
        self._stop_signals_seen = 0
        self._asked_to_reload = False
        self._judged_at = 0.0

    def run(self) -> None:
        """Returns when a stop signal came and every process has ended.

        Raises ConfigurationError when a web process could not make its application in its first life. In a later one
        that is an outage, which passes.
        """
        _adopt_orphans()
        with self._stop_signals_counted():
            try:
                for process in (*self._side, *self._web):
                    process.start()
                self._watch()
                self._be_lame_duck()
            finally:
                self._notifier.stopping()
                for listener in self._listeners:
                    listener.close()
                self._end(self._web, self._web_patience_s)
                self._end(self._side, _SIDE_PATIENCE_S)

    def _watch(self) -> None:
        is_ready = False
        while not self._stop_signals_seen:
            self._round()
            if not is_ready and self._pulse.all_beat():
                is_ready = True
                self._notifier.ready()

    def _be_lame_duck(self) -> None:
        """Serve on for a while in which whoever balances load finds another; a second signal ends it."""
        self._pulse.leave()
        deadline = time.monotonic() + self._lame_duck_s
        while time.monotonic() < deadline and self._stop_signals_seen < 2:
            self._round()

    def _round(self) -> None:
        began = time.monotonic()
        time.sleep(_ROUND_S)
        self._notifier.alive()
        self._pass_on_reload()
        for process in (*self._side, *self._web):
            process.tend()
        self._end_the_hung(time.monotonic() - began)
        self._reap_orphans()
        if any(process.lives == 1 and process.exit_code == NO_APPLICATION for process in self._web):
            raise ConfigurationError("the application could not be made, the log says why")

    def _end_the_hung(self, took_s: float) -> None:
        """Once a second. After a pause of our own nobody is judged for a while: the others may have had the same one."""
        now = time.monotonic()
        if took_s > _OWN_PAUSE_S:
            self._judged_at = now + self._hung_s
        if now >= self._judged_at:
            self._judged_at = now + 1
            for process in (*self._side, *self._web):
                process.end_if_hung(self._hung_s)

    def _pass_on_reload(self) -> None:
        """Only web processes keep something open that may change: certificates."""
        if self._asked_to_reload:
            self._asked_to_reload = False
            _log.info("asked to read certificates again")
            for process in self._web:
                process.send(signal.SIGHUP)

    def _reap_orphans(self) -> None:
        """Bury what our processes' children left behind: they fall to us, as to any first process of a container."""
        ours = {process.pid for process in (*self._side, *self._web)}
        while (pid := _first_dead_child()) is not None and pid not in ours:
            os.waitpid(pid, os.WNOHANG)

    def _end(self, processes: Sequence[KeptProcess], patience_s: float) -> None:
        for process in processes:
            process.send(signal.SIGTERM)
        deadline = time.monotonic() + patience_s
        while any(process.is_alive() for process in processes):
            if time.monotonic() > deadline or self._stop_signals_seen > 1:
                for process in processes:
                    process.send(signal.SIGKILL)
            time.sleep(_ROUND_S)

    def _note_reload(self, *_: object) -> None:
        self._asked_to_reload = True

    @contextmanager
    def _stop_signals_counted(self) -> Iterator[None]:
        def count(*_: object) -> None:
            self._stop_signals_seen += 1

        before = {number: signal.signal(number, count) for number in _STOP_SIGNALS}
        if not sys.stdin.isatty():
            before[signal.SIGHUP] = signal.signal(signal.SIGHUP, self._note_reload)
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


def _adopt_orphans() -> None:
    """Has the kernel give us the children of our children when these die; elsewhere than on Linux they go to init."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_CHILD_SUBREAPER, 1)


def _first_dead_child() -> int | None:
    """A child that has died and was not buried, left as it is; None where there is none."""
    if sys.platform != "linux":
        return None
    try:
        found = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return None
    return None if found is None else found.si_pid
