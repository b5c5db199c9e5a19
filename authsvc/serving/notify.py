"""Tells systemd how far a service is (sd_notify(3)): a line to the datagram socket that it named, if it named one."""

from __future__ import annotations

import socket
import time
from contextlib import suppress

_ALIVE_EVERY_S = 1.0


class Notifier:
    """`address` is NOTIFY_SOCKET. Whoever cannot be told is not waited for."""

    def __init__(self, address: str = "") -> None:
        self._address = f"\0{address[1:]}" if address.startswith("@") else address
        self._alive_at = 0.0

    def ready(self) -> None:
        self._tell("READY=1")

    def stopping(self) -> None:
        self._tell("STOPPING=1")

    def alive(self) -> None:
        """For WatchdogSec; at most once a second."""
        if time.monotonic() - self._alive_at >= _ALIVE_EVERY_S:
            self._alive_at = time.monotonic()
            self._tell("WATCHDOG=1")

    def _tell(self, said: str) -> None:
        if not self._address:
            return
        with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
            sender.setblocking(False)
            sender.sendto(said.encode(), self._address)
