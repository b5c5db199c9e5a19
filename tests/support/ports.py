"""Ports for servers that a test starts."""

import os
import socket
from random import SystemRandom

# Below the kernel's ephemeral range, so that no outgoing connection takes the port before the server does.
_LOWEST, _HIGHEST = 20_000, 32_700

_RUNS = 8
_RUN = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) % _RUNS
"""Tests that run beside each other have ports of their own: between a look and the start of a server lies time."""

# Not the one generator that libraries seed: two processes would draw the same ports.
_chance = SystemRandom()
_handed: set[int] = set()


def free_port() -> int:
    """A TCP port of 127.0.0.1 on which nobody listens now, and that was not handed out lately."""
    ports = [port for port in range(_LOWEST + _RUN, _HIGHEST, _RUNS) if port not in _handed]
    for port in _chance.sample(ports, k=200):
        if _can_listen(port):
            _handed.add(port)
            if len(_handed) > 1_000:
                _handed.clear()
            return port
    raise OSError(f"200 ports between {_LOWEST} and {_HIGHEST} are all in use")


def _can_listen(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
